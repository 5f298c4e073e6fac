#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A real locker of X: i3lock, which xss-lock starts. xss-lock sets LockedHint when it starts the locker, and clears it when the
# locker has ended. So a locker that fails must not count as a person who unlocked.
. "$(dirname "$0")/../vm/lockers.sh"
vm_boot --set=lockers
printf '[Policy]\nThen=logout\nAfter=10min\nLockTimeout=20s\n' | vm_policy
vm_locker_pam i3lock
locker() { guest "echo '$1' > /home/card/locker"; }
locker 'exec i3lock -n -c 204080'
vm_desktop xss-lock XDG_SESSION_TYPE=x11
# The X server shows i3lock's window.
locked="desk 'xdotool search --onlyvisible --class i3lock'"
keys() { desk "xdotool type $1; xdotool key Return"; }
ok_locker verified 'scrot /tmp/xss-lock.png'
ok 'the unlock cancelled the second stage' log_has "Session $card of user card: logout cancelled: the session was unlocked"

# says NAME PATTERN [COUNT]: one clear message, or one for each try.
says() { ok "$1" wait_for "[ \$(log_of scpolicyd | grep -Ec '$2') = ${3:-1} ]" 60 || note "$(log_of scpolicyd)"; }
locker 'exit 1'
vm_begin_anew
vm card-out
says 'a locker that fails: both locks have failed' "Session $card of user card: lock failed.*LockedHint vanished at once: the locker ended" 2
vm card-in
wait_for "journal_has restored $card" 20
vm_begin_anew
guest 'pkill -STOP -x xss-lock'
vm card-out
says 'a locker that hangs: the lock has failed' "Session $card of user card: lock failed.*LockedHint did not show, nor after a second try"
guest 'pkill -CONT -x xss-lock'
vm card-in
wait_for "journal_has restored $card" 20

locker 'exec i3lock -n -c 204080'
ok_really_locked 'once more' verified
guest 'sleep 2; pkill -KILL -x i3lock'
ok 'a locker that is killed: the screen is open' wait_for "! $locked"
says 'the session is reported as unguarded' "Session $card of user card is not guarded: it was unlocked without its card"
note "$(log_of scpolicyd)"
vm card-in
wait_for "journal_has restored $card" 20
# Nobody can know of this one: see "What it does not protect from" in the README.
locker 'exec sleep 1000'
vm_begin_anew
vm card-out
ok 'one that sets the hint and does not lock is believed' wait_for "journal_has outcome $card SCPOLICY_OUTCOME=verified" 20
done_testing
