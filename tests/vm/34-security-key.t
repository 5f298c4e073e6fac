#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A person signs in with a security key, through the real pam_u2f. Its session is bound to the USB device of that key: nothing but
# its removal locks. Two keys of one product and one serial number. Keys that answer badly. Other USB devices. A card and a key of
# one person.
. "$(dirname "$0")/lib.sh"
vm_boot
# In until the kernel and udev have made of it what they make of a key.
plug_and_pull() {
	guest "$guest_functions; security-key plug $1 && await 20 'grep -qs \"Security Key $1\" /sys/class/hidraw/*/device/uevent' &&
		udevadm settle && security-key pull $1" || bail_out "the key $1 does not show"
}

guest '{ fido-key 0 other; fido-key 1 other | cut -d : -f 2; } | paste -s -d : > /run/u2f_keys
	security-key make 0; security-key make 1; security-key plug 0'
ok 'udev marks the key' wait_for "udevadm info --export-db | grep -A30 '^P: .*/hidraw' | grep -q '^E: TAGS=.*:scpolicyd:'"
guest 'systemctl stop scpolicyd; security-key plug 1'
ok 'plugging one in starts the daemon' wait_for 'systemctl is-active -q scpolicyd' 30
guest 'security-key pull 1'
hidraw='$(for n in /sys/class/hidraw/*; do grep -q "Security Key 0" $n/device/uevent && basename $n; done)'

session=$(vm_signin other scpolicy-fido)
ok 'a security key signs in' [ -n "$session" ]
vm_locker "$session"
vm_witness
ok 'the session is governed by it' wait_for "log_has 'session $session of user other is governed: .* removal of the token scpolicyd Security Key 0'"
ok 'and says so' guest "scpolicyctl explain $session | grep -q 'token in: its USB device is plugged in'"

guest "for i in \$(seq 100); do : 3<> /dev/$hidraw; done"
guest "i=\$(basename \$(readlink -f /sys/class/hidraw/$hidraw/device/..)); echo \$i > /sys/bus/usb/drivers/usbhid/unbind
	udevadm settle; echo \$i > /sys/bus/usb/drivers/usbhid/bind"
plug_and_pull 1
ok_not_removed 'opened a hundred times, its driver unbound, another key pulled' "$session"

guest 'security-key pull 0'
ok 'pulled: its session is locked' wait_for "is_locked $session"
ok 'and that is verified' wait_for "journal_has outcome $session SCPOLICY_OUTCOME=verified"
ok 'the probe reported it' journal_has removal "$session" SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=probe
guest 'security-key plug 0'
ok 'in its port again: guarded' wait_for "journal_has restored $session" 20
unlock "$session"
vm_begin_anew
guest 'security-key pull 0'
ok 'pulled again: locked again' wait_for "is_locked $session && journal_has outcome $session SCPOLICY_OUTCOME=verified"

guest 'security-key plug 1'
wait_for '[ -e /dev/hidg1 ] && ls /dev/hidraw*' 20
guest 'systemctl kill -s USR1 signin-other'
ok 'the other key unlocks, and the session is bound to it' wait_for \
	"grep -qx 'READER=scpolicyd Security Key 1' /run/scpolicyd/sessions/$session" 40
unlock "$session"
vm_begin_anew
vm_witness
plug_and_pull 0
ok_not_removed 'the first key is another one now' "$session"
guest 'security-key pull 1'
ok 'the other key is pulled: locked' wait_for "is_locked $session && journal_has outcome $session SCPOLICY_OUTCOME=verified"

vm_signout other
guest 'security-key plug 0; security-key plug 1'
wait_for '[ "$(ls /sys/class/hidraw | wc -l)" = 2 ]' 20
session=$(vm_signin other scpolicy-fido)
ok 'with two keys: nobody knows which one was used' guest "! [ -e /run/scpolicyd/sessions/$session ]"
ok 'and that is reported' wait_for 'journalctl -q -b | grep -q "there are 2 security keys: which one was used is not known"'
vm_signout other
guest "sed 's/token=fido/& u2f_keys=\/run\/u2f_keys origin=pam:\/\/scpolicyd/' /etc/pam.d/scpolicy-fido > /etc/pam.d/scpolicy-fido2
	fido-key 1 other > /run/u2f_keys"
session=$(vm_signin other scpolicy-fido2)
ok 'each is asked: the one with the credential is known' guest "grep -qx 'READER=scpolicyd Security Key 1' /run/scpolicyd/sessions/$session"
vm_signout other

