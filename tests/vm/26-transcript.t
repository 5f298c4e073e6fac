#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands in README and man pages, run as they are written there, on a machine that scpolicyd is installed on as README
# says. Each block is a script of its own. The test names each block that it does not run, with the reason.
. "$(dirname "$0")/lib.sh"
"$top/scripts/package" > /dev/null || bail_out 'no package to install'
vm_boot --bare
papers=$top/build/vm/papers
"$top/tests/vm/papers" "$papers" || bail_out 'the papers cannot be read'
guest 'mkdir -p /root/build'
guest -i 'cat > /root/build/scpolicyd_0_all.deb' < "$(echo "$top"/build/scpolicyd_*.deb)"

# A failed block's output is shown; "no entries" counts as a failure.
ran() { # FILE [PRELUDE]
	{ printf '%s\n' "$2"; cat "$1"; } | guest --timeout=180 -i "cat > /tmp/block; cd /root
		export XDG_SESSION_ID=$card DEBIAN_FRONTEND=noninteractive
		sh /tmp/block < /dev/null > /tmp/block.out 2>&1 && ! grep -q '^-- No entries' /tmp/block.out ||
			{ sed 's/^/# /' /tmp/block.out; false; }"
}
runs() { ok "$(basename "$1"): $(head -n 1 "$1")" ran "$@"; }
block() { grep -lx -- "$1" "$papers"/[0-9]*; }
not_run() { note "not run: $(basename "$1"): $(head -n 1 "$1" | cut -c 1-50): $2"; }

card=
install=$(block 'make deb')
runs "$install" 'make() { [ -e build/scpolicyd_0_all.deb ]; }; set -e'
ok 'it is installed' guest 'systemctl is-active -q scpolicyd'
guest -i 'cat > /usr/share/pam-configs/pkcs11' < "$papers/profile"
enable=$(block 'pam-auth-update --enable pkcs11')
runs "$enable"

card=$(vm_signin card login)
ok 'the card signs in' [ -n "$card" ]
vm_locker "$card"
wait_for "log_has 'session $card of user card is governed'"
vm_settle
vm card-out
ok 'and its session locks when it is pulled' wait_for "journal_has outcome $card SCPOLICY_OUTCOME=verified"
vm card-in
wait_for "journal_has restored $card" 20

for file in "$papers"/[0-9]*; do
	case $(head -n 1 "$file") in
	"$(head -n 1 "$install")" | "$(head -n 1 "$enable")") ;;
	'make demo'*) not_run "$file" 'they are what runs this' ;;
	'make programs') not_run "$file" 'no compiler here; other machines of these cases are installed so' ;;
	authselect*) not_run "$file" 'no authselect here: make check-systems PART=authselect' ;;
	ausearch*) not_run "$file" 'no auditd here' ;;
	oscap*) not_run "$file" 'no oscap here; tests/integration/compliance.t runs it' ;;
	*'| jq '*) not_run "$file" 'no jq here' ;;
	'scpolicyctl explain 12')
		sed -i "s/ 12$/ $card/" "$file" # the card's session has another id here
		runs "$file" 'set -e'
		;;
	'scpolicyctl monitor')
		sed -i 1q "$file" # what follows is what it prints
		runs "$file" 'scpolicyctl() { timeout 3 /usr/bin/scpolicyctl "$@" || [ $? = 124 ]; }'
		;;
	*) runs "$file" 'set -e' ;;
	esac
done

vm_signout card
guest --timeout=120 'export DEBIAN_FRONTEND=noninteractive
	pam-auth-update --package --remove pkcs11; rm -r /usr/share/pam-configs/pkcs11 /root/build
	apt-get -q -y purge scpolicyd' > /dev/null 2>&1
done_testing
