#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# mate-screensaver: it locks, and never sets LockedHint.
. "$(dirname "$0")/../vm/lockers.sh"
vm_boot --set=desktops
vm_locker_pam mate-screensaver
vm_desktop mate XDG_SESSION_TYPE=x11
# It shows nothing but black until a key asks for its dialog.
locked="desk 'mate-screensaver-command -q | grep -q is.active'"
ok 'the locker listens' wait_for "grep -q take_logind_inhibit_lock /run/signin-card.err" 120
ok_really_locked 'pulled' unverified
vm card-in
ok 'the card is back: guarded' wait_for "journal_has restored $card" 20
ok 'that does not unlock' guest "$guest_functions; $locked"
done_testing
