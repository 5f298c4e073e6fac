# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the VM cases share. A case is a short TAP script:
#
#	#!/bin/sh
#	. "$(dirname "$0")/lib.sh"
#	vm_boot                             # optionally --kernel=newest, --usb=hub, ...
#	session=$(vm_signin card)
#	vm card-out
#	ok 'the session is locked' wait_for "is_locked $session" 5
#	done_testing
#
# vm_boot leaves every case the same start: nobody signed in, card and reader in, daemon freshly started. A machine of
# the same kind that runs already is used again, when VM_KEEP=1 says that it may stay after the case (scripts that run
# several cases set it, and end with scripts/vm stop 'case*'). When a case fails, the guest's journal is kept as
# build/vm/CASE.journal and its end is shown; what the daemon's core took in is kept as build/vm/CASE-N.trace, one file
# for each time that it was started, for scpolicyd --replay.

top=${top:-$(cd "$(dirname "$0")/../.." && pwd)}
case_name=$(basename "$0" .t)
tests=0
failures=0
finished=
spoilt=

vm() { "$top/scripts/vm" "$@"; }

# A limit only ends what has failed. On a host whose cores are all busy everything takes several times as long.
patience=${VM_PATIENCE:-6}
guest() {
	case $1 in
	--timeout=*) limit=$((${1#--timeout=} * patience)) && shift ;;
	*) limit=$((60 * patience)) ;;
	esac
	"$top/scripts/vm" run --timeout=$limit "$@"
}
note() { printf '%s\n' "$*" | sed 's/^/# /'; }

# wait_for COMMAND_LINE [SECONDS [PAUSE]]: runs it on the guest's clock, again and again until it succeeds or SECONDS are
# over. A pause between: what asks all the time keeps from happening what it asks for.
wait_for() { watch_for "$patience" "$1" "${2:-10}" "${3:-}"; }

watch_for() { # PATIENCE COMMAND_LINE SECONDS [PAUSE]
	guest --timeout=$(($3 + 10)) "$guest_functions
		patience=$1
		await $3 '$(printf %s "$2" | sed "s/'/'\\\\''/g")' ${4:-}"
}

# never COMMAND_LINE SECONDS: succeeds if the command never did. Use it for things that stay so once they have happened. A
# machine that does not answer (124, 125) proves nothing, and neither does the silence of a witness, or of a journal's
# reader, that has ended.
never() {
	watch_for 1 "$1" "$2" 0.5
	[ $? -eq 1 ] || return
	case $1 in
	*/run/witness.out*) guest 'systemctl is-active -q witness' ;;
	*journal_has*) guest 'test -e /run/journal.json' ;;
	esac
}

# What command lines for the guest may use: tests/vm/overlay.
guest_functions='. /usr/local/lib/vm-case.sh'

is_locked() { guest "$guest_functions; is_locked $1"; }
is_unlocked() { guest "$guest_functions; is_unlocked $1"; }
log_of() { guest "$guest_functions; log_of $1"; }
# An entry about what has just happened may be on its way to the journal.
journal_has() { guest "$guest_functions; [ -e /run/journal.json ] || exit 125; await 2 'journal_has $*'"; }
has_ended() { guest "$guest_functions; has_ended $1"; }
# A person is no faster: an unlock within a second of the lock is a locker that ended.
unlock() { guest "sleep 1.1; loginctl unlock-session $1"; }
log_has() { guest "$guest_functions; log_has '$1'"; }

# ok NAME COMMAND...: if the guest does not answer, a command prints nothing, so [ ... != ... ] proves nothing.
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
		[ -z "$(find "$top/build/vm/root" "$top/build/tests/vm" "$top/tests/vm/overlay" -newer "$top/build/vm/$VM_NAME/pid" 2> /dev/null)" ]
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
		vm start --overlay="$top/tests/vm/overlay" "$@" || bail_out "no machine to run on"
	fi
	fresh_state || bail_out "the machine cannot be brought back to its start"
}

# journal_has, log_has and log_of ignore the journal's entries up to now.
vm_begin_anew() { guest 'date +%s.%6N > /run/vm-case-began'; }

# No other case can use the machine after this one: it is stopped at its end.
vm_spoil() { spoilt=1; }