# Keys that answer badly. A password signs in: pam_u2f would wait for them.
guest '{
	echo auth required pam_unix.so
	echo auth optional pam_scpolicy.so token=fido timeout=12000 u2f_keys=/run/u2f_keys origin=pam://scpolicyd
	sed -n "/^account/,\$p" /etc/pam.d/scpolicy-fido
} > /etc/pam.d/scpolicy-fido3
fido-key 1 password > /run/u2f_keys'
answer() { # MANNER KEY...: signs in while these keys answer so
	manner=$1
	shift
	vm_signout password 2> /dev/null
	vm_begin_anew
	guest "rm -f /run/fido-key-*; for key in $*; do echo $manner > /run/fido-key-\$key; done"
	session=$(vm_signin password scpolicy-fido3)
	ok "$manner: the person signs in" [ -n "$session" ]
}
answer slow 0 1
ok 'slow: the one with the credential is known' guest "grep -qx 'READER=scpolicyd Security Key 1' /run/scpolicyd/sessions/$session"
# What it says twice is read once.
answer twice 0
ok 'twice: the one with the credential is known' guest "grep -qx 'READER=scpolicyd Security Key 1' /run/scpolicyd/sessions/$session"
answer never 0
ok 'never: no key is recorded' guest "! [ -e /run/scpolicyd/sessions/$session ]"
ok 'never: that is reported' wait_for \
	'journalctl -q -b --since @$(cat /run/vm-case-began) | grep -q "there are 2 security keys: hidraw[0-9]* does not answer"'
guest 'rm -f /run/fido-key-*'

# Any USB device, for a group: it proves nothing, and only has to be plugged in.
guest '{
	echo auth required pam_permit.so
	sed -n "/^account/,/pam_systemd/p" /etc/pam.d/scpolicy-fido
	echo "session [success=1 default=ignore] pam_succeed_if.so quiet user notingroup password"
	echo session optional pam_scpolicy.so always token=usb:1050:0407:1 timeout=30000
} > /etc/pam.d/scpolicy-usb'
vm_signout password
vm_begin_anew
session=$(vm_signin password scpolicy-usb)
ok 'two USB devices of one serial number: none is recorded' guest "! [ -e /run/scpolicyd/sessions/$session ]"
ok 'and that is reported' wait_for \
	'journalctl -q -b --since @$(cat /run/vm-case-began) | grep -q "there are 2 USB devices 1050:0407:1, and the one used is not known"'
vm_signout password
guest 'security-key pull 1'
session=$(vm_signin password scpolicy-usb)
vm_locker "$session"
ok 'a USB device is in: the session of its group is governed by it' wait_for "log_has 'session $session of user password is governed: .* removal of the token '"
other=$(vm_signin other scpolicy-usb)
ok "another person's is not" guest "[ -n '$other' ] && ! [ -e /run/scpolicyd/sessions/$other ]"
guest 'security-key pull 0'
ok 'it is pulled: locked' wait_for "is_locked $session && journal_has outcome $session SCPOLICY_OUTCOME=verified"
vm_signout other
vm_signout password
guest 'fido-key 0 card > /run/u2f_keys'

# A card, and a key as the backup: either one keeps the session.
vm_policy <<'END'
[Policy]
Keep=any
END
either() { # signs in with the card, and unlocks with the key while the card is in
	vm_signout card 2> /dev/null
	vm all-in
	wait_for card-atr 20
	guest 'rm -f /run/signin-by-key'
	session=$(vm_signin card scpolicy-either)
	vm_locker "$session"
	wait_for "log_has 'session $session of user card is governed'" 60
	guest 'security-key plug 0'
	wait_for '[ -e /dev/hidg0 ] && ls /dev/hidraw*' 20
	guest 'touch /run/signin-by-key; systemctl kill -s USR1 signin-card'
	wait_for "grep -qx 'READER=scpolicyd Security Key 0' /run/scpolicyd/sessions/$session" 40
	vm_begin_anew
	vm_witness
	vm_settle
}
either
vm card-out
ok_not_removed 'either: the card is removed, the key stays' "$session"
guest 'security-key pull 0'
ok 'either: the key is removed, too: locked' wait_for "is_locked $session && journal_has outcome $session SCPOLICY_OUTCOME=verified"
either
guest 'security-key pull 0'
ok_not_removed 'either: the key is removed, the card stays' "$session"
ok 'either: the key was used last, and that is reported' journal_has kept "$session"
vm card-out
ok 'either: the card is removed, too: locked' wait_for "is_locked $session && journal_has outcome $session SCPOLICY_OUTCOME=verified"
vm_signout card
guest 'security-key drop 0; security-key drop 1; rm -f /run/signin-by-key'
done_testing
