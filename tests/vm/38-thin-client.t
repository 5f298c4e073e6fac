#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyd-drop-remote@.service on a thin client: its session shows what others run, by a real ssh and by programs with the names
# of others. The removal of the card ends these in the session that the card opened, and in no other.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_sshd || bail_out 'no sshd'
# Who sits here has a key to the account "other", which is the far machine's.
guest '
	install -d -m 0700 -o other -g other /home/other/.ssh
	for account in card password; do
		setpriv --reuid=$account --regid=$account --clear-groups ssh-keygen -q -t ed25519 -N "" -f /home/$account/.ssh/id_ed25519 ||
			[ -e /home/$account/.ssh/id_ed25519.pub ] || exit
		cat /home/$account/.ssh/id_ed25519.pub
	done < /dev/null > /run/signin-keys && install -m 0600 -o other -g other /run/signin-keys /home/other/.ssh/authorized_keys
	rm -rf /tmp/thin-client-*' || bail_out 'no keys'

# running SESSION NAME...: each of these programs of its thin client runs.
runs='running() {
	folder=/tmp/thin-client-$1
	shift
	for name; do
		[ "$(cat /proc/$(cat $folder/$name)/comm)" = $name ] || return 1
	done
}'
running() { guest "$runs; running $*"; }
is_connected() { wait_for "$runs; running $1 ssh xfreerdp rdesktop kiosk-viewer bystander && grep -q ^session= /tmp/thin-client-$1/far" 60; }
ended() { # SESSION NAME...
	folder=/tmp/thin-client-$1
	shift
	for program; do
		wait_for "! [ -e /proc/\$(cat $folder/$program) ]" || return
	done
}
drop() { guest "systemctl start scpolicyd-drop-remote@$1.service"; }
said() { guest "journalctl -q -b -o cat -t scpolicyd-drop-remote --since @\$(cat /run/vm-case-began)"; }

vm_policy <<'END'
[Policy]
Action=lock
Unit=scpolicyd-drop-remote@.service
END
session_env=XDG_SESSION_TYPE=x11
session=$(vm_signin card scpolicy-login thin-client)
session_env=
vm_locker "$session"
vm_witness
another=$(vm_ssh another card 'exec /usr/local/lib/desktops/thin-client')
others=$(vm_signin password login thin-client)
for each in $session $another $others; do
	ok "session $each has its programs, and ssh is signed in elsewhere" is_connected "$each"
done
# A desktop starts programs below the user's service manager.
guest 'user=$(id -u card) && setpriv --reuid=card --regid=card --init-groups env XDG_RUNTIME_DIR=/run/user/$user \
	systemd-run --user --unit=panel --quiet /tmp/thin-client-'"$session"'/bin-xfreerdp/xfreerdp 1000'
panel='systemctl show user@$(id -u card).service --property=ControlGroup --value | xargs -I PATH find /sys/fs/cgroup/PATH -path "*/panel.service/cgroup.procs" | xargs cat'
ok 'and one below the service manager' guest "[ \"\$(cat /proc/\$($panel)/comm)\" = xfreerdp ]"
far=$(guest "tr -d '\r' < /tmp/thin-client-$session/far | sed -n s/^session=//p")
wait_for "log_has 'session $session of user card is governed'" 60
vm_settle
ok_not_removed 'nothing is removed' "$session"
ok 'nothing is removed: everything runs' running "$session" ssh xfreerdp rdesktop kiosk-viewer bystander
ok 'nothing is removed: … below the service manager' guest "[ -n \"\$($panel)\" ]"

guest "kill -STOP \$(cat /tmp/thin-client-$session/xfreerdp)"
vm card-out
ok 'removed: the session is locked' wait_for "is_locked $session"
ok 'removed: its ssh ends' ended "$session" ssh
ok 'removed: and the far session with it' wait_for "has_ended $far"
ok 'removed: one that was stopped ends' ended "$session" xfreerdp
ok 'removed: one that ignores SIGTERM ends' ended "$session" rdesktop
ok 'removed: one below the service manager ends' wait_for "[ -z \"\$($panel)\" ]"
ok 'removed: the unit has done its work' wait_for "[ \$(systemctl show -p ActiveState --value scpolicyd-drop-remote@$session) = inactive ]" 60
ok 'removed: what has another name stays' running "$session" kiosk-viewer bystander
ok 'removed: another session of the same person stays' running "$another" ssh xfreerdp rdesktop kiosk-viewer bystander
ok "removed: another person's stays" running "$others" ssh xfreerdp rdesktop kiosk-viewer bystander
is 'removed: the journal names each' "$(said | sed 's/([0-9]*)/(PID)/' | sort | uniq -c | tr -s ' \n' ' ')" " 1 session $session: ends rdesktop (PID) \
1 session $session: ends ssh (PID) 2 session $session: ends xfreerdp (PID) 1 session $session: rdesktop (PID) did not end: killed "

vm card-in
ok 'card in: guarded again' wait_for "journal_has restored $session" 20
unlock "$session"
vm_begin_anew
vm_drop_in 'scpolicyd-drop-remote@.service' <<'END'
[Service]
Environment="PROGRAMS=kiosk-.*"
END
vm card-out
ok 'others by pattern: it ends' ended "$session" kiosk-viewer
ok 'others by pattern: no other' running "$session" bystander
ok "others by pattern: no other session's" running "$another" kiosk-viewer
ok "others by pattern: nor another person's" running "$others" kiosk-viewer

refused() { # NAME SESSION MESSAGE
	vm_begin_anew
	ok "$1: the unit fails" not drop "$2"
	is "$1: it says why, once" "$(said | sed 's/^Failed to get .*: //')" "$3"
	guest "systemctl reset-failed scpolicyd-drop-remote@$2"
}
drop "$session"
is 'nothing runs there: it says so' "$(said | tail -n 1)" "session $session runs none of these programs"
refused 'no such session' nope "No session 'nope' known"
guest "loginctl terminate-session $session"
wait_for "! [ -e /run/systemd/sessions/$session ]" 30
refused 'a session that has ended' "$session" "No session '$session' known"
for pattern in '(kiosk' ''; do
	vm_drop_in 'scpolicyd-drop-remote@.service' <<-END
		[Service]
		Environment="PROGRAMS=$pattern"
	END
	[ -n "$pattern" ] && why="PROGRAMS=$pattern is no pattern of grep -E" || why='PROGRAMS= is empty: which programs are to be ended?'
	refused "the pattern '$pattern'" "$another" "$why"
done
ok 'and nothing has ended' running "$another" ssh xfreerdp rdesktop kiosk-viewer bystander
done_testing
