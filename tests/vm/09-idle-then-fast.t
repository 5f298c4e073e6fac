#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# With a card in, only its watchdog wakes the daemon. When the card is removed, the call to logind is the very next
# system call after the one that woke it: no file, no other message, no allocation that reaches the kernel.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions
vm_settle
guest "loginctl lock-session $card; loginctl unlock-session $card"
wait_for "is_unlocked $card"

seconds=${IDLE_SECONDS:-12}
guest 'systemd-run -q --collect --unit=signin-strace strace -tt -o /run/signin-strace.out -s 80 -p $(systemctl show -p MainPID --value scpolicyd)'
wait_for 'grep -q "^TracerPid:.*[1-9]" /proc/$(systemctl show -p MainPID --value scpolicyd)/status' || bail_out 'strace does not attach'
worker_switches() { guest 'awk "/^voluntary/ { print \$2 }" /proc/$(pgrep -x scpolicyd-pcsc-)/status'; }

before=$(worker_switches)
# The first line is the wait that was going on when strace came.
sleep "$seconds"
guest 'cat /run/signin-strace.out' > "$top/build/vm/$case_name.idle"
after=$(worker_switches)
# The work of a wakeup ends where the next wait begins. Some seconds after its start, which may be now, the daemon looks
# once whether pcscd serves each reader: only that asks for USB devices.
others=$(awk '/epoll_wait\(/ { if (woken && !ping) { if (look) looks++; else others++ } woken = /, -1\) = /; ping = look = 0 }
	/WATCHDOG=1/ { ping = 1 } /\/sys\/bus\/usb\/devices/ { look = 1 }
	END { print others + (looks > 1 ? looks - 1 : 0) }' "$top/build/vm/$case_name.idle")
note "$(grep -c WATCHDOG=1 "$top/build/vm/$case_name.idle") wakeups of the watchdog in $seconds s, $others others;" \
	"the worker's: $((after - before))"
is 'nothing but the watchdog wakes the daemon' "$others" 0
# What it was that woke it.
[ "$others" = 0 ] || sed 's/^/# /' "$top/build/vm/$case_name.idle"
# libpcsclite 1.9.9 waits without end by asking again every 60 s: six or seven waits for pcscd's answers.
ok 'nothing but libpcsclite wakes the worker' [ $((after - before)) -le $((8 * (seconds / 60 + 1))) ]

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
