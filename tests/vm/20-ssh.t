#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Sessions of a real sshd, governed by the card in the machine (`always`): disconnected, warned or logged out; what su
# and sudo do within one is part of it.
. "$(dirname "$0")/lib.sh"
vm_boot
# The next case stops this case's units, and that undoes its changes in the guest.
guest '
	files="/etc/pam.d/common-session /etc/pam.d/common-session-noninteractive"
	systemd-run -q --collect --unit=signin-pam -p RemainAfterExit=yes -p "ExecStop=/bin/sed -i /pam_scpolicy/d $files" true
	echo "session optional pam_scpolicy.so always" | tee -a $files > /dev/null
	echo "password ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/tests'
vm_sshd || bail_out 'no sshd'

# ssh_in NAME ACCOUNT [COMMAND...]: as vm_ssh; the session is governed when this returns.
ssh_in() {
	session=$(vm_ssh "$@")
	wait_for "log_has 'session $session of user $2 is governed'" >&2
	echo "$session"
}

card_back() {
	vm card-in
	wait_for card-atr 20
}

vm_policy <<'END'
[Policy]
Action=disconnect
[Rule left-alone]
User=card
Action=none
END
ssh=$(ssh_in ssh password)
other=$(ssh_in other card)
is 'logind takes the session for a remote one' "$(guest "loginctl show-session -p Remote -p Service -p Type $ssh" | sort | tr '\n' ' ')" \
	'Remote=yes Service=sshd Type=tty '
vm card-out
ok 'disconnect: the session ends' wait_for "has_ended $ssh"
ok 'disconnect: its client learns it' wait_for '! systemctl is-active -q signin-ssh'
ok 'disconnect: the journal says so' journal_has action "$ssh" SCPOLICY_ACTION=disconnect
ok 'disconnect: and that it is verified' wait_for "journal_has outcome $ssh SCPOLICY_ACTION=disconnect SCPOLICY_OUTCOME=verified"
ok 'disconnect: the other session lives' not has_ended "$other"
ok 'disconnect: and so does its client' guest 'systemctl is-active -q signin-other'

vm_policy <<'END'
[Policy]
Action=lock
WhenCannotLock=warn
[Rule left-alone]
User=card
Action=none
END
card_back
ssh=$(ssh_in ssh password)
# logind knows an ssh session's terminal from utmp, which Debian 13's systemd is built without.
no_utmp() { guest 'systemctl --version | grep -q -- -UTMP'; }
no_utmp || wait_for "loginctl show-session -p TTY --value $ssh | grep -q ."
guest 'sleep 4' # the daemon asks after 1, then 3 s
vm card-out
ok 'warn: the journal says that the session cannot be locked' wait_for "journal_has cannot-lock $ssh"
no_utmp || ok 'warn: its terminal too' wait_for 'grep -q "nothing here can lock" /run/signin-ssh.out'
ok 'warn: the session lives' never "has_ended $ssh" 3
ok 'warn: and its client' guest 'systemctl is-active -q signin-ssh'

vm_policy <<'END'
[Policy]
Action=lock
WhenCannotLock=logout
[Rule left-alone]
User=card
Action=none
END
card_back
ok 'logout: the session is guarded again' wait_for "journal_has restored $ssh"
vm card-out
ok 'logout: the session ends' wait_for "has_ended $ssh"
ok 'logout: its outcome is verified' wait_for "journal_has outcome $ssh SCPOLICY_ACTION=logout SCPOLICY_OUTCOME=verified"
ok 'logout: the other session lives' not has_ended "$other"

card_back
sessions() { guest 'loginctl list-sessions --no-legend | wc -l; ls /run/scpolicyd/sessions | wc -l' | tr '\n' ' '; }
before=$(sessions)
ssh=$(ssh_in ssh password 'sudo su card -c "echo su=\$XDG_SESSION_ID; exec sleep 1000"')
ok 'su within sudo within the session runs' wait_for 'grep -q ^su= /run/signin-ssh.out'
after=$(sessions)
is 'they open one session, with one record' "$after" "$(echo "$before" | awk '{ print $1 + 1, $2 + 1, "" }')"
ok 'the record is of who signed in' guest "grep -qx USER=password /run/scpolicyd/sessions/$ssh"
vm card-out
ok 'pulled: the session ends with all of them' wait_for "has_ended $ssh && ! pgrep -u card -f 'sleep 1000' -s 0"
ok 'the other session lives' not has_ended "$other"

# A card at the client: this machine's pcscd is the client's too, and ssh forwards it. No card here opens these sessions.
vm_policy <<'END'
[Policy]
Action=disconnect
[Rule left-alone]
User=card
Action=none
END
card_back
guest 'sed -i /pam_scpolicy/d /etc/pam.d/common-session /etc/pam.d/common-session-noninteractive'
vm_forward password
ssh=$(ssh_in remote password 'scpolicyctl attach; exec sleep 1000')
ok 'client: its card is bound' wait_for "scpolicyctl explain $ssh | grep -q 'bound: late: .*presence, not proof'" 60
watcher=$(guest 'pgrep -x scpolicyd-remot')
ok 'client: what watches it has no file' guest "[ -z \"\$(ls -A /proc/$watcher/root)\" ]"
ok 'client: … no right' guest "grep -qx 'CapEff:	0000000000000000' /proc/$watcher/status && [ \$(stat -c %u /proc/$watcher) != 0 ]"
ok 'client: … and no network' guest "[ \$(readlink /proc/$watcher/ns/net) != \$(readlink /proc/1/ns/net) ]"
guest 'systemctl restart scpolicyd'
ok 'client: a new daemon has the connection' wait_for "scpolicyctl explain $ssh | grep -q 'card in: .*its client has answered'" 60
vm card-out
ok 'client: removed there, the session ends' wait_for "has_ended $ssh" 60
ok 'client: and is told why' journal_has removal "$ssh" SCPOLICY_CAUSE=card SCPOLICY_SOURCE=pcsc
ok 'client: the other session lives' not has_ended "$other"
card_back
ssh=$(ssh_in remote password 'scpolicyctl attach; exec sleep 5')
ok 'client: when its shell ends, ssh does too' wait_for '! systemctl is-active -q signin-remote' 60
ok 'client: and nothing is watched' wait_for "has_ended $ssh && [ -z \"\$(ls /proc/$watcher/fd | sed 1,5d)\" ]" 60

# The same, and nobody calls attach: the daemon finds the socket, as its user.
vm_policy <<'END'
[Policy]
Action=disconnect
[Remote]
Pcsc=/run/user/%i/pcscd.comm
[Rule left-alone]
User=card
Action=none
END
ssh=$(vm_ssh remote password 'exec sleep 1000')
ok 'found: its card is bound' wait_for "scpolicyctl explain $ssh | grep -q 'bound: late: .*presence, not proof'" 60
ok 'found: what looked has ended, and well' wait_for "! pgrep -x scpolicyd-conne && [ -z \"\$(systemctl list-units --all --plain --no-legend 'scpolicyd-connect@*')\" ]"
ok 'found: nobody reads that it ran' guest "! journalctl -b -u 'scpolicyd-connect@*' | grep -v '^-- '"
vm card-out
ok 'found: removed there, the session ends' wait_for "has_ended $ssh" 60
card_back
ssh=$(vm_ssh remote password 'exec sleep 20')
ok 'found: it is watched again' wait_for "scpolicyctl explain $ssh | grep -q 'card in:'" 60
ok 'found: when its shell ends, ssh does too' wait_for '! systemctl is-active -q signin-remote' 60
done_testing
