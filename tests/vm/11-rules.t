#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two sessions on one card, each under its own rule; a faulty file changes nothing and is named with its line.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions
vm_signout password
always=$(vm_signin password scpolicy-always)
wait_for "log_has 'session $always of user password is governed'"
vm_policy <<'END'
[Policy]
Action=none

[Rule by-user]
User=c*d
Cause=card
Action=lock

[Rule by-service]
Service=scpolicy-always
Session=local
Action=logout
END
vm_policy <<'END'
[Policy]
Action=none
Colour=red
END
ok 'a faulty file is refused' journal_has config - SCPOLICY_OUTCOME=failed
ok 'by file and line' log_has '/etc/scpolicyd.conf:3: .*Colour.*the running policy stays'

vm card-out
ok 'the rule by user: locked' wait_for "is_locked $card"
ok 'the rule by service: logged out' wait_for "has_ended $always"
ok 'the first rule is named' journal_has action "$card" SCPOLICY_RULE=by-user SCPOLICY_ACTION=lock
ok 'and the second' journal_has action "$always" SCPOLICY_RULE=by-service SCPOLICY_ACTION=logout
ok 'the locked session lives' not has_ended "$card"

vm card-in
ok_guarded_again 'inserted again'
vm reader-out
ok 'another cause, no rule: reported' wait_for "journal_has removal $card SCPOLICY_ACTION=none || journal_has heard $card SCPOLICY_CAUSE=reader"
done_testing
