#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package on a machine that never had scpolicyd: installed, its profile guards people who sign in with the card;
# upgraded, it still guards them; purged, it leaves nothing behind.
. "$(dirname "$0")/lib.sh"
"$top/scripts/package" > /dev/null || bail_out 'no package to install'
vm_boot --bare
package=$(echo "$top"/build/scpolicyd_*.deb)
newer=$top/build/vm/newer

rm -rf "$newer" "$newer.deb"
dpkg-deb -R "$package" "$newer" && sed -i 's/^Version: .*/&+newer/' "$newer/DEBIAN/control" &&
	dpkg-deb --root-owner-group -b "$newer" "$newer.deb" > /dev/null || bail_out 'no newer package'
guest -i 'cat > /tmp/scpolicyd.deb' < "$package"
guest -i 'cat > /tmp/newer.deb' < "$newer.deb"

# The machine's files and settings. What apt, dpkg and debconf remember does not count, nor does a service's private /var/tmp, which
# lasts as long as the service runs.
picture() {
	guest --timeout=120 "find / -xdev \( -path /tmp -o -path '/var/tmp/systemd-private-*' -o -path /root -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \
			-o -path /var/lib/dpkg \) -prune -o -type f -printf '%p\n' -o -printf '%p %y\n' | sort
		find /run/scpolicyd /run/systemd/generator* /var/lib/systemd/deb-systemd-helper* 2> /dev/null | sort
		find /etc /var/lib/pam -type f ! -name '*-' -exec md5sum {} + | sort -k 2" > "$top/build/vm/picture-$1"
}
apt() { guest --timeout=180 "DEBIAN_FRONTEND=noninteractive apt-get -q -y $* > /tmp/apt.log 2>&1 || { cat /tmp/apt.log; false; }"; }
pulled() {
	vm_settle
	vm card-out
	ok "$1: the card's session is locked" wait_for "is_locked $card"
	ok "$1: the lock is verified" wait_for "journal_has outcome $card SCPOLICY_OUTCOME=verified"
}

picture before
ok 'it installs' apt install /tmp/scpolicyd.deb
ok 'the service runs' wait_for 'systemctl is-active -q scpolicyd'
ok 'and will at the next start' guest 'systemctl is-enabled -q scpolicyd'
ok 'the group is there' guest 'getent group scpolicyd > /dev/null'
ok 'the reader that was plugged in is known to the rules' wait_for 'udevadm info --export-db | grep -q "^E: .*TAGS=.*:scpolicyd:"'
ok 'journalctl -x can explain its entries' guest 'journalctl --list-catalog | grep -q scpolicyd'
is 'its session line comes after the one of pam_systemd' \
	"$(guest 'grep -Eo "pam_(systemd|scpolicy).so" /etc/pam.d/common-session' | tr '\n' ' ')" 'pam_systemd.so pam_scpolicy.so '

# A profile for pam_pkcs11, which Debian's package has not: pam_scpolicy(8) shows it.
"$top/tests/vm/papers" "$top/build/vm/papers-25"
guest -i 'cat > /usr/share/pam-configs/pkcs11; DEBIAN_FRONTEND=noninteractive pam-auth-update --enable pkcs11' < "$top/build/vm/papers-25/profile"
password=$(vm_signin password login)
card=$(vm_signin card login)
ok 'the password signs in, and the card' [ -n "$password" -a -n "$card" ]
ok "the card's session has a record" guest "test -e /run/scpolicyd/sessions/$card"
ok "the password's has none" guest "! test -e /run/scpolicyd/sessions/$password"

# A site's policy as a package: in force at once; a faulty one is refused, and the one before stays.
rm -rf "$top/build/vm/site" && mkdir -p "$top/build/vm/site" && cp -r "$top/packaging/site-policy" "$top/build/vm/site/" &&
	(cd "$top/build/vm/site/site-policy" && dpkg-buildpackage -us -uc -b > ../log 2>&1 && sed -i '/^Action=/s/.*/Action=lokc/' 50-site.conf &&
		sed -i '1s/(1)/(2)/' debian/changelog && dpkg-buildpackage -us -uc -b > ../log 2>&1) || bail_out 'no policy package'
for version in 1 2; do
	guest -i "cat > /tmp/site$version.deb" < "$top/build/vm/site/site-scpolicyd-policy_${version}_all.deb"
done
in_force() { guest "scpolicyctl explain --json $card | grep -A 5 WhenCannotLock | grep -q '\"$1\"'"; }
ok 'a policy package installs' apt install /tmp/site1.deb
ok 'the open session is under its policy' in_force logout
ok 'and scpolicyctl says where that is written' guest "scpolicyctl explain --json $card | grep -q /50-site.conf"
ok 'a faulty one does not install' not apt install /tmp/site2.deb
ok 'which says where the fault is' guest 'grep -q "50-site.conf:4: .*lokc" /tmp/apt.log'
ok 'the policy before is still in force' in_force logout
ok 'the policy package purges' apt purge site-scpolicyd-policy
ok 'and its policy is gone' in_force warn

vm_locker "$card"
vm_locker "$password"
pulled 'installed'
ok 'installed: the other session is not' is_unlocked "$password"

vm card-in
ok 'the session is guarded again' wait_for "journal_has restored $card" 20
unlock $card
vm_begin_anew
ok 'a newer one installs over it' apt install /tmp/newer.deb
ok 'it is the newer one' guest 'dpkg-query -W -f "\${Version}" scpolicyd | grep -q newer'
ok 'its daemon took the session over' wait_for "log_has 'session $card of user card is governed'"
pulled 'upgraded'
ok 'upgraded: the other session is not' is_unlocked "$password"

vm_signout card
vm_signout password
guest 'DEBIAN_FRONTEND=noninteractive pam-auth-update --package --remove pkcs11; rm /usr/share/pam-configs/pkcs11'
ok 'it purges' apt purge scpolicyd
picture after
ok 'and leaves nothing' diff "$top/build/vm/picture-before" "$top/build/vm/picture-after"
ok 'nor a process' guest '! pgrep scpolicyd'
ok 'the password signs in without it' [ -n "$(vm_signin password login)" ]
done_testing
