#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What a local user tries against scpolicyd: each is refused, or changes nothing. The user is `password`, signed in; the session
# that the card opened is another user's. SECURITY.md says what is promised.
. "$(dirname "$0")/lib.sh"
vm_boot

# This user lets PAM read an environment that says that a card was used, and that the session is the other one.
card=$(vm_signin card)
whose='^(SESSION|USER|SERVICE|LEADER|READER)='
before=$(guest "grep -E '$whose' /run/scpolicyd/sessions/$card")
guest "printf '%s\n' PKCS11_LOGIN_TOKEN_NAME=card XDG_SESSION_ID=$card > /home/password/.pam_environment
	cat > /etc/pam.d/scpolicy-env << 'END'
auth    required pam_unix.so
account required pam_unix.so
session required pam_systemd.so
session required pam_env.so user_readenv=1
session optional pam_scpolicy.so
END"
# The environment lies about the session's id, to the program that signs in as well.
vm_signin password scpolicy-env > /dev/null
# systemd 256 and later list the user's service manager as a session.
password=$(guest "loginctl list-sessions --no-legend | awk '\$3 == \"password\" && !/ manager/ { print \$1 }'")
guest 'rm /home/password/.pam_environment /etc/pam.d/scpolicy-env'
[ -n "$password" ] && vm_locker "$password" && is_set card || bail_out 'the stage is not set'
vm_settle
is 'forged environment: no record of another session changes' "$(guest "grep -E '$whose' /run/scpolicyd/sessions/$card")" \
	"$before"

# evil: as that user, the script on standard input.
evil() { guest -i "cat > /tmp/evil; runuser -u password -- sh /tmp/evil 2>&1"; }
refused() { # NAME: it fails, and says that it may not
	said=$(evil)
	ok "$1" said_refused
}
said_refused() {
	printf '%s\n' "$said" | grep -Eiq 'denied|not permitted|not allowed' || { note "said: $said"; return 1; }
}
still_guarded() {
	ok "$1: the session is guarded as before" wait_for "scpolicyctl sessions | grep -Eq '^$card +card .* guarded '"
	ok "$1: and not touched" guest "$guest_functions; [ -e /run/journal.json ] && ! journal_has removal $card && ! journal_has action $card"
}

# ---- records ----
refused 'records: no directory of records can be listed' <<-'END'
	ls /run/scpolicyd/sessions
END
refused 'records: none can be written' <<-'END'
	echo SESSION=901 > /run/scpolicyd/sessions/901
END
refused 'records: nothing can take the place of the directory' <<-'END'
	ln -s /tmp /run/scpolicyd.new && mv /run/scpolicyd.new /run/scpolicyd
END
refused 'processes: the daemon cannot be stopped' <<-'END'
	kill -STOP $(pgrep -x scpolicyd)
END
refused 'processes: nor what speaks to pcscd' <<-'END'
	kill -STOP $(pgrep -x scpolicyd-pcsc-)
END

# ---- the bus ----
for name in org.scpolicyd1 org.freedesktop.login1; do
	refused "bus: nobody else can be $name" <<-END
		busctl --system call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus RequestName su $name 4
	END
done
path=$(guest "busctl --system call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager GetSession s $card | cut -d'\"' -f2")
evil > /dev/null <<-END
	busctl --system emit /org/freedesktop/login1 org.freedesktop.login1.Manager SessionRemoved so $card $path
	busctl --system emit $path org.freedesktop.login1.Session Unlock
	busctl --system emit $path org.freedesktop.DBus.Properties PropertiesChanged 'sa{sv}as' org.freedesktop.login1.Session 1 LockedHint b true 0
	busctl --system emit /org/freedesktop/login1 org.freedesktop.login1.Manager PrepareForSleep b true
	busctl --system emit /org/freedesktop/DBus org.freedesktop.DBus NameOwnerChanged sss org.freedesktop.login1 :1.1 ''
END
still_guarded 'forged signals'

# ---- PC/SC ----
# A client that has the reader to itself, resets the card and turns its power off. polkit would let nobody but root do it here.
guest 'for try in 1 2 3; do opensc-tool --reader 0 --reset=cold; opensc-tool --reader 0 --reset=warm; done > /dev/null 2>&1'
wait_for card-atr 20
still_guarded 'a client that resets the card'

# ---- floods ----
# As many connections as the bus lets one user have, and as many that never say who they are.
guest -i 'cat > /run/flood' <<-'END'
	use IO::Socket::UNIX;
	$| = 1;
	my $user = unpack 'H*', $<;
	for (1 .. 400) {
		my $bus = IO::Socket::UNIX->new(Peer => '/run/dbus/system_bus_socket') or last;
		$bus->syswrite("\0AUTH EXTERNAL $user\r\n") if $_ % 2;
		push @held, $bus;
	}
	print scalar(@held), " connections\n";
	sleep;
END
guest 'systemd-run -q --unit=signin-flood --uid=password -p StandardOutput=truncate:/run/signin-flood.out perl /run/flood'
ok 'the bus is flooded' wait_for 'grep connections /run/signin-flood.out'
vm card-out
ok 'flooded: the card is removed, and logind locks' wait_for "grep -Eq '^[0-9]+ lock $card\$' /run/witness.out"
guest 'systemctl stop signin-flood'
ok_only_card_locked 'after all this'
ok 'the probe reported it' journal_has removal "$card" SCPOLICY_SOURCE=probe
vm card-in
ok_guarded_again 'the card back'
done_testing
