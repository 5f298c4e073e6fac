#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a removal may lead to besides a lock, each put in force by a reload while the session lives: logout, a second
# stage that an unlock cancels, a unit of the administrator's. All of it without polkit, which not every machine has.
. "$(dirname "$0")/lib.sh"
vm_boot
guest 'systemctl mask --runtime --now --quiet polkit'
vm_two_sessions
vm_settle
governed() {
	vm_signout password 2> /dev/null
	guest 'systemctl reset-failed; rm -f /run/signin-password.out'
	vm all-in
	wait_for card-atr 20
	session=$(vm_signin password scpolicy-always)
	vm_locker "$session"
	wait_for "log_has 'session $session of user password is governed'"
}

vm_policy <<'END'
[Policy]
Action=logout
END
vm card-out
ok 'logout: the session ends when its card is pulled' wait_for "has_ended $card"
ok 'logout: PC/SC agreed' journal_has heard "$card" SCPOLICY_SOURCE=pcsc
ok 'logout: its outcome is verified' wait_for "journal_has outcome $card SCPOLICY_ACTION=logout SCPOLICY_OUTCOME=verified"
ok 'logout: the other session lives' not has_ended "$password"

governed
vm reader-out
ok 'logout: the session ends when its reader is pulled' wait_for "has_ended $session"

governed
vm_policy <<'END'
[Policy]
Action=lock
Then=logout
After=3s
Unit=note@.service
END
guest -i 'cat > /run/systemd/system/note@.service; systemctl daemon-reload' <<'END'
[Service]
ExecStart=/usr/bin/touch /run/signin-note-%i
END
vm card-out
ok 'stages: locked first' wait_for "is_locked $session"
ok 'stages: the countdown is reported' wait_for "journal_has countdown $session SCPOLICY_ACTION=logout"
ok 'Unit= was started with the session as its instance' wait_for "test -e /run/signin-note-$session"
ok 'stages: then the session ends' wait_for "has_ended $session"
ok 'stages: its card was out all the time' not journal_has cancelled "$session"

governed
vm card-out
ok 'cancelled: locked first' wait_for "is_locked $session"
unlock $session
ok 'cancelled: by the unlock, and reported' wait_for "journal_has cancelled $session SCPOLICY_ACTION=logout"
ok 'cancelled: the session lives on' never "has_ended $session" 4
done_testing
