# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the cases about real lockers share, and lib.sh with it. Whether the screen is locked, they ask the locker or
# the display server: $locked is that question, a command line for the guest. Each case prints what it measured.

. "$(dirname "$0")/../vm/lib.sh"
locked=false

# vm_seat: the machine has a screen. logind may open it only if it was there when logind started, as it is on a real machine.
vm_seat() {
	vm_spoil
	wait_for 'ls /dev/dri/card0' && guest 'systemctl restart systemd-logind; rm -f /home/card/desktop.env'
}

# vm_desktop DESKTOP ENVIRONMENT [SECONDS]: the account card signs in with its card, and its session runs the desktop of
# overlay/usr/local/lib/desktops. The environment is what a display manager tells PAM. $card is the session.
vm_desktop() {
	session_env=$2
	guest 'cp /usr/local/lib/desktops/pcscd.rules /etc/polkit-1/rules.d/
		echo card:password | chpasswd
		rm -f /home/card/desktop.env /home/card/typed'
	card=$(vm_signin card scpolicy-login "$1")
	[ -n "$card" ] || bail_out 'the card cannot sign in'
	wait_for 'test -s /home/card/desktop.env' "${3:-120}" || bail_out 'no desktop'
	ok 'the session is governed' wait_for "log_has 'session $card of user card is governed'" 30
}

# vm_locker_pam SERVICE: the locker asks for card or password, and reports to scpolicyd.
vm_locker_pam() { guest "cp /usr/local/lib/desktops/pam /etc/pam.d/$1"; }

desk() { guest "$guest_functions; desk '$1'"; }

# picture NAME COMMAND_LINE: what is on the screen, for a person to look at: build/vm/NAME.png. The command line writes /tmp/NAME.png.
picture() {
	desk "rm -f /tmp/$1.png; $2" && guest "cat /tmp/$1.png" > "$top/build/vm/$1.png" && note "picture: build/vm/$1.png"
}

# ok_really_locked NAME OUTCOME: the card is removed; the screen is locked, and scpolicyd reports the outcome.
ok_really_locked() {
	vm_begin_anew
	vm_witness
	vm_settle
	guest "$guest_functions; service when sh -c '$guest_functions; when \"\$1\"' when \"$locked\""
	vm card-out
	ok "$1: the screen is locked" wait_for 'grep -q . /run/when.out' 60
	ok "$1: the outcome is $2" wait_for "journal_has outcome $card SCPOLICY_ACTION=lock SCPOLICY_OUTCOME=$2" 20
	ok "$1: it was locked once" [ "$(guest "grep -c '^[0-9]* lock $card\$' /run/witness.out")" = 1 ]
	measured "$1"
}

# The times of the last lock. The question whether it is locked takes its time, too.
measured() {
	guest "$guest_functions
		asked=\$(sed -n 's/^\\([0-9]*\\)[0-9]\\{6\\} lock $card\$/\\1/p' /run/witness.out | head -n 1)
		hint=\$(sed -n 's/^\\([0-9]*\\)[0-9]\\{6\\} hint $card yes\$/\\1/p' /run/witness.out | head -n 1)
		echo \"locked \$((\$(cat /run/when.out) - asked)) ms after the Lock signal\${hint:+, LockedHint \$((hint - asked)) ms}\"
		log_of scpolicyd | grep -E 'lock (verified|unverified|failed)'" | sed "s/^/# measured: $case_name: $1: /"
}

# ok_locker OUTCOME [PICTURE-COMMAND]: a locker's whole day. keys TEXT is the case's, and types the text and Enter.
ok_locker() {
	ok 'the desktop is open' wait_for "! $locked" 60
	ok_really_locked 'pulled' "$1"
	[ -z "${2:-}" ] || picture "${case_name#[0-9]*-}" "$2"
	keys wrong
	ok 'a wrong password does not unlock' never "! $locked" 5
	vm card-in
	ok 'the card is back: guarded' wait_for "journal_has restored $card" 20
	keys card
	ok 'the card unlocks' wait_for "! $locked" 90

	ok_really_locked 'pulled again' "$1"
	keys password
	ok 'without the card, the password unlocks' wait_for "! $locked" 90
	ok 'and the session is reported as unguarded' wait_for "journal_has unguarded $card"
	vm card-in
	ok 'until the card is back' wait_for "journal_has restored $card" 20
}
