#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two readers of one model, two people, each with a card of their own in.
. "$(dirname "$0")/lib.sh"
vm_boot --set=signin --second
vm_stack login 'SSSD, in login or sshd'
vm_stack gdm-smartcard gdm-smartcard
vm_sssd local

for service in login gdm-smartcard; do
	session=$(vm_try $service card $pin)
	ok_recorded "$service: the first card" "$session" 1
	session=$(vm_try $service other $pin)
	ok_recorded "$service: the second card" "$session" 2
	vm_signout card
	vm_signout other
done
session=$(vm_try login other '' other)
ok_not_recorded 'by password, both inserted' "$session"
done_testing
