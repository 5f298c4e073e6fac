#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What is removed while the daemon is stopped, and the probe with it, is found at the next start. What stays is no removal.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session
guest 'systemctl restart scpolicyd'
ok 'restarted with the card in: no Lock' never 'grep -q " lock " /run/witness.out' 2

guest 'systemctl stop scpolicyd'
vm card-out
wait_for 'grep -q "pcsc card-out" /run/witness.out'
ok 'nobody locks while it is down' is_unlocked "$card"
guest 'systemctl start scpolicyd'
ok_only_card_locked 'started without the card'
ok 'found at start' journal_has removal "$card" SCPOLICY_CAUSE=absent SCPOLICY_SOURCE=startup
vm card-in
ok_guarded_again 'inserted again'

guest 'systemctl stop scpolicyd'
vm reader-out
wait_for 'grep -q "pcsc reader-gone" /run/witness.out'
guest 'systemctl start scpolicyd'
ok_only_card_locked 'started without the reader'
ok 'found at start again' journal_has removal "$card" SCPOLICY_CAUSE=absent SCPOLICY_SOURCE=startup
done_testing
