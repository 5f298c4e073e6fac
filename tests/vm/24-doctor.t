#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What only a live machine shows of scpolicyctl doctor: each thing is broken, examined, and repaired. And the other
# places of the trail: what journalctl -x says, the kernel audit log, the metrics.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session

# finds SEVERITY:ID: among the findings now.
finds() {
	guest 'scpolicyctl doctor --json' > "$top/build/vm/$case_name.json"
	perl -MJSON::PP -0777 -ne 'exit !grep { "$_->{severity}:$_->{id}" eq $ENV{WANTED} } @{decode_json($_)->{findings}}' \
		"$top/build/vm/$case_name.json"
}
ok_finds() { # NAME SEVERITY:ID
	WANTED=$2
	export WANTED
	ok "$1: $2" finds
}

# The rules of scpolicyctl compliance with that result, but what came of the last removal.
rules() { # RESULT
	guest 'scpolicyctl compliance --json' > "$top/build/vm/$case_name.json"
	WANTED=$1 perl -MJSON::PP -0777 -ne 'print join(" ", sort map { $_->{id} }
		grep { $_->{result} eq $ENV{WANTED} && $_->{id} ne "last-removal" } @{decode_json($_)->{rules}}), "\n"' \
		"$top/build/vm/$case_name.json"
}

# The kernel's audit log, on or off, is read back from the journal. Its socket is not started by itself in Debian 13.
audit() {
	guest "mkdir -p /run/systemd/journald.conf.d; printf '[Journal]\\nAudit=$1\\n' > /run/systemd/journald.conf.d/audit.conf
		systemctl restart systemd-journald-audit.socket systemd-journald.service"
}
# The locker shows that it can.
prove_locker() {
	guest "loginctl lock-session $card"
	wait_for "is_locked $card"
	unlock $card
	wait_for "is_unlocked $card"
}

audit yes
guest 'journalctl --update-catalog; udevadm trigger --subsystem-match=usb; udevadm settle'
prove_locker
ok_finds 'well: the probe' ok:probe
ok_finds 'well: pcscd' ok:pcscd
ok_finds 'well: the session' ok:sessions
is 'well: it finds no fault' "$(guest 'scpolicyctl doctor > /run/doctor.out; echo $?')" 0
guest 'cat /run/doctor.out' | sed 's/^/# /'
is 'compliance: only consoles and ssh are not locked' "$(rules fail)" all-connections
is '… and all else passes' "$(rules pass)" 'daemon-runs probe-attached removal-locks sign-ins-recorded users-cannot-override'
vm_policy <<'X'
[Policy]
WhenCannotLock=logout
X
is '… until policy ends them' "$(rules fail)" ''
guest 'scpolicyctl compliance' | cut -c 1-400 | sed 's/^/# /'
vm_policy < /dev/null
ok 'an ordinary user learns what could not be seen' guest \
	'runuser -u password -- scpolicyctl doctor | grep -q "could not be looked at: Permission denied"'

guest 'sysctl -qw kernel.ftrace_enabled=0'
ok_finds 'ftrace is off' warning:probe-deaf
guest 'sysctl -qw kernel.ftrace_enabled=1'
guest 'systemctl mask --runtime --quiet scpolicyd; systemctl stop scpolicyd'
ok_finds 'masked' fault:service-masked
ok_finds 'stopped' fault:service-down
guest 'systemctl unmask --runtime --quiet scpolicyd'
vm_drop_in scpolicyd-loader.service <<'X'
[Service]
CapabilityBoundingSet=
CapabilityBoundingSet=CAP_SETPCAP
X
guest 'systemctl stop scpolicyd; systemctl start scpolicyd'
ok_finds 'the probe is refused' warning:probe-missing
guest 'rm /run/systemd/system/scpolicyd-loader.service.d/case.conf; systemctl daemon-reload; systemctl stop scpolicyd; systemctl start scpolicyd'

guest 'systemctl stop pcscd.socket pcscd.service'
ok_finds 'pcscd is stopped' fault:pcscd-unreachable
guest 'systemctl start pcscd.socket'
wait_for card-atr 20

vm_policy <<'X'
[Policy]
Action=none
X
ok_finds 'Action=none' fault:action-none
ok_finds 'Action=none' warning:session-not-acted-on
vm_policy <<'X'
[Policy]
Action=lock
LockTimeout=1s
X

prove_locker
guest "systemctl stop locker-$card; rm -f /run/locker-$card.out"
vm_locker "$card" --deaf
vm card-out
wait_for "journal_has outcome $card"
guest "journalctl -q -b -x -o short SCPOLICY_EVENT=outcome SCPOLICY_SESSION=$card" > "$top/build/vm/$case_name.explained"
ok 'journalctl -x explains' grep -q "Subject: Outcome for session $card: lock" "$top/build/vm/$case_name.explained"
ok_finds 'the locker is deaf' fault:locker-deaf
ok 'compliance has it' guest 'scpolicyctl compliance | grep -q "^last-removal .* fail .*cause card.*lock failed$"'
ok 'the removal is in the kernel audit log' wait_for "journalctl -q -b -o cat _TRANSPORT=audit | grep -q 'op=removal .*cause=card'"
ok 'so is the action' guest "journalctl -q -b -o cat _TRANSPORT=audit | grep -q 'op=action .*action=lock.*res=success'"
ok 'the daemon says so' guest 'busctl call org.scpolicyd1 /org/scpolicyd1 org.scpolicyd1.Manager GetStatus | grep -q "\"Audit\" b true"'
ok 'the writer has one capability' guest 'grep -qx "CapEff:	0000000020000000" /proc/$(pgrep -x scpolicyd-audit)/status'

guest 'mkdir -p /var/lib/prometheus/node-exporter; systemctl start scpolicyd-metrics.service'
ok 'the metrics are where node_exporter looks' guest \
	'grep -q "^scpolicyd_removals_total{cause=\"card\",source=\"[a-z]*\"} 1$" /var/lib/prometheus/node-exporter/scpolicyd.prom'
guest 'systemctl start scpolicyd-doctor.service; scpolicyctl doctor --metrics > /tmp/doctor'
ok 'what the doctor finds is there too, the deaf locker among it' guest \
	'grep -qx "scpolicyd_doctor_finding{id=\"locker-deaf\",severity=\"fault\"} 1" /var/lib/prometheus/node-exporter/scpolicyd-doctor.prom'
ok 'the service sees what root sees' guest 'diff /var/lib/prometheus/node-exporter/scpolicyd-doctor.prom /tmp/doctor'
ok 'where a sandbox forbids it to open files, the doctor says so, and nothing else' guest \
	'systemd-run -q --wait --pipe --collect -p RestrictSUIDSGID=yes scpolicyctl doctor | tee /tmp/sandbox | grep -q "the directory cannot be opened" &&
		grep -qx "1 fault, 0 warnings" /tmp/sandbox'
is 'whole' "$(guest 'tail -n 1 /var/lib/prometheus/node-exporter/scpolicyd.prom; ls -A /var/lib/prometheus/node-exporter')" '# EOF
scpolicyd-doctor.prom
scpolicyd.prom'
audit no
guest 'rm /run/systemd/journald.conf.d/audit.conf'
vm card-in
done_testing
