#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel is locked down, and lets nobody trace it any more: the daemon serves without the probe. There is no way
# back, so the machine is not used again.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_spoil
vm_one_session
guest 'mount -t securityfs none /sys/kernel/security 2> /dev/null; echo confidentiality > /sys/kernel/security/lockdown'
ok 'the kernel is locked down' guest 'grep -q "\[confidentiality\]" /sys/kernel/security/lockdown'
guest 'systemctl stop scpolicyd; systemctl start scpolicyd'
ok 'the daemon says what it has' wait_for "journalctl -q -b -o cat SCPOLICY_EVENT=degraded | grep -q 'hearing removals from: uevent, udev, pcsc'"
vm card-out
ok_only_card_locked 'card pulled'
vm card-in
ok_guarded_again 'inserted again'
vm reader-out
ok_only_card_locked 'reader pulled'
ok 'the kernel reported it' journal_has removal "$card" SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=uevent
done_testing
