#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A login on the local console, which has no locker of its own: physlock locks it, as a unit of ours, and lets nobody but
# its user in. One in the background is left alone, and the journal says why.
. "$(dirname "$0")/lib.sh"
vm_boot
# Nothing here is about how long a console's locker takes to start, which on a busy host is longer than 3 s.
printf '[Policy]\nLockTimeout=30s\n' | vm_policy
# The next case stops this case's units, and that undoes its changes in the guest.
guest '
	systemd-run -q --collect --unit=signin-pam -p RemainAfterExit=yes \
		-p "ExecStop=/bin/sed -i /pam_scpolicy/d /etc/pam.d/common-session" -p "ExecStop=/bin/busybox chvt 1" \
		-p "ExecStop=/bin/systemctl stop scpolicyd-console-lock getty@tty2" true
	echo "session optional pam_scpolicy.so always" >> /etc/pam.d/common-session'
vm_drop_in getty@tty2.service <<'END'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --noclear --autologin password %I linux
END
guest 'busybox chvt 2; systemctl restart getty@tty2'
wait_for 'loginctl list-sessions --no-legend | grep -q tty2' 20
session=$(guest 'loginctl list-sessions --no-legend | awk "/tty2/ { print \$1 }"')
[ -n "$session" ] || bail_out 'no login on the console'
ok 'the session is governed' wait_for "log_has 'session $session of user password is governed'"
is 'logind takes it for a console' "$(guest "loginctl show-session -p Type -p Seat -p VTNr -p Active $session" | sort | tr '\n' ' ')" \
	'Active=yes Seat=seat0 Type=tty VTNr=2 '

lock=scpolicyd-console-lock.service
shown() { guest 'cat /sys/class/tty/tty0/active'; }
shows() { guest "grep -qx $1 /sys/class/tty/tty0/active"; }
# Keys pressed on the console that is shown.
press() { guest "perl -e 'open my \$tty, q(+<), q(/dev/$(shown)) or die; ioctl \$tty, 0x5412, my \$key = \$_ or die for @ARGV, qq(\n)' $*"; }

vm card-out
ok 'the console locks' wait_for "systemctl is-active -q $lock"
ok 'the journal has a lock' wait_for "journal_has action $session SCPOLICY_ACTION=lock"
ok 'and not that there was none' not journal_has cannot-lock "$session"
ok 'it is verified' wait_for "journal_has outcome $session SCPOLICY_ACTION=lock SCPOLICY_OUTCOME=verified"
ok 'the session is out of sight' not shows tty2
guest 'timeout 2 busybox chvt 2'
ok 'and cannot be switched to' not shows tty2
press w r o n g
ok 'another password does not open it' never "! systemctl is-active -q $lock" 4
vm card-in
wait_for card-atr 20
ok 'nor does the card' guest "systemctl is-active -q $lock"
# physlock drops what is typed before it asks again, which takes seconds after a wrong password.
opens() {
	for try in 1 2 3 4 5 6; do
		press p a s s w o r d
		! wait_for "! systemctl is-active -q $lock" 3 || return 0
	done
	return 1
}
ok "its user's password does" opens
is 'the session is back' "$(shown)" tty2
ok 'and lives' not has_ended "$session"

ok 'the session is guarded again' wait_for "journal_has restored $session"
guest 'busybox chvt 3'
vm_begin_anew
vm card-out
ok 'in the background: the journal says that it cannot be locked' wait_for "journal_has cannot-lock $session"
ok 'in the background: whoever sits at the console is not locked out' never "systemctl is-active -q $lock" 2

vm card-in
ok 'guarded once more' wait_for "journal_has restored $session" 20
vm_drop_in $lock <<'END'
[Service]
ExecStart=
ExecStart=/bin/false
END
guest 'busybox chvt 2'
wait_for "loginctl show-session -p Active --value $session | grep -q yes"
vm_begin_anew
vm card-out
ok 'a locker that does not come up: the lock has failed' wait_for "journal_has outcome $session SCPOLICY_OUTCOME=failed"
done_testing
