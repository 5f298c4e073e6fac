#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A real sshd, and sudo inside its sessions, each with SSSD's stack. sshd asks through PAM in a process of its own.
. "$(dirname "$0")/lib.sh"
vm_boot --set=signin
vm_stack sshd 'SSSD, in login or sshd'
vm_stack sudo 'SSSD, in login or sshd'
vm_sssd local
guest 'echo "card ALL=(ALL) ALL" > /etc/sudoers.d/tests'
vm_sshd || bail_out 'no sshd'
printf '[Policy]\nAction=none\n' | vm_policy
is 'the doctor says that a sign-in by card is recorded' "$(doctor_on sshd)" 'ok:pam'

# ssh_in NAME ANSWERS [COMMAND]: account card signs in by what ssh asks for; prints the session's id, if any.
ssh_in() {
	in_guest "ssh_in $(quoted "$@")"
}
ssh_out() { guest "systemctl stop signin-$1"; }

session=$(ssh_in password ':card')
ok_not_recorded 'by password, the card inserted' "$session"
ssh_out password
session=$(ssh_in wrong "$wrong_pin:$wrong_pin")
ok 'a wrong PIN signs nobody in' [ -z "$session" ]
session=$(vm_ssh key card)
ok_not_recorded 'by a key, the card inserted' "$session"
ssh_out key

session=$(ssh_in card "$pin:" "echo $pin | sudo -S true && echo sudo=yes; exec sleep 1000")
ok_recorded 'by card' "$session"
ok 'sudo by card in this session' wait_for 'grep -q sudo=yes /run/signin-card.out' 60
is '… opens no session, and leaves no other record' "$(guest 'ls /run/scpolicyd/sessions')" "$session"
ok '… and is not reported as unrecorded' not journal_has unrecorded -
ssh_out card

session=$(ssh_in password ':card' "echo $pin | sudo -S true && echo sudo=yes; exec sleep 1000")
ok 'sudo by card in a session by password' wait_for 'grep -q sudo=yes /run/signin-password.out' 60
ok_not_recorded '… which stays as it was' "$session"
ssh_out password
done_testing
