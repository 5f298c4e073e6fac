#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Records that nobody honest wrote are refused, each named in the log, and the good one works all the same.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions
# Each is the good record with one thing wrong: its name, and the command that spoils it in place.
guest "cd /run/scpolicyd/sessions
	spoil() { cp -p $card /run/spoilt; sed -i \"s/^SESSION=.*/SESSION=\$1/\" /run/spoilt; (cd /run; eval \"\$2\"); mv /run/spoilt \$1; }
	spoil 901 'sed -i /^ATR=/s/.*/ATR=xyz/ spoilt'
	spoil 902 'echo SLOT=0 >> spoilt'
	spoil 903 'echo COLOUR=red >> spoilt'
	spoil 904 'sed -i /^READER=/d spoilt'
	spoil 905 'chmod 644 spoilt'
	spoil 906 'chown card spoilt'
	spoil 907 'sed -i /^BOOT_ID=/s/=.*/=00000000000000000000000000000000/ spoilt'
	spoil 908 'head -c 5000 /dev/zero | tr \\\\000 x >> spoilt'
	ln -s $card /run/spoilt; mv /run/spoilt 909"
for name in 901 902 903 904 905 906 907 908 909; do
	ok "record $name is refused by name" wait_for "log_of scpolicyd | grep 'record $name refused'" 5
done
log_of scpolicyd > "$top/build/vm/$case_name.log"
ok 'the good one governs' grep -q "session $card .*is governed" "$top/build/vm/$case_name.log"
ok 'none of them does' not grep -q 'session 90. .*is governed' "$top/build/vm/$case_name.log"
note "$(grep refused "$top/build/vm/$case_name.log")"

guest 'systemctl restart scpolicyd'
vm card-out
ok_only_card_locked 'pulled'
done_testing
