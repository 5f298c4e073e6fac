#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The same binary on another kernel, newer than the release's own: fentry reports both removals there as well.
. "$(dirname "$0")/lib.sh"
kernel=${KERNEL:-newest} # make check-systems names others
vm_boot --kernel=$kernel
[ $kernel != newest ] || kernel=$(tail -n 1 "$("$top/scripts/vm-image")/kernels")
ok "this is $kernel" guest "uname -r | grep -q '^$kernel'\\."
note "Linux $(guest 'uname -r')"
ok 'the probe is attached by fentry' wait_for \
	'journalctl -q -b -t scpolicyd -o cat | grep -q "hearing removals from: probe (fentry), uevent, udev, pcsc"'
note "$(guest 'journalctl -q -b -t scpolicyd -o cat | grep -o "probe ([a-z]*)" | tail -n 1')"
vm_two_sessions
vm_settle

vm card-out
ok_only_card_locked 'card pulled'
ok 'the probe reported the card' journal_has removal "$card" SCPOLICY_CAUSE=card SCPOLICY_SOURCE=probe
vm card-in
ok_guarded_again 'inserted again'

vm reader-out
ok_only_card_locked 'reader pulled'
ok 'the probe reported the reader' journal_has removal "$card" SCPOLICY_SOURCE=probe
done_testing
