#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed, and nobody starts it: what happens meanwhile waits in the probe that systemd keeps.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_drop_in scpolicyd.service <<'END'
[Service]
RestartSec=1h
END
vm_one_session

show() { guest "systemctl show -P $1 scpolicyd"; }
kill_daemon() {
	guest 'systemctl kill -s KILL --kill-who=main scpolicyd'
	wait_for '[ "$(systemctl show -P SubState scpolicyd)" = auto-restart ]'
}
start_daemon() { guest 'systemctl restart scpolicyd'; }
last() { guest "grep SCPOLICY_EVENT.:.$1 /run/journal.json | tail -n 1 | sed 's/.*SCPOLICY_$2\":\"\\([0-9]*\\).*/\\1/'"; }
links() { guest "bpftool -j link | grep -o '\"id\":[0-9]*' | sort | tr '\n' ' '"; }
ok_read_from_probe() { # NAME CAUSE
	ok "$1: the card's session is locked" wait_for "is_locked $card" 20
	ok "$1: the probe saw it" journal_has removal "$card" SCPOLICY_CAUSE="$2" SCPOLICY_SOURCE=probe
	ok "$1: and the journal has the action" wait_for "journal_has action $card"
	started=$(show ExecMainStartTimestampMonotonic) removed=$(last removal MONOTONIC_USEC)
	ok "$1: it was removed before the daemon was started" [ "$removed" -lt "$started" ]
	ok "$1: the latency counts from the removal" [ $((removed + $(last action LATENCY_USEC))) -gt "$started" ]
}

ok 'systemd keeps two maps, two links and two sockets' wait_for '[ "$(systemctl show -P NFileDescriptorStore scpolicyd)" = 6 ]'
old=$(links)
vm_settle
kill_daemon
vm card-out
wait_for 'grep -q "pcsc card-out" /run/witness.out'
vm card-in
wait_for 'tail -n 1 /run/witness.out | grep -q "pcsc card-in"'
ok 'nobody locks while it is dead' is_unlocked "$card"
start_daemon
ok_read_from_probe 'card out and in again' card
ok 'card out and in again: it had waited' log_has 'went on without a daemon: [1-9]'
is 'card out and in again: the programs are the same' "$(links)" "$old"
ok_guarded_again 'card out and in again'

# Another build: the name of its source, which its programs carry, is another one.
ok 'there is another build' guest 'cp /usr/sbin/scpolicyd /run/scpolicyd-next
	LC_ALL=C sed -i s,bpf/removal.bpf.c,bpf/removal.BPF.c,g /run/scpolicyd-next; ! cmp -s /usr/sbin/scpolicyd /run/scpolicyd-next'
vm_drop_in scpolicyd.service <<'END'
[Service]
RestartSec=1h
BindReadOnlyPaths=/run/scpolicyd-next:/usr/sbin/scpolicyd
END
kill_daemon
vm card-out
wait_for 'grep -q "pcsc card-out" /run/witness.out'
start_daemon
ok_read_from_probe 'upgraded' card
ok 'upgraded: systemd keeps the new one alone' wait_for '[ "$(systemctl show -P NFileDescriptorStore scpolicyd)" = 6 ]'
ok 'upgraded: the programs are others' [ "$(links)" != "$old" ]
vm card-in
ok_guarded_again 'upgraded'

# Without pcscd no reader reports a card. The kernel still reports the reader.
kill_daemon
guest 'systemctl stop pcscd.socket; systemctl kill -s KILL pcscd; systemctl stop pcscd'
vm reader-out
# Back before the kernel has looked, it would only have been reset.
wait_for '! grep -qs 08e6 /sys/bus/usb/devices/*/idVendor' 20
vm reader-in
guest 'systemctl start pcscd.socket'
start_daemon
ok_read_from_probe 'the reader out and in again, pcscd dead as well' reader
done_testing
