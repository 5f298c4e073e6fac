#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# org.scpolicyd1 on a real bus: a call starts the daemon, polkit decides on Reload, people see their own sessions.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions

call() { # USER METHOD ARGUMENTS...: what busctl says
	user=$1
	shift
	guest "runuser -u $user -- busctl --system call org.scpolicyd1 /org/scpolicyd1 org.scpolicyd1.Manager $* 2>&1"
}
says() { # PATTERN USER METHOD ARGUMENTS...
	pattern=$1
	shift
	call "$@" | grep -Eq -- "$pattern"
}

guest 'systemctl stop scpolicyd'
ok 'a call starts the daemon' says '"Version" s' card GetStatus
ok 'which systemd runs' guest 'systemctl is-active -q scpolicyd'
wait_for "log_has 'session $card of user card is governed'"
ok 'its own session is shown' says "\"Session\" s \"$card\"" card ListSessions
ok 'to nobody else' says '^aa.sv. 0' password ListSessions
ok 'nor explained' says 'Access denied' password Explain s "$card"
ok 'root sees it' says "\"Session\" s \"$card\"" root ListSessions
ok 'the probe is named' says '"Probe" s "(fentry|kprobe)"' password GetStatus
ok 'the reader is watched' says '"UsbId" s "08e6:[0-9a-f]*".*"Watched" b true' card ListReaders
ok 'to nobody else' says '^aa.sv. 0' password ListReaders

ok 'polkit knows the action' guest 'pkaction --verbose --action-id org.scpolicyd1.reload | grep -q "implicit any:.*auth_admin"'
ok 'root reloads' not says 'failed' root Reload
ok 'others do not' says 'Access denied' card Reload
guest 'mkdir -p /etc/polkit-1/rules.d && cat > /etc/polkit-1/rules.d/case.rules << "END"
polkit.addRule(function(action, subject) {
	if (action.id == "org.scpolicyd1.reload" && subject.user == "card")
		return polkit.Result.YES;
});
END'
ok 'unless polkit lets them' guest 'for try in $(seq 50); do runuser -u card -- busctl --system call org.scpolicyd1 \
	/org/scpolicyd1 org.scpolicyd1.Manager Reload && exit; sleep 0.2; done; exit 1'
guest 'rm /etc/polkit-1/rules.d/case.rules'

ok 'what would be done' says '"Steps" as 1 "lock"' card Simulate ss "$card" reader
vm reader-out
ok_only_card_locked 'and is'
done_testing
