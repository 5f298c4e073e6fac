#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Without the BTF of modules, which fentry needs; without ftrace, which kprobes need too; without BPF; then with pcscd
# gone as well; then stopped while more is reported than fits. The next source serves, and the daemon names it.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session

# Modules' BTF and, at the kernel's usual 3, kprobes need CAP_SYS_ADMIN. What systemd keeps of a better probe ends with a stop.
vm_drop_in scpolicyd-loader.service <<'END'
[Service]
CapabilityBoundingSet=
CapabilityBoundingSet=CAP_BPF CAP_PERFMON CAP_NET_ADMIN
END
guest 'sysctl -qw kernel.perf_event_paranoid=2; systemctl stop scpolicyd; systemctl start scpolicyd
	sysctl -qw kernel.perf_event_paranoid=3'
ok 'no BTF of modules: kprobes' wait_for "log_has 'hearing removals from: probe .kprobe., uevent, udev, pcsc'"
guest 'systemctl restart scpolicyd'
ok 'kprobes go on over a restart, too' wait_for "log_has 'went on without a daemon'"
vm reader-out
ok_only_card_locked 'kprobes'
ok 'kprobes: the probe reported it' journal_has removal "$card" SCPOLICY_SOURCE=probe
vm reader-in
ok_guarded_again 'kprobes'

guest 'sysctl -qw kernel.ftrace_enabled=0; systemctl restart scpolicyd; sysctl -qw kernel.ftrace_enabled=1'
ok 'no ftrace: no probe is claimed' wait_for "log_has 'hearing removals from: uevent, udev, pcsc; no kernel probe'"

vm_drop_in scpolicyd-loader.service <<'END'
[Service]
CapabilityBoundingSet=
END
vm_policy <<'END'
[Policy]
Action=lock
PcscLost=lock
END
vm_begin_anew
guest 'systemctl stop scpolicyd; systemctl start scpolicyd'
ok 'it says what it hears by' wait_for "journalctl -q -b -o cat --since @\$(cat /run/vm-case-began) SCPOLICY_EVENT=degraded | grep -q 'hearing removals from: uevent, udev, pcsc'"

vm reader-out
ok_only_card_locked 'without a probe, reader'
ok 'the kernel reported it all the same' journal_has removal "$card" SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=uevent
vm reader-in
ok_guarded_again 'inserted again'
vm card-out
ok_only_card_locked 'without a probe, card'
ok 'PC/SC reported it' journal_has removal "$card" SCPOLICY_CAUSE=card SCPOLICY_SOURCE=pcsc
vm card-in
ok_guarded_again 'inserted once more'

guest 'systemctl stop pcscd.socket pcscd.service'
ok 'pcscd stays away: locked' wait_for "is_locked $card" 20
ok 'for that cause' journal_has removal "$card" SCPOLICY_CAUSE=pcsc-lost
guest 'systemctl start pcscd.socket'
ok_guarded_again 'pcscd is back'

guest 'systemctl kill -s STOP --kill-who=main scpolicyd
	for change in $(seq 600); do echo change > /sys/devices/virtual/mem/null/uevent; done'
vm reader-out
guest 'systemctl kill -s CONT scpolicyd'
ok 'messages were lost: every session is compared again' wait_for "journal_has recheck -"
ok_only_card_locked 'messages were lost'
done_testing
