# SPDX-License-Identifier: GPL-2.0-or-later
#
# Adds the feature with-scpolicyd to a custom authselect profile that is based on sssd: pam_scpolicy(8), "Fedora and RHEL",
# has the commands. A certificate signs in on a line of its own, and only behind that line stands pam_scpolicy: a password
# jumps over it. Without the feature each file does what it did.

# system-auth: the card is asked for first, of domain users too. A person without a card is asked for a password below.
/^auth .*pam_usertype\.so isregular/ {
	N
	/pam_localuser\.so .*{exclude if "with-smartcard"}/ {
		s/{exclude if "with-smartcard"}/{exclude if "with-smartcard" and not "with-scpolicyd"}/
		i\
auth        [success=1 new_authtok_reqd=1 default=ignore] pam_sss.so try_cert_auth {include if "with-smartcard" and "with-scpolicyd"}\
auth        [default=2]                                  pam_permit.so {include if "with-smartcard" and "with-scpolicyd"}\
auth        optional                                     pam_scpolicy.so {include if "with-smartcard" and "with-scpolicyd"}\
auth        sufficient                                   pam_permit.so {include if "with-smartcard" and "with-scpolicyd"}
	}
}
/^auth .*\(pam_localuser\.so\|pam_sss\.so try_cert_auth\) .*{include if "with-smartcard"}/s/{include if "with-smartcard"}/{include if "with-smartcard" and not "with-scpolicyd"}/

# system-auth of a machine on which only cards sign in: the console and the display managers.
/^auth .*pam_succeed_if\.so service notin .*{include if "with-smartcard-required"}/ {
	h
	s/{include if "with-smartcard-required"}/{include if "with-smartcard-required" and not "with-scpolicyd"}/
	x
	s/\[success=1 /[success=4 /
	s/{include if "with-smartcard-required"}/{include if "with-smartcard-required" and "with-scpolicyd"}/
	p
	x
}
/^auth .*pam_sss\.so require_cert_auth .*{include if "with-smartcard-required"}/ {
	h
	s/{include if "with-smartcard-required"}/{include if "with-smartcard-required" and not "with-scpolicyd"}/
	x
	s/\[success=done /[success=1 /
	s/{include if "with-smartcard-required"}/{include if "with-smartcard-required" and "with-scpolicyd"}/
	a\
auth        [default=2]                                  pam_permit.so {include if "with-smartcard-required" and "with-scpolicyd"}\
auth        optional                                     pam_scpolicy.so {include if "with-smartcard-required" and "with-scpolicyd"}\
auth        sufficient                                   pam_permit.so {include if "with-smartcard-required" and "with-scpolicyd"}
	p
	x
}

# smartcard-auth, which gdm-smartcard includes.
/^auth .*sufficient .*pam_sss\.so allow_missing_name/ {
	h
	s/$/ {exclude if "with-scpolicyd"}/
	x
	s/sufficient/[success=1 new_authtok_reqd=1 default=ignore]/
	s/$/ {include if "with-scpolicyd"}/
	a\
auth        [default=2]                                  pam_permit.so {include if "with-scpolicyd"}\
auth        optional                                     pam_scpolicy.so {include if "with-scpolicyd"}\
auth        sufficient                                   pam_permit.so {include if "with-scpolicyd"}
	p
	x
}

# Every session: the record is written where the card signed in.
/^-\{0,1\}session .*pam_systemd\.so/a\
session     optional                                     pam_scpolicy.so {include if "with-scpolicyd"}
