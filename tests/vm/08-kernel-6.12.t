#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The same binary on the other kernel: fentry reports both removals there as well.
. "$(dirname "$0")/lib.sh"
vm_boot --kernel=6.12
ok 'this is 6.12' guest 'uname -r | grep -q "^6\.12\."'
ok 'the probe is attached by fentry' wait_for \
	'journalctl -q -b -t scpolicyd -o cat | grep -q "hearing removals from: probe (fentry), uevent, udev, pcsc"'
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
