#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# With a card in, nothing wakes the daemon but its watchdog; and when the card goes, the call to logind is the very next
# system call after the one that woke it: no file, no other message, no allocation that reaches the kernel.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions
guest "loginctl lock-session $card; loginctl unlock-session $card"
wait_for "is_unlocked $card"

seconds=${IDLE_SECONDS:-20}
guest 'systemd-run -q --collect --unit=signin-strace strace -tt -o /run/signin-strace.out -s 80 -p $(systemctl show -p MainPID --value scpolicyd)'
wait_for 'grep -q "^TracerPid:.*[1-9]" /proc/$(systemctl show -p MainPID --value scpolicyd)/status' || bail_out 'strace does not attach'
worker_switches() { guest 'awk "/^voluntary/ { print \$2 }" /proc/$(pgrep -P $(systemctl show -p MainPID --value scpolicyd))/status'; }

before=$(worker_switches)
# The first line is the wait that was going on when strace came.
sleep "$seconds"
guest 'cat /run/signin-strace.out' > "$top/build/vm/$case_name.idle"
after=$(worker_switches)
wakeups=$(grep -c 'epoll_wait(.*, -1) = ' "$top/build/vm/$case_name.idle")
pings=$(grep -c 'sendmsg(.*WATCHDOG=1' "$top/build/vm/$case_name.idle")
note "$wakeups wakeups in $seconds s, $pings of them the watchdog's; the worker's: $((after - before))"
is 'nothing but the watchdog wakes the daemon' "$wakeups" "$pings"
is 'nothing wakes the worker' "$after" "$before"

vm card-out
ok 'the session is locked' wait_for "is_locked $card"
wait_for 'grep -q LockSession /run/signin-strace.out'
guest 'cat /run/signin-strace.out' > "$top/build/vm/$case_name.strace"
between=$(awk '/epoll_wait\(/ { calls = ""; next } /LockSession/ { printf "%s", calls; exit } { calls = calls $0 "\n" }' \
	"$top/build/vm/$case_name.strace")
ok 'the trace has the call' grep -q 'sendmsg(.*LockSession' "$top/build/vm/$case_name.strace"
ok 'no system call between the wakeup and the message' [ -z "$between" ]
[ -z "$between" ] || note "$between"
done_testing
