# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's part of scripts/soak.
. /usr/local/lib/vm-case.sh

# Not in /run, which one of the faults fills.
soak_dir=/var/lib/soak
heard=$soak_dir/heard

now_ms() {
	read -r now rest < /proc/uptime
	echo "${now%.*}${now#*.}0"
}
pause() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }
lock_lines() { grep -Ec "^[0-9]+ lock $1\$" $heard; }

process_of() {
	case $1 in
	scpolicyd) systemctl show -P MainPID scpolicyd ;;
	worker) pgrep -x scpolicyd-pcsc- ;;
	*) pgrep -x "$(echo "$1" | cut -c1-15)" ;;
	esac
}

# soak_hear: an observer of logind's signals, and of the readers.
soak_hear() {
	mkdir -p $soak_dir
	systemctl stop heard 2> /dev/null
	systemd-run -q --collect --unit=heard -p OOMScoreAdjust=-900 -p StandardOutput=truncate:$heard witness
	await 60 "grep -q 'witness ready' $heard"
}

hog() {
	until=$(($(now_ms) + $1))
	while [ "$(now_ms)" -lt $until ]; do
		(
			echo 1000 > /proc/self/oom_score_adj
			exec timeout 2 tail /dev/zero
		) 2> /dev/null
	done
}

busy() {
	for each in 1 2 3 4; do
		timeout "$(($1 / 1000 + 1))" sh -c 'while :; do :; done' &
	done
	wait
}

full_run() {
	rm -f /run/full
	fallocate -l "$(df --output=avail -B1 /run | tail -n 1)" /run/full
	pause "$1"
	rm -f /run/full
}

step_clock() {
	date -s "@$(($(date +%s) + 3600))" > /dev/null
	pause "$1"
	date -s "@$(($(date +%s) - 3600))" > /dev/null
}

# soak_fault FAULT DELAY HOLD REMOVAL: "armed", then DELAY ms later the fault, which is over HOLD ms later.
soak_fault() {
	kind=${1%%:*} whom=${1#*:} delay=$2 hold=$3
	[ "$4" != out-and-in ] || settle
	case $kind in
	kill | stop) process=$(process_of "$whom") ;;
	esac
	echo armed
	pause "$delay"
	case $kind in
	none | host) ;;
	kill) kill -KILL $process ;;
	stop)
		kill -STOP $process
		pause "$hold"
		kill -CONT $process
		;;
	restart) systemctl restart "$whom" ;;
	hangup) systemctl kill -s HUP --kill-who=main scpolicyd ;;
	udev-storm)
		for each in 1 2 3; do
			udevadm trigger --action=add --subsystem-match=usb
			udevadm trigger --action=change
		done
		udevadm settle --timeout=30
		;;
	clock) step_clock "$hold" ;;
	run-full) full_run "$hold" ;;
	cpu) busy "$hold" ;;
	memory) hog "$hold" ;;
	*) exit 1 ;;
	esac
}

reader_device() { dirname "$(grep -l 08e6 /sys/bus/usb/devices/*/idVendor | head -n 1)"; }
deauthorise() {
	reader_device > $soak_dir/reader
	echo 0 > "$(cat $soak_dir/reader)/authorized"
}
authorise() {
	[ ! -s $soak_dir/reader ] || echo 1 > "$(cat $soak_dir/reader)/authorized"
	rm -f $soak_dir/reader
}

# Until pcscd has powered its card down, 5 s after the last use, it listens to no reader.
settle() { await 20 '[ "$(now_ms)" -ge "$(cat $soak_dir/settled)" ]'; }

locks_since() { # SESSION LINE-OF-THE-OBSERVER
	tail -n "+$(($2 + 1))" $heard | grep -Ec "^[0-9]+ lock $1\$"
}
where() { wc -l < $heard; }

# soak_begin CARD PASSWORD: what was locked since the last round, in which nothing has happened.
soak_begin() {
	[ ! -s $soak_dir/mark ] || echo "late $(locks_since "$1" "$(cat $soak_dir/mark)")"
	where > $soak_dir/mark
	echo "other $(lock_lines "$2")"
}

# soak_judge REMOVED CARD: whether its session was locked; waits for that only if something was REMOVED.
soak_judge() {
	card=$2 from=$(cat $soak_dir/mark)
	if [ "$1" = yes ]; then
		await 45 '[ "$(locks_since "$card" "$from")" -gt 0 ] || is_locked "$card"' 0.1 && echo locked || echo missed
	else
		sleep 3
		[ "$(locks_since "$card" "$from")" -gt 0 ] && echo locked || echo quiet
	fi
	systemctl is-active -q heard && systemctl is-active -q "locker-$card" || echo blind
}

is_guarded() { scpolicyctl sessions --json | tr -d ' \n' | grep -q "\"session\":\"$1\"[^}]*\"state\":\"guarded\""; }

# soak_recover CARD: everything is back; how long until its session is guarded, and unlocked.
soak_recover() {
	card=$1 began=$(now_ms)
	authorise
	if await 60 'is_guarded "$card"' 0.1; then
		echo "guarded $(($(now_ms) - began))"
	elif scpolicyctl status | grep -q 'pcscd .* USB port'; then
		echo deaf
	elif timeout 8 card-atr > /dev/null 2>&1; then
		echo unguarded
	else
		echo unreadable
	fi
	echo $(($(now_ms) + 7000)) > $soak_dir/settled
	sleep 1.1 # a person is no faster
	loginctl unlock-session "$card"
	await 20 'is_unlocked "$card"' || echo stuck
	where > $soak_dir/mark
}