fresh_state() {
	vm all-in || return
	guest --timeout=90 "$guest_functions; fresh_state" || return
	# The card answers again before a case uses it. pcscd 2.3 asks polkit first, which has to start for that.
	wait_for 'timeout 30 card-atr' 45 || vm_unstall
}

# On a busy host the emulated reader may fail to answer (host/card-preload.c has the reason that is known): pcscd waits for
# it, and everybody for pcscd. This prints a note each time: if a case needs it often, there is another reason.
vm_unstall() {
	note 'the emulated reader does not answer: removed and inserted again, pcscd restarted'
	vm reader-out
	guest --timeout=60 'systemctl kill -s KILL pcscd.service; systemctl stop pcscd.service; systemctl start pcscd.socket'
	vm all-in
	wait_for card-atr 30
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
vm_policy() { guest -i "$guest_functions; new_policy"; }

# Copies what the daemon recorded, oldest first.
vm_traces() {
	rm -rf "$top/build/vm/$case_name"-*.trace "$top/build/vm/$case_name.traces"
	mkdir "$top/build/vm/$case_name.traces"
	guest 'cd /run/scpolicyd && tar -c $(ls -tr trace-*)' 2> /dev/null | tar -x -C "$top/build/vm/$case_name.traces" 2> /dev/null
	n=0
	for file in $(ls -tr "$top/build/vm/$case_name.traces"); do
		n=$((n + 1))
		mv "$top/build/vm/$case_name.traces/$file" "$top/build/vm/$case_name-$n.trace"
	done
	rmdir "$top/build/vm/$case_name.traces"
}

replay_all() {
	[ "$n" -gt 0 ] || return
	for trace in "$top/build/vm/$case_name"-*.trace; do
		said=$("$top/build/scpolicyd" --replay="$trace" 2>&1 > /dev/null) || { note "$said"; return 1; }
	done
}

# No report of PC/SC or the kernel is on its way: the daemon would have acted on a removal by now.
ok_not_removed() { # NAME SESSION
	ok "$1: no Lock" never "grep -Eq '^[0-9]+ lock $2\$' /run/witness.out" "${3:-4}"
	ok "$1: no removal" not journal_has removal "$2"
}

# ---- people ----

# vm_signin card|password [SERVICE [DESKTOP]]: signs the account in, prints the session's id; its PAM environment is then in the
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
	guest --timeout=80 "$guest_functions; session_env='${session_env:-}'; sign_in '${2:-scpolicy-login}' '$1' '${3:-}'" 2> "$top/build/vm/$case_name.signin"
}

vm_signout() { guest "systemctl stop signin-$1"; }

# A real sshd, to which root may sign in as either account. An address of its own makes the sessions remote: logind takes
# localhost for local.
vm_sshd() {
	guest '
		busybox ip link set lo up
		busybox ip address add 192.0.2.1/32 dev lo 2> /dev/null
		systemd-run -q --collect --unit=signin-sshd -p RuntimeDirectory=sshd \
			/usr/sbin/sshd -D -e -o ListenAddress=192.0.2.1 -o StreamLocalBindUnlink=yes
		[ -e /root/.ssh/id_ed25519 ] || ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519
		for account in card password; do
			install -d -m 0700 -o $account -g $account /home/$account/.ssh
			install -m 0600 -o $account -g $account /root/.ssh/id_ed25519.pub /home/$account/.ssh/authorized_keys
		done'
	wait_for 'busybox nc 192.0.2.1 22 < /dev/null | grep -q ^SSH'
}

# vm_ssh NAME ACCOUNT [COMMAND...]: signs in and stays; prints the session's id. Its output is in /run/signin-NAME.out.
ssh_options=
vm_ssh() {
	unit=signin-$1
	account=$2
	shift 2
	guest -i "cat > /run/$unit.sh" <<-END
		exec ssh $ssh_options -tt -o BatchMode=yes -o StrictHostKeyChecking=accept-new -b 192.0.2.1 $account@192.0.2.1 \
			'echo session=\$XDG_SESSION_ID; ${*:-exec sleep 1000}'
	END
	guest "rm -f /run/$unit.out; systemd-run -q --collect --unit=$unit -p StandardInput=null -p StandardOutput=truncate:/run/$unit.out \
		-p StandardError=truncate:/run/$unit.err sh /run/$unit.sh"
	wait_for "grep -q ^session= /run/$unit.out" 30
	guest "tr -d '\r' < /run/$unit.out | sed -n s/^session=//p"
}

