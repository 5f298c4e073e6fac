#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine sleeps, as far as logind and the daemon can tell: what comes and goes meanwhile counts only when it is
# still gone afterwards.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_drop_in systemd-suspend.service <<'END'
[Service]
ExecStart=
ExecStart=/bin/sh -c 'touch /run/signin-asleep; while [ -e /run/signin-asleep ]; do sleep 0.1; done'
END
vm_one_session
fall_asleep() {
	guest 'systemctl suspend --no-block'
	wait_for 'test -e /run/signin-asleep' 20
}
wake_up() { guest 'rm /run/signin-asleep'; }

ok 'it falls asleep' fall_asleep
vm reader-out
wait_for 'grep -q "pcsc reader-gone" /run/witness.out'
vm reader-in
wait_for 'grep -q "pcsc reader-in-with-card" /run/witness.out'
wake_up
ok 'everything is looked at anew' wait_for "journal_has recheck ''" 20
ok_not_removed 'the reader came back with another address' "$card" 7

ok 'it falls asleep again' fall_asleep
vm card-out
wait_for 'grep -q "pcsc card-out" /run/witness.out'
ok 'asleep: not locked' is_unlocked "$card"
wake_up
ok_only_card_locked 'the card was pulled'
ok 'found on waking up' journal_has removal "$card" SCPOLICY_CAUSE=absent SCPOLICY_SOURCE=startup
done_testing
