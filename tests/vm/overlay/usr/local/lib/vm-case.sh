# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's part of tests/vm/lib.sh.

is_locked() { [ "$(session-property "$1" LockedHint)" = yes ]; }
is_unlocked() { [ "$(session-property "$1" LockedHint)" = no ]; }
has_ended() { ! [ -e "/run/systemd/sessions/$1" ] || [ "$(session-property "$1" State)" = closing ]; }

# journal_has EVENT SESSION|- [FIELD=VALUE...]: scpolicyd reported it since the case began. 125: nobody knows.
journal_has() {
	[ -e /run/journal.json ] || return 125
	event=$1 session=$2
	shift 2
	[ "$session" = - ] || set -- "SCPOLICY_SESSION=$session" "$@"
	journal-has "$(tr -d . < /run/vm-case-began)" "SCPOLICY_EVENT=$event" "$@"
}

# log_of PROGRAM: its lines since the case began.
log_of() { journalctl -q -b --no-pager -o cat -t "$1" --since "@$(cat /run/vm-case-began)"; }
log_has() { log_of scpolicyd | grep -Eq "$1"; }

# await SECONDS COMMAND_LINE [PAUSE]: a busy host gets `patience` times as long.
patience=6
await() {
	read -r now rest < /proc/uptime
	end=$((${now%.*} + $1 * patience))
	until eval "$2" > /dev/null 2>&1; do
		read -r now rest < /proc/uptime
		[ "${now%.*}" -lt $end ] || return 1
		sleep "${3:-0.2}"
	done
}

# service NAME COMMAND...: in the background; its output is /run/NAME.out, which nobody finds there from the last time.
service() {
	name=$1
	shift
	rm -f "/run/$name.out" "/run/$name.err"
	systemd-run -q --collect --unit="$name" -p StandardOutput=truncate:"/run/$name.out" \
		-p StandardError=truncate:"/run/$name.err" -- "$@"
}

# sign_in PAM-SERVICE ACCOUNT [DESKTOP]: prints the session's id, and what was said on standard error. The desktop, one of those
# beside this file, runs in the session. $session_env is the environment that a display manager gives to PAM.
sign_in() {
	service "signin-$2" env $session_env signin "$1" "$2" "$2" \
		${3:+-- /usr/local/lib/desktops/$3}
	signed_in "$2"
}

# signed_in ACCOUNT: waits until the program that signs in has its session, or has ended; prints what sign_in does.
signed_in() {
	await 60 "grep -q ^ready /run/signin-$1.out || ! systemctl is-active -q signin-$1"
	read -r now rest < /proc/uptime
	echo $((${now%.*} + 7)) > /run/signin-settled
	sed -n s/^session=//p "/run/signin-$1.out"
	sed "s/^/$1: /" "/run/signin-$1.err" >&2
}

# The configuration comes on standard input; it is in force, or refused, when this returns.
new_policy() {
	told() { grep -c '"SCPOLICY_EVENT":"config"' /run/journal.json; }
	cat > /etc/scpolicyd.conf
	before=$(told)
	systemctl reload scpolicyd
	await 10 '[ "$(told)" != "$before" ]' 0.1
}

sessions() { ls /run/systemd/sessions | grep -v '\.ref$'; }

# What a case finds: nobody signed in, no configuration, the daemon freshly started.
fresh_state() {
	if ls /run/systemd/system/*.d/case.conf > /dev/null 2>&1; then
		rm /run/systemd/system/*.d/case.conf
		systemctl daemon-reload
	fi
	! [ -e /run/systemd/system/polkit.service ] || systemctl unmask --runtime --quiet polkit
	if [ -e /run/vm-case-began ]; then
		systemctl stop 'signin-*.service' 'locker-*.service' witness.service 2> /dev/null
		# A desktop outlives its session, in its own cgroup or in the user manager's.
		for scope in /sys/fs/cgroup/user.slice/user-*/session-*.scope; do
			[ ! -e "$scope/cgroup.kill" ] || echo 1 > "$scope/cgroup.kill"
		done
		systemctl stop "user@*.service"
		left=$(sessions)
		[ -z "$left" ] || loginctl terminate-session $left
		rm -f /run/signin-* /run/locker-* /run/witness.*
		rm -rf /etc/scpolicyd.conf /etc/scpolicyd.conf.d /run/scpolicyd/trace-* /run/scpolicyd/sessions/*
		systemctl reset-failed
		await 10 '[ -z "$(sessions)" ]' 0.1
	fi
	date +%s.%6N > /run/vm-case-began
	# A restart would keep the probe.
	! [ -e /usr/lib/systemd/system/scpolicyd.service ] ||
		{ systemctl stop scpolicyd.service && systemctl start scpolicyd.service; }
}

# desk COMMAND_LINE: as the user card, in the environment of the desktop.
desk() { setpriv --reuid=card --regid=card --init-groups sh -c ". /home/card/desktop.env; $1"; }

# when COMMAND_LINE: waits until it succeeds, and prints when that was: milliseconds since the start.
when() {
	await 120 "$1" 0.05
	read -r now rest < /proc/uptime
	echo "${now%.*}${now#*.}0"
}