# vm_forward ACCOUNT: this machine is also the client of what signs in next, and ssh forwards its PC/SC.
vm_forward() {
	ssh_options="-o ExitOnForwardFailure=yes -R /run/user/$(guest id -u "$1")/pcscd.comm:/run/pcscd/pcscd.comm"
}

# vm_locker SESSION [--deaf | --no-hint]: a screen locker for the session.
vm_locker() { guest "$guest_functions; service locker-$1 locker $2 $1 && await 10 'grep -q ^ready /run/locker-$1.out'"; }

# The witness writes to the guest's /run/witness.out; witnessed PATTERN looks there.
vm_witness() { start_witness || bail_out 'no witness'; }

start_witness() {
	guest "$guest_functions; systemctl stop witness 2> /dev/null
		service witness witness && await 20 'grep -q \"witness ready\" /run/witness.out'"
}

witnessed() { guest "systemctl is-active -q witness || exit 125; grep -Eq '$1' /run/witness.out"; }

# pcscd powers a card down 5 s after its last use; for that moment it listens to no reader, and the probe sees
# nothing. A case that needs the probe's report of a card waits until that is over.
vm_settle() { wait_for '[ "$(cut -d. -f1 /proc/uptime)" -ge "$(cat /run/signin-settled)" ]' 20; }

# Both accounts sign in, each with a locker, and the witness listens: $card and $password are their sessions.
vm_two_sessions() { set_stage two_sessions; }

# One session that the card governs, $card, for cases in which the sign-in does not matter: a password signs in, which is
# faster and leaves the card alone.
vm_one_session() { set_stage one_session; }

two_sessions() {
	password=$(vm_signin password login)
	card=$(vm_signin card)
	[ -n "$password" ] && vm_locker "$password" && is_set card
}

one_session() {
	password=
	card=$(vm_signin password scpolicy-always)
	is_set password
}

is_set() { # USER: whose session $card is
	[ -n "$card" ] && vm_locker "$card" && start_witness && wait_for 'grep -q "pcsc reader-in-with-card" /run/witness.out' 60 &&
		wait_for "log_has 'session $card of user $1 is governed'" 60 && is_located "$card"
}

# The USB path of a session's reader. On a busy machine the sign-in does not wait for the address: the daemon finds it, and notes what
# the session is bound to.
usb_path_of() { guest "cd /run/scpolicyd && sed -n s/^USB_PATH=//p bound/$1 sessions/$1 2> /dev/null | head -n 1"; }
is_located() { wait_for "grep -qs ^USB_PATH= /run/scpolicyd/sessions/$1 /run/scpolicyd/bound/$1" 60; }

# The emulated reader may fail while the stage is set, which is not what a case is about: there are two tries.
set_stage() {
	"$1" && return
	note 'the stage could not be set: once more from the start'
	vm_unstall
	fresh_state && "$1" || bail_out 'the stage cannot be set'
}

# The removal that was just made locks the card's session, once, and the other not at all.
ok_only_card_locked() {
	ok "$1: the card's session is locked" wait_for "is_locked $card"
	ok "$1: its subscriber heard logind's Lock" witnessed "^[0-9]+ lock $card\$"
	ok "$1: the lock is verified" wait_for "journal_has outcome $card SCPOLICY_OUTCOME=verified"
	# logind reports in order of requests: a Lock that was sent with the card's arrived before the hint.
	[ -n "$password" ] || return 0
	ok "$1: the other session heard no Lock" not witnessed "^[0-9]+ lock $password\$"
	ok "$1: and is not locked" is_unlocked "$password"
}

# The card is back: guarded and unlocked, ready to be pulled again.
ok_guarded_again() {
	ok "$1: the session is guarded again" wait_for "journal_has restored $card" 20
	unlock $card
	ok "$1: and unlocked" wait_for "is_unlocked $card"
	vm_begin_anew
	vm_witness
}
