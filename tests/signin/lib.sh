# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the sign-in cases share, beside tests/vm/lib.sh. The stacks that run are those of pam_scpolicy(8), word for word; only the
# time limit of our lines is an emulated processor's. The guest's part is tests/signin/overlay. Account card has certificate 1 of
# the first card, other that of the second; the password of each is its name. A PIN is any four bytes or more: OpenSC takes a
# shorter one for a wrong PIN before the card does.
. "$(dirname "$0")/../vm/lib.sh"

# shellcheck disable=SC2034 # the cases use them
pin=1234
# shellcheck disable=SC2034
wrong_pin=123
page=$top/user/man/pam_scpolicy.8.scd

in_guest() { guest --timeout=150 ". /usr/local/lib/signin.sh; $*"; }

# stack_of TITLE [N]: the Nth stack of that section of the man page.
stack_of() {
	awk -v title="$1" -v wanted="${2:-1}" '
		/^#/ { here = $0 ~ "^#+ " title "$"; n = 0 }
		here && /^```$/ { n += !inside; inside = !inside; next }
		here && inside && n == wanted' "$page"
}

# vm_stack SERVICE TITLE [N]: the guest's service has this stack of the page.
vm_stack() {
	stack_of "$2" "${3:-1}" > "$top/build/vm/$case_name.stack"
	grep -q pam_scpolicy.so "$top/build/vm/$case_name.stack" || bail_out "pam_scpolicy(8) has no such stack: $2"
	sed "/pam_scpolicy.so/s/$/ timeout=60000/" "$top/build/vm/$case_name.stack" | guest -i "cat > /etc/pam.d/$1"
}

# The stack of gdm-smartcard includes common-session, to which the package's profile adds its line.
vm_common_session() {
	guest 'grep -q pam_scpolicy /etc/pam.d/common-session || echo "session optional pam_scpolicy.so timeout=60000" >> /etc/pam.d/common-session'
}

# vm_sssd local|domain: SSSD knows who has which certificate.
vm_sssd() {
	tar -C "$top/tests/signin/overlay" -c . | guest -i 'tar -x --no-same-owner -C /' || bail_out 'the files cannot be copied'
	in_guest "sssd_$1" || bail_out 'SSSD does not run'
}

# vm_try SERVICE ACCOUNT ANSWER...: signs in, with an answer for each question that is not echoed; prints the session's id, or nothing.
# The questions are in the guest's /run/signin-ACCOUNT.err.
vm_try() { in_guest "try $(quoted "$@")" 2> "$top/build/vm/$case_name.signin"; }

quoted() { for each; do printf "'%s' " "$each"; done; }

asked() { guest "grep -q '$2' /run/signin-$1.err"; }
port_of() { guest "sed -n 's,^READER=.*-\\([0-9]\\)).*,\\1,p' /run/scpolicyd/sessions/$1"; }
is_recorded() { guest "test -e /run/scpolicyd/sessions/$1"; }

# ok_recorded NAME SESSION [PORT]: the session is bound to the reader at this port.
ok_recorded() {
	ok "$1: signs in" [ -n "$2" ]
	is "$1: its record names the reader" "$(port_of "$2")" "${3:-1}"
	ok "$1: the daemon governs it" wait_for "log_has 'session $2 of user .* is governed'"
}

ok_not_recorded() { # NAME SESSION
	ok "$1: signs in" [ -n "$2" ]
	ok "$1: is not recorded" not is_recorded "$2"
	ok "$1: and nobody is told that a record is missing" not journal_has unrecorded "$2"
}

# What the doctor says of one service: severity and id of each finding, sorted.
doctor_on() { # SERVICE
	guest 'scpolicyctl doctor --json' > "$top/build/vm/$case_name.json"
	SERVICE=$1 perl -MJSON::PP -0777 -ne 'print join(" ", sort map { "$_->{severity}:$_->{id}" }
		grep { $_->{what} =~ /PAM service [^:]*\b\Q$ENV{SERVICE}\E\b/ } @{decode_json($_)->{findings}}), "\n"' \
		"$top/build/vm/$case_name.json"
}
