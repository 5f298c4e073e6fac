#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A real desktop: sway with swayidle and swaylock. swaylock never sets LockedHint, so the outcome is unverified and no second stage
# follows. It runs as the person: pam_scpolicy in its PAM stack reports the unlock to the daemon (Rebind).
. "$(dirname "$0")/../vm/lockers.sh"
vm_boot --set=lockers
printf '[Policy]\nThen=logout\nAfter=10min\n' | vm_policy
vm_locker_pam swaylock
vm_desktop sway XDG_SESSION_TYPE=wayland
# No window has sway's keyboard, because swaylock has it.
locked="desk 'swaymsg -t get_seats | grep -q focus.:.0,'"
# swaylock does not take a new keyboard's keymap: all of them declare these keys first, and Escape undoes what they type.
keys() { desk "wtype acdgnoprsw -k Escape $1 -k Return"; }
ok_locker unverified 'grim /tmp/sway.png'
ok 'no second stage, since nobody would see an unlock' log_has "Session $card of user card: logout cancelled: its locker never set LockedHint"

# At another port, where nothing ties it to the session but its person.
vm reader-out
ok 'the reader is moved: locked' wait_for "$locked" 30
vm qmp '{"execute":"device_add","arguments":{"driver":"usb-ccid","id":"reader0","bus":"usb.0","port":"2"}}' > /dev/null
vm card-in
wait_for card-atr 20
vm_begin_anew
ok 'nobody has unlocked: not guarded there' never "journal_has restored $card" 3
keys card
ok 'moved: the card unlocks' wait_for "! $locked" 90
ok 'and the session is bound to it there' wait_for "journal_has restored $card"
ok_really_locked 'pulled there' unverified

# says NAME PATTERN: one clear message.
says() { ok "$1" wait_for "[ \$(log_of scpolicyd | grep -Ec '$2') = 1 ]" 60 || note "$(log_of scpolicyd)"; }
guest 'pkill -KILL -x swaylock'
if [ -n "$(desk 'swaymsg -t get_version | grep -o "1[.][0-7][^0-9]"')" ]; then
	ok 'a locker that is killed: the screen is open' wait_for "! $locked"
else
	ok 'a locker that is killed: sway keeps the screen locked' never "! $locked" 5
fi
ok 'that is no unlock' not journal_has unguarded "$card"
vm card-in
wait_for "journal_has restored $card" 20
# Another locker may open what the killed one has locked.
if guest "$guest_functions; $locked"; then
	desk 'swaylock -f'
	keys password
	ok '… until another locker unlocks it' wait_for "! $locked" 90
fi
guest 'pkill -STOP -x swayidle'
vm_begin_anew
vm card-out
says 'a locker that hangs: nobody knows' "Session $card of user card: lock unverified .*: its locker never set LockedHint"
ok 'the screen is open' guest "$guest_functions; ! $locked"
vm reader-out
done_testing
