# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the VM cases share. A case is a short TAP script:
#
#	#!/bin/sh
#	. "$(dirname "$0")/lib.sh"
#	vm_boot                             # optionally --kernel=6.12, --usb=hub, ...
#	session=$(vm_signin card)
#	vm card-out
#	ok 'the session is locked' wait_for "is_locked $session" 5
#	done_testing
#
# vm_boot leaves every case the same start: nobody signed in, card and reader in, daemon freshly started. A machine of
# the same kind that runs already is used again, when VM_KEEP=1 says that it may stay after the case (scripts that run
# several cases set it, and end with scripts/vm stop 'case*'). When a case fails, the guest's journal is kept as
# build/vm/CASE.journal and its end is shown; what the daemon's core was told is kept as build/vm/CASE-N.trace, one file
# for each time that it was started, for scpolicyd --replay.

top=${top:-$(cd "$(dirname "$0")/../.." && pwd)}
case_name=$(basename "$0" .t)
tests=0
failures=0
finished=
spoilt=

vm() { "$top/scripts/vm" "$@"; }
guest() { "$top/scripts/vm" run "$@"; }
note() { printf '%s\n' "$*" | sed 's/^/# /'; }

# wait_for COMMAND_LINE [SECONDS [PAUSE]]: runs it on the guest's clock, again and again until it succeeds or SECONDS are
# over. A pause between: what asks all the time keeps from happening what it asks for.
wait_for() {
	guest --timeout=$((${2:-10} + 10)) "$guest_functions
		read -r now rest < /proc/uptime
		end=\$((\${now%.*} + ${2:-10}))
		until { $1; } > /dev/null 2>&1; do
			read -r now rest < /proc/uptime
			[ \${now%.*} -lt \$end ] || exit 1
			sleep ${3:-0.2}
		done"
}

# never COMMAND_LINE SECONDS: succeeds when it never did. It is about what stays so once it has happened. A machine that does not answer (124, 125) proves nothing,
# nor does what a witness did not tell that is not there any more.
never() {
	wait_for "$1" "$2" 0.5
	[ $? -eq 1 ] || return
	case $1 in
	*/run/witness.out*) guest 'systemctl is-active -q witness' ;;
	esac
}

# What command lines for the guest may use.
guest_functions='
	is_locked() { [ "$(loginctl show-session -p LockedHint --value "$1")" = yes ]; }
	is_unlocked() { [ "$(loginctl show-session -p LockedHint --value "$1")" = no ]; }
	has_ended() { ! [ -e "/run/systemd/sessions/$1" ] || loginctl show-session -p State --value "$1" | grep -qx closing; }
	log_has() { journalctl -q -b -t scpolicyd --no-pager -o cat --since "@$(cat /run/vm-case-began)" | grep -Eq "$1"; }
	journal_has() { # EVENT SESSION [FIELD=VALUE...]: since the case began
		event=$1 session=$2
		shift 2
		journalctl -q -b --no-pager -o cat --since "@$(cat /run/vm-case-began)" \
			SCPOLICY_EVENT="$event" ${session:+SCPOLICY_SESSION="$session"} "$@" | grep -q .
	}
	log_of() { # PROGRAM: its lines since the case began
		journalctl -q -b --no-pager -o cat -t "$1" --since "@$(cat /run/vm-case-began)"
	}'

is_locked() { guest "$guest_functions; is_locked $1"; }
is_unlocked() { guest "$guest_functions; is_unlocked $1"; }
log_of() { guest "$guest_functions; log_of $1"; }
journal_has() { guest "$guest_functions; journal_has $*"; }
has_ended() { guest "$guest_functions; has_ended $1"; }
log_has() { guest "$guest_functions; log_has '$1'"; }

# ok NAME COMMAND...: what a command prints of a guest that does not answer is empty, so [ ... != ... ] proves nothing.
ok() {
	name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests - $name"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $name"
		note "failed: $*"
	fi
}

not() {
	"$@"
	case $? in
	0 | 12[45]) return 1 ;;
	esac
}

is() { # NAME GOT WANTED
	ok "$1" [ "$2" = "$3" ] || return
	[ "$2" = "$3" ] || note "got '$2', wanted '$3'"
}

bail_out() {
	echo "Bail out! $*"
	exit 1
}

# Ends the case. What the daemon recorded meanwhile has to lead to the same verdicts here.
done_testing() {
	vm_traces
	not guest 'test -e /usr/sbin/scpolicyd' || ok "$n recordings replay" replay_all
	finished=1
	echo "1..$tests"
}

# ---- the machine ----

# The machine runs what is built now.
is_current() {
	[ -e "$top/build/vm/$VM_NAME/pid" ] &&
		[ -z "$(find "$top/build/vm/root" "$top/build/tests/vm" -newer "$top/build/vm/$VM_NAME/pid" 2> /dev/null)" ]
}

