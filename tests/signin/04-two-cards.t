#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two readers of one model, two people, each with a card of their own in. SSSD 2.8 looks at the first card that it finds, unless
# p11_uri in sssd.conf(5) names another.
. "$(dirname "$0")/lib.sh"
vm_boot --set=signin --second
vm_stack login 'SSSD, in login or sshd'
vm_stack gdm-smartcard gdm-smartcard
vm_common_session
vm_sssd local

session=$(vm_try login other other)
ok_not_recorded 'login: the second person, by password, both cards inserted' "$session"
vm_signout other
for service in login gdm-smartcard; do
	session=$(vm_try $service card $pin)
	ok_recorded "$service: the first card" "$session" 1
	vm_signout card
done

guest "sed -i '/^\[pam\]/a p11_uri = pkcs11:token=other' /etc/sssd/sssd.conf; systemctl restart sssd"
wait_for 'getent -s sss passwd other' 30
for service in login gdm-smartcard; do
	session=$(vm_try $service other $pin)
	ok_recorded "$service: the second card" "$session" 2
	vm_signout other
done
done_testing
