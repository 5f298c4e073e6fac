# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's part of tests/signin/lib.sh.
. /usr/local/lib/vm-case.sh

share=/usr/local/share/signin
realm=SIGNIN.TEST

# sssd_configure FILE: SSSD runs with it, and knows nobody from before.
sssd_configure() {
	systemctl stop sssd 2> /dev/null
	install -D -m 0600 "$share/$1" /etc/sssd/sssd.conf
	install -D -m 0644 /etc/pam_pkcs11/cacerts/ca.pem /etc/sssd/pki/sssd_auth_ca_db.pem
	rm -f /var/lib/sss/db/* /var/lib/sss/mc/*
	for name in card other; do
		usermod --password "$(openssl passwd -6 $name)" $name
	done
	systemctl start sssd
}

sssd_local() {
	sssd_configure local.conf
	await 30 'getent -s sss passwd card'
}

# A domain: users in a directory, passwords and certificates in a KDC.
sssd_domain() {
	ip_up && directory && kdc || return
	sssd_configure domain.conf
	await 60 'getent passwd dcard'
}

ip_up() {
	busybox ip link set lo up
	grep -qs vm.signin.test /etc/hosts || echo '127.0.0.1 vm.signin.test scpolicyd-vm' >> /etc/hosts
}

# Two users, each with a certificate of a card, and one without.
directory() {
	systemctl stop slapd signin-slapd 2> /dev/null
	rm -rf /run/domain-ldap
	mkdir -p /run/domain-ldap/db
	{
		cat "$share/domain.ldif"
		entry 20001 dcard card
		entry 20002 dother other
		entry 20003 dpassword
	} > /run/domain-ldap/all.ldif
	slapadd -q -f "$share/slapd.conf" -l /run/domain-ldap/all.ldif || return
	systemd-run -q --collect --unit=signin-slapd slapd -d 0 -f "$share/slapd.conf" -h ldap://127.0.0.1/
	await 20 'busybox netstat -ltn | grep -q :389'
}

entry() { # UID NAME [PERSON]
	printf '\ndn: uid=%s,dc=signin,dc=test\nobjectClass: account\nobjectClass: posixAccount\n' "$2"
	printf 'uid: %s\ncn: %s\nuidNumber: %s\ngidNumber: 20000\nhomeDirectory: /home/%s\nloginShell: /bin/bash\n' "$2" "$2" "$1" "$2"
	[ -z "$3" ] || echo "description: CN=$3,OU=certificate 1,O=scpolicyd tests"
	install -d -m 0700 -o "$1" -g 20000 "/home/$2"
}

# The KDC's own certificate is of a CA of its own.
kdc() {
	systemctl stop krb5-kdc signin-kdc 2> /dev/null
	busybox hostname vm.signin.test
	cp "$share/krb5.conf" /etc/krb5.conf
	mkdir -p /run/domain-kdc
	(
		cd /run/domain-kdc || exit
		rm -f ./*
		openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=KDC CA' -keyout ca.key -out ca.pem &&
			openssl req -newkey rsa:2048 -nodes -subj '/CN=vm.signin.test' -keyout kdc.key -out kdc.csr &&
			openssl x509 -req -in kdc.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
				-extfile "$share/kdc-extensions" -extensions kdc -out kdc.pem
	) > /run/domain-kdc.log 2>&1 || return
	{
		kdb5_util create -s -r $realm -P master
		for name in dcard dother dpassword; do
			kadmin.local -q "addprinc -pw $name +requires_preauth $name"
		done
		kadmin.local -q "setstr dcard pkinit_cert_match <SUBJECT>CN=card"
		kadmin.local -q "setstr dother pkinit_cert_match <SUBJECT>CN=other"
		kadmin.local -q "addprinc -randkey host/vm.signin.test"
		rm -f /etc/krb5.keytab
		kadmin.local -q "ktadd host/vm.signin.test"
	} >> /run/domain-kdc.log 2>&1
	kdc_start
}

# try SERVICE ACCOUNT ANSWER...: prints the session's id.
try() {
	start_try "$@"
	signed_in "$account"
}

# try_until_authenticated SERVICE ACCOUNT ANSWER...: the session is not opened yet when this returns.
try_until_authenticated() {
	SIGNIN_PAUSE=1
	start_try "$@"
	await 120 "grep -q ^authenticated /run/signin-$account.out || ! systemctl is-active -q signin-$account"
	grep -q ^authenticated "/run/signin-$account.out"
}

# open_session ACCOUNT: prints the id.
open_session() {
	systemctl kill -s USR1 "signin-$1"
	await 60 "grep -q ^ready /run/signin-$1.out"
	sed -n s/^session=//p "/run/signin-$1.out"
}

start_try() {
	account=$2
	systemctl stop "signin-$account" 2> /dev/null || true
	service "signin-$account" ${SIGNIN_PAUSE:+env SIGNIN_PAUSE=1} signin "$@"
}

# ssh_in NAME ANSWERS [COMMAND]: account card signs in to the sshd here, and stays; prints the session's id.
ssh_in() {
	unit=signin-$1
	rm -f "/run/$unit.out"
	cat > "/run/$unit.sh" <<-END
		exec ssh -tt -o PreferredAuthentications=keyboard-interactive -o NumberOfPasswordPrompts=1 \\
			-o StrictHostKeyChecking=accept-new -b 192.0.2.1 card@192.0.2.1 'echo session=\$XDG_SESSION_ID; ${3:-exec sleep 1000}'
	END
	systemd-run -q --collect --unit="$unit" -p StandardInput=null -p StandardOutput=truncate:"/run/$unit.out" \
		-p StandardError=truncate:"/run/$unit.err" -E ANSWERS="$2" -E SSH_ASKPASS=/usr/local/bin/signin-askpass \
		-E SSH_ASKPASS_REQUIRE=force sh "/run/$unit.sh"
	await 120 "grep -q ^session= /run/$unit.out || ! systemctl is-active -q $unit"
	tr -d '\r' < "/run/$unit.out" | sed -n s/^session=//p
}

kdc_start() { # [VARIABLE=VALUE]
	systemd-run -q --collect --unit=signin-kdc ${1:+-E "$1"} krb5kdc -n
	await 20 'busybox netstat -ltn | grep -q :88'
}
kdc_stop() { systemctl stop signin-kdc; }
kdc_restart() {
	kdc_stop
	kdc_start
}
kdc_without_indicator() {
	kdc_stop
	mkdir -p /run/domain-plain
	sed /pkinit_indicator/d /etc/krb5kdc/kdc.conf > /run/domain-plain/kdc.conf
	kdc_start KRB5_KDC_PROFILE=/run/domain-plain/kdc.conf
}