# One name for each kind of machine, so that cases that want the same kind share it.
vm_boot() {
	kind="$*"
	VM_NAME=${VM_PREFIX:-case}$(printf %s "$kind" | tr -c 'a-z0-9' '-')
	export VM_NAME
	trap case_end EXIT
	trap 'exit 130' INT TERM HUP
	if [ "${VM_KEEP:-}" = 1 ] && is_current && guest --timeout=20 true 2> /dev/null; then
		:
	else
		vm start "$@" || bail_out "no machine to run on"
		vm_drop_in scpolicyd.service record <<-'END'
			[Service]
			SyslogIdentifier=scpolicyd
			ExecStart=
			ExecStart=/bin/sh -c 'exec /usr/sbin/scpolicyd --record=/run/scpolicyd/trace-$$$$'
		END
	fi
	fresh_state || bail_out "the machine cannot be brought back to its start"
}

# What the journal told until now is of no interest any more to journal_has, log_has and log_of.
vm_begin_anew() { guest 'date +%s.%6N > /run/vm-case-began'; }

# No other case can use the machine after this one: it is stopped at its end.
vm_spoil() { spoilt=1; }

fresh_state() {
	vm all-in || return
	guest --timeout=90 '
		if ls /run/systemd/system/*.d/case.conf > /dev/null 2>&1; then
			rm /run/systemd/system/*.d/case.conf
			systemctl daemon-reload
		fi
		systemctl stop "signin-*.service" "locker-*.service" "witness.service" 2> /dev/null
		for session in $(loginctl list-sessions --no-legend | cut -c1-8); do loginctl terminate-session "$session"; done
		rm -f /run/signin-* /run/locker-* /run/witness.out /etc/scpolicyd.conf
		rm -rf /etc/scpolicyd.conf.d /run/scpolicyd/trace-*
		systemctl reset-failed
		for try in $(seq 100); do
			[ -z "$(loginctl list-sessions --no-legend)" ] && break
			sleep 0.1
		done
		date +%s.%6N > /run/vm-case-began
		! [ -e /usr/lib/systemd/system/scpolicyd.service ] || systemctl restart scpolicyd.service' || return
	# The card answers again before a case uses it.
	wait_for 'opensc-tool --atr' 20 || vm_unstall
}

# QEMU's reader loses an answer now and then on a busy host: pcscd waits for it, and everybody for pcscd. Said each time:
# a case that needs it often has another reason.
vm_unstall() {
	note 'the emulated reader does not answer: taken out and put back, pcscd started anew'
	vm reader-out
	guest --timeout=60 'systemctl kill -s KILL pcscd.service; systemctl stop pcscd.service; systemctl start pcscd.socket'
	vm all-in
	wait_for 'opensc-tool --atr' 30
}

case_end() {
	status=$?
	[ -n "$finished" ] || failures=$((failures + 1))
	if [ "$failures" -gt 0 ]; then
		vm journal > "$top/build/vm/$case_name.journal" 2>&1
		note "the end of the guest's journal (build/vm/$case_name.journal):"
		tail -n 40 "$top/build/vm/$case_name.journal" | sed 's/^/#   /'
		[ -n "$finished" ] || vm_traces
		[ $status -ne 0 ] || status=1
	fi
	[ "${VM_KEEP:-}$spoilt" = 1 ] || vm stop
	exit $status
}

# vm_drop_in UNIT [NAME]: its text comes on standard input. Named "case", it is gone with the case.
vm_drop_in() {
	guest -i "mkdir -p /run/systemd/system/$1.d && cat > /run/systemd/system/$1.d/${2:-case}.conf && systemctl daemon-reload"
}

# vm_policy: the configuration comes on standard input; it is in force, or refused, when this returns.
vm_policy() {
	guest -i "$guest_functions
		told() { journalctl -q -b -o cat SCPOLICY_EVENT=config | wc -l; }
		cat > /etc/scpolicyd.conf
		before=\$(told)
		systemctl reload scpolicyd
		for try in \$(seq 100); do
			[ \"\$(told)\" = \"\$before\" ] || exit 0
			sleep 0.1
		done
		exit 1"
}

# Copies what the daemon recorded, oldest first.
vm_traces() {
	rm -f "$top/build/vm/$case_name"-*.trace
	n=0
	for file in $(guest 'ls -tr /run/scpolicyd/trace-* 2> /dev/null'); do
		n=$((n + 1))
		guest "cat $file" > "$top/build/vm/$case_name-$n.trace"
	done
}

replay_all() {
	[ "$n" -gt 0 ] || return
	for trace in "$top/build/vm/$case_name"-*.trace; do
		said=$("$top/build/scpolicyd" --replay="$trace" 2>&1 > /dev/null) || { note "$said"; return 1; }
	done
}

# Nothing that PC/SC or the kernel may still tell is on its way: a removal would have been acted on by now.
ok_not_removed() { # NAME SESSION
	ok "$1: no Lock" never "grep -Eq '^[0-9]+ lock $2\$' /run/witness.out" "${3:-4}"
	ok "$1: no removal" not journal_has removal "$2"
}

# ---- people ----

# vm_signin card|password [SERVICE]: signs the account in, prints the session's id; its PAM environment is then in the
# guest's /run/signin-ACCOUNT.out. Nothing is printed when the sign-in fails.
vm_signin() {
	signed_in=$(vm_signin_once "$@")
	if [ -z "$signed_in" ] && guest "systemctl is-active -q signin-$1"; then # still waiting for its card
		guest "systemctl kill -s KILL signin-$1; systemctl stop signin-$1 2> /dev/null"
		vm_unstall >&2 && signed_in=$(vm_signin_once "$@")
	fi
	[ -z "$signed_in" ] || echo "$signed_in"
}

vm_signin_once() {
	guest "systemd-run -q --collect --unit=signin-$1 -p StandardOutput=truncate:/run/signin-$1.out \
		-p StandardError=truncate:/run/signin-$1.err signin ${2:-scpolicy-login} $1 $1"
	wait_for "grep -q ^ready /run/signin-$1.out || ! systemctl is-active -q signin-$1" 60
	guest 'echo $(($(cut -d. -f1 /proc/uptime) + 7)) > /run/signin-settled'
	guest "sed -n s/^session=//p /run/signin-$1.out; sed 's/^/$1: /' /run/signin-$1.err >&2" 2> "$top/build/vm/$case_name.signin"
}

vm_signout() { guest "systemctl stop signin-$1"; }

# vm_locker SESSION [--deaf | --no-hint]: a screen locker for the session.
vm_locker() {
	guest "systemd-run -q --collect --unit=locker-$1 -p StandardOutput=truncate:/run/locker-$1.out locker $2 $1"
	wait_for "grep -q ^ready /run/locker-$1.out" 10
}

# The witness writes to the guest's /run/witness.out; witnessed PATTERN looks there.
vm_witness() {
	guest "systemctl stop witness 2> /dev/null
		systemd-run -q --collect --unit=witness -p StandardOutput=truncate:/run/witness.out witness"
	wait_for "grep -q 'witness ready' /run/witness.out" 20 || bail_out 'no witness'
}

witnessed() { guest "systemctl is-active -q witness || exit 125; grep -Eq '$1' /run/witness.out"; }

# pcscd powers a card down 5 s after its last use; for that moment it listens to no reader, and the kernel has nothing to
# hear. A case that wants the probe's word on a card waits until it is over.
vm_settle() { wait_for '[ "$(cut -d. -f1 /proc/uptime)" -ge "$(cat /run/signin-settled)" ]' 20; }

# Both accounts sign in, each with a locker, and the witness listens: $card and $password are their sessions.
vm_two_sessions() {
	password=$(vm_signin password login)
	card=$(vm_signin card)
	[ -n "$card" ] && [ -n "$password" ] || bail_out 'an account cannot sign in'
	vm_locker "$card" && vm_locker "$password" && vm_witness && wait_for 'grep -q "pcsc reader-in-with-card" /run/witness.out' &&
		wait_for "log_of scpolicyd | grep -q 'session $card of user card is governed'" ||
		bail_out 'the stage is not set'
}

# One session that the card governs, $card, for cases that are about something else than whose it is: a password signs it
# in, which is faster and leaves the card alone.
vm_one_session() {
	card=$(vm_signin password scpolicy-always)
	password=
	[ -n "$card" ] || bail_out 'the account cannot sign in'
	vm_locker "$card" && vm_witness && wait_for 'grep -q "pcsc reader-in-with-card" /run/witness.out' &&
		wait_for "log_has 'session $card of user password is governed'" || bail_out 'the stage is not set'
}

# The removal that was just made locks the card's session, once, and the other not at all.
ok_only_card_locked() {
	ok "$1: the card's session is locked" wait_for "is_locked $card"
	ok "$1: its subscriber heard logind's Lock" witnessed "^[0-9]+ lock $card\$"
	ok "$1: the lock is verified" wait_for "journal_has outcome $card SCPOLICY_OUTCOME=verified"
	# logind tells in the order in which it was asked: a Lock that was sent with the card's was heard before the hint.
	[ -n "$password" ] || return 0
	ok "$1: the other session heard no Lock" not witnessed "^[0-9]+ lock $password\$"
	ok "$1: and is not locked" is_unlocked "$password"
}

# The card is back: guarded and unlocked, ready to be pulled again.
ok_guarded_again() {
	ok "$1: the session is guarded again" wait_for "journal_has restored $card" 20
	guest "loginctl unlock-session $card"
	ok "$1: and unlocked" wait_for "is_unlocked $card"
	vm_begin_anew
	vm_witness
}
