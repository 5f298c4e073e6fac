#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Plasma at the machine's own seat: KWin's locker (kscreenlocker) sets LockedHint. Plasma starts our agent.
. "$(dirname "$0")/../vm/lockers.sh"
vm_boot --set=desktops
vm_seat
printf '[Policy]\nThen=logout\nAfter=20min\nLockTimeout=1min\nConfirm=10s\n' | vm_policy
guest 'busybox chvt 8'
vm_desktop kde 'XDG_SESSION_TYPE=wayland XDG_SEAT=seat0 XDG_VTNR=8' 300
ask='busctl --user call org.freedesktop.ScreenSaver /ScreenSaver org.freedesktop.ScreenSaver GetActive'
locked="desk '$ask | grep -q true'"
ok 'the locker is there' wait_for "desk '$ask | grep -q false'" 300
ok 'Plasma starts the agent' wait_for "desk 'busctl --user list --acquired | grep -q org.scpolicyd1.Notify'" 300
ok_really_locked 'pulled' verified
vm card-in
ok 'the card is back: guarded' wait_for "journal_has restored $card" 30
ok 'that does not unlock' guest "$guest_functions; $locked"
unlock $card
ok 'logind unlocks' wait_for "! $locked && is_unlocked $card" 60
done_testing
