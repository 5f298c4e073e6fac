#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine sleeps: what comes and goes meanwhile counts only when it is still gone afterwards.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session
is_asleep() { vm qmp '{"execute":"query-status"}' | grep -q '"suspended"'; }
fall_asleep() {
	guest 'systemctl suspend'
	for try in $(seq 100); do
		! is_asleep || return 0
		sleep 0.2
	done
	return 1
}
wake_up() { vm qmp '{"execute":"system_wakeup"}' > /dev/null; }

ok 'it falls asleep' fall_asleep
vm reader-out
vm reader-in
wake_up
ok 'awake: everything is looked at anew' wait_for "journal_has recheck ''" 20
ok_not_removed 'the reader was out and in again' "$card" 7

ok 'it falls asleep again' fall_asleep
vm card-out
wake_up
ok_only_card_locked 'the card was pulled'
ok 'and told once' [ "$(guest "journalctl -q -b -o cat SCPOLICY_EVENT=removal SCPOLICY_SESSION=$card | wc -l")" = 1 ]
vm card-in
ok_guarded_again 'put back'

# Between logind's two words nothing really sleeps now, so that all is heard of a reader that gets a new address.
vm_drop_in systemd-suspend.service <<'END'
[Service]
ExecStart=
ExecStart=/bin/sh -c 'touch /run/signin-asleep; while [ -e /run/signin-asleep ]; do sleep 0.1; done'
END
guest 'systemctl suspend --no-block'
ok 'it is about to sleep' wait_for 'test -e /run/signin-asleep' 20
vm reader-out
wait_for 'grep -q "pcsc reader-gone" /run/witness.out'
vm reader-in
wait_for 'grep -q "pcsc reader-in-with-card" /run/witness.out'
guest 'rm /run/signin-asleep'
ok 'awake again: everything is looked at anew' wait_for "journal_has recheck ''" 20
ok_not_removed 'the reader has a new address' "$card" 7
vm reader-out
ok_only_card_locked 'and is watched there'
done_testing
