#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Sending Lock is not locking. If a locker has set LockedHint before, it must set it again, or the lock has failed. A
# locker that never did is not believed either.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_policy <<'END'
[Policy]
Action=lock
LockTimeout=1s
WhenLockFails=logout
END
hung=$(vm_signin password scpolicy-always)
vm_locker "$hung"
wait_for "log_has 'session $hung of user password is governed'"
guest "loginctl lock-session $hung"
ok 'its locker has shown the hint' wait_for "is_locked $hung"
unlock $hung
wait_for "is_unlocked $hung"
guest "systemctl stop locker-$hung; rm -f /run/locker-$hung.out"
vm_locker "$hung" --deaf
vm card-out
ok 'deaf: asked twice' wait_for "[ \$(grep -c 'lock ignored' /run/locker-$hung.out) = 2 ]"
ok 'deaf: the lock has failed' wait_for "journal_has outcome $hung SCPOLICY_ACTION=lock SCPOLICY_OUTCOME=failed"
ok 'deaf: so the session ends' wait_for "has_ended $hung"

vm_signout password 2> /dev/null
guest 'rm -f /run/signin-password.out'
vm card-in
wait_for card-atr 20
quiet=$(vm_signin password scpolicy-always)
vm_locker "$quiet" --no-hint
wait_for "log_has 'session $quiet of user password is governed'"
vm card-out
ok 'without the hint: it heard' wait_for "grep -q '^lock' /run/locker-$quiet.out"
ok 'without the hint: unverified' wait_for "journal_has outcome $quiet SCPOLICY_OUTCOME=unverified"
ok 'without the hint: asked once' [ "$(guest "grep -c '^lock' /run/locker-$quiet.out")" = 1 ]
ok 'without the hint: the session lives' not has_ended "$quiet"
done_testing
