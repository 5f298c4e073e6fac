#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A loose plug: a card that is back within Settle= was not removed; one that is not back was.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session
vm_policy <<'END'
[Policy]
Action=lock
Settle=8s
END
vm card-out
wait_for 'grep -q "pcsc card-out" /run/witness.out'
vm card-in
ok 'the card is back in time: reported' wait_for "journal_has settled $card"
vm reader-out
wait_for 'grep -q "pcsc reader-gone" /run/witness.out'
vm reader-in
ok 'the reader is back in time: reported' wait_for "[ \$(journalctl -q -b -o cat --since @\$(cat /run/vm-case-began) SCPOLICY_EVENT=settled | wc -l) = 2 ]"
vm card-out
ok 'not back in time: locked' wait_for "is_locked $card" 20
is 'that was the only removal' "$(guest "journalctl -q -b -o verbose SCPOLICY_EVENT=removal SCPOLICY_SESSION=$card |
	grep -o CAUSE=.*")" CAUSE=card
is 'and the only Lock' "$(guest "grep -c '^[0-9]* lock $card\$' /run/witness.out")" 1
done_testing
