#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# One line of pam_sss for card and password: what it leaves is the same for both. The KDC's word tells them apart.
. "$(dirname "$0")/lib.sh"
vm_boot --set=signin
service=gdm-switchable-auth
vm_stack $service 'ONE LINE FOR CARD AND PASSWORD'
vm_sssd domain
is 'the doctor says on what the record depends' "$(doctor_on $service)" 'note:pam-auth-proof'

left() { guest 'sed "s/=.*//" /run/signin-dcard.out | sort | tr "\n" " "'; }
cache() { guest 'sed -n s/^KRB5CCNAME=//p /run/signin-dcard.out'; }
has_pa_type() { guest "klist -C -c '$1' | grep -q pa_type"; }
was_told() { guest "journalctl -q -b -o cat -t signin | grep 'prove:' | tail -n 1 | grep -q '$1'"; }

# Whoever has a card of their own in is asked for its PIN, and for nothing else.
vm card-out
session=$(vm_try $service dcard dcard)
ok_not_recorded 'by password, no card inserted' "$session"
by_password=$(left)
vm_signout dcard
vm card-in
wait_for 'timeout 30 card-atr' 45
session=$(vm_try $service dpassword dpassword)
ok_not_recorded "by password, another person's card inserted" "$session"
ok '… the KDC was asked' was_told 'the KDC does not say that the ticket came by a certificate'

session=$(vm_try $service dcard $pin)
ok_recorded 'by card' "$session"
ok '… by its word' was_told 'the KDC says that the ticket came by a certificate'
is 'pam_sss leaves the same in the PAM environment' "$(left)" "$by_password"
ok 'its ticket cache does not tell' not has_pa_type "$(cache)"
guest "echo $pin | kinit -c FILE:/run/signin-kinit -X X509_user_identity=PKCS11:opensc-pkcs11.so dcard" > /dev/null
ok '… as that of kinit does' has_pa_type FILE:/run/signin-kinit

# Without the KDC's mark, as in Active Directory.
in_guest 'kdc_without_indicator'
session=$(vm_try $service dcard $pin)
ok_not_recorded 'by card, and the KDC marks nothing' "$session"
in_guest kdc_restart

# SSSD checks the card alone. What the KDC has said in an earlier sign-in is still there.
session=$(vm_try $service dcard $pin)
ok_recorded 'before the KDC goes: by card' "$session"
in_guest kdc_stop
session=$(vm_try $service dcard $pin)
ok_not_recorded 'the KDC is away: by card' "$session"
ok '… the ticket is an old one' was_told 'the ticket is older than this sign-in'

vm_sssd local
session=$(vm_try $service card $pin)
ok_not_recorded 'a local user, by card' "$session"
done_testing
