# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyctl doctor on the PAM stacks and SSSD configurations that people have: Fedora's, SUSE's, Arch's, GDM's; and on
# files that nobody should have written. tests/unit/test_pam_oracle.c holds the walk itself against libpam.
use strict;
use warnings;
use FindBin;
use Test::More;

use lib "$FindBin::Bin/doctor";
use Machine;

plan(skip_all => 'needs root') if $> != 0;
start_machine();

my $sssd = '/etc/sssd/sssd.conf';
my $cards = "[pam]\npam_cert_auth = True\n";

# A machine that is well, but for PAM: nothing of Debian's is there.
sub bare {
    my (%file) = @_;
    healthy();
    drop($_) for map { s/^\Q$root\E//r } glob("$root/etc/pam.d/*");
    put($_, $file{$_}) for keys %file;
}

# The finding's text, as people read it.
sub says {
    my ($name, $expected) = @_;
    like(scalar(qx('$ctl' doctor --root='$root')), $expected, $name);
}

my $our_session = "session required pam_systemd.so\nsession optional pam_scpolicy.so\n";

# ---- SSSD: which services take a card ----

my $sss_login = "auth sufficient pam_unix.so\nauth sufficient pam_sss.so forward_pass\nauth required pam_deny.so\n"
    . "session optional pam_systemd.so\n";

bare($sssd => $cards, map { ("/etc/pam.d/$_" => $sss_login) } qw(cockpit remote sshd));
finds('services in which SSSD takes no cards', 'warning:pam-no-card@/etc/pam.d');
put($sssd, "${cards}pam_p11_allowed_services = +cockpit, -login\n");
finds('one that is added', 'fault:pam-session-missing@/etc/pam.d/cockpit:4', 'fault:pam-auth-missing@/etc/pam.d/cockpit:2');
put($sssd, "${cards}pam_p11_allowed_services = +cockpit, -cockpit\n");
finds('one that is added and removed', 'warning:pam-no-card@/etc/pam.d');
put($sssd, "${cards}pam_p11_allowed_services = cockpit\n");
finds('a name without a sign: SSSD takes no list', 'warning:pam-no-card@/etc/pam.d');
put('/etc/pam.d/sshd', $sss_login =~ s/forward_pass/require_cert_auth/r);
put($sssd, $cards);
finds('a service that is not allowed, and asks for nothing but cards', 'warning:pam-no-card@/etc/pam.d');
bare($sssd => $cards, '/etc/pam.d/login' => $sss_login);
finds('login is allowed', 'fault:pam-session-missing@/etc/pam.d/login:4', 'fault:pam-auth-missing@/etc/pam.d/login:2');
put($sssd, "${cards}pam_p11_allowed_services = -login\n");
finds('unless it is removed', 'warning:pam-no-card@/etc/pam.d');

my $smartcard = "auth required pam_sss.so allow_missing_name\nsession required pam_systemd.so\n";
my @gdm = ('fault:pam-session-missing@/etc/pam.d/gdm-smartcard:2', 'note:pam-auth-missing@/etc/pam.d/gdm-smartcard:1');

bare('/etc/pam.d/gdm-smartcard' => $smartcard, $sssd => "[sssd]\nservices = nss, pam\n",
    '/etc/sssd/conf.d/90-cards.conf' => $cards);
finds('cards are turned on in conf.d', @gdm);
put('/etc/sssd/conf.d/95-none.conf', "[pam]\npam_cert_auth = false\n");
finds('and off in a later file', 'warning:pam-no-card@/etc/pam.d');
rename("$root/etc/sssd/conf.d/95-none.conf", "$root/etc/sssd/conf.d/.95-none.conf") or die $!;
finds('a hidden file does not count', @gdm);
put('/etc/sssd/conf.d/96-none.conf.bak', "[pam]\npam_cert_auth = false\n");
put('/etc/sssd/conf.d/80-none.conf', "[pam]\npam_cert_auth = false\n");
finds('nor one of another name, nor an earlier one', @gdm);
put($sssd, "[pam]\npam_cert_auth = false\n");
finds('nor sssd.conf against conf.d', @gdm);
drop('/etc/sssd/conf.d/90-cards.conf');
put($sssd, "# [pam]\n; [pam]\n [ PAM ] \n PAM_CERT_AUTH=TRUE\n[nss]\npam_cert_auth = false\n");
drop('/etc/sssd/conf.d/80-none.conf');
finds('its grammar: case, blanks, comments', @gdm);
put($sssd, "[pam]\npam_cert_auth = false\n[nss]\nx = y\n[pam]\npam_cert_auth = True\n");
finds('a section that is there twice: joined, and one message', "warning:sssd-config\@$sssd:5", @gdm);
put($sssd, "[pam]\npam_cert_auth = perhaps\nnonsense\n");
finds('a value that is none: the first message', "warning:sssd-config\@$sssd:2", 'warning:pam-no-card@/etc/pam.d');
put($sssd, "[pam]\0\n$cards");
finds_too('a binary file', 'note:not-looked-at@');

# ---- a card or a password by the same line ----

my $switchable = "auth required pam_env.so\nauth sufficient pam_unix.so\nauth sufficient pam_sss.so\nauth required pam_deny.so\n";
bare($sssd => $cards, '/etc/pam.d/switchable-auth' => $switchable, '/etc/pam.d/gdm-switchable-auth' =>
    "auth substack switchable-auth\nauth optional pam_scpolicy.so\n$our_session");
finds('one line for card and password', 'warning:pam-auth-shared@/etc/pam.d/gdm-switchable-auth:2');
put('/etc/pam.d/gdm-switchable-auth', "auth substack switchable-auth\nauth optional pam_scpolicy.so token\n$our_session");
finds("the same, and nobody tells", "fault:pam-auth-shared@/etc/pam.d/gdm-switchable-auth:2");
put('/etc/pam.d/gdm-switchable-auth', "auth substack switchable-auth\nauth optional pam_scpolicy.so proof=pkinit\n$our_session");
finds("the same, and the KDC tells", "note:pam-auth-proof@/etc/pam.d/gdm-switchable-auth:2");
put('/etc/pam.d/gdm-switchable-auth', "auth optional pam_sss.so\nauth required pam_unix.so\nauth optional pam_scpolicy.so\n$our_session");
finds('a card that is not asked for', 'warning:pam-auth-shared@/etc/pam.d/gdm-switchable-auth:3');
bare('/etc/pam.d/login' => "auth required pam_unix.so\nauth optional pam_scpolicy.so\n$our_session");
finds('no card module at all: every password is recorded as a card', 'warning:pam-no-card@/etc/pam.d',
    'warning:pam-auth-password@/etc/pam.d/login:2');

# ---- what modules return ----

my $i3lock = <<'X';
auth [success=ok authinfo_unavail=1 ignore=1 default=die] pam_pkcs11.so
auth [success=1 default=ignore] pam_permit.so
auth required pam_unix.so
auth optional pam_scpolicy.so
X
bare('/etc/pam.d/lightdm' => $i3lock . $our_session);
finds('without a card it goes on to the password, and to our line', 'warning:pam-auth-password@/etc/pam.d/lightdm:4');
bare('/etc/pam.d/lightdm' => $i3lock =~ s/authinfo_unavail=1 ignore=1/user_unknown=1/r . $our_session);
finds('so it does where the user is not known', 'warning:pam-auth-password@/etc/pam.d/lightdm:4');
bare('/etc/pam.d/lightdm' => $i3lock =~ s/authinfo_unavail=1 ignore=1/ignore=1/r . $our_session);
finds('or the module ignores', 'warning:pam-auth-password@/etc/pam.d/lightdm:4');
bare('/etc/pam.d/lightdm' => $i3lock =~ s/authinfo_unavail=1 ignore=1 //r . $our_session);
finds('without a card nobody is let in');
bare('/etc/pam.d/lightdm' => "auth required pam_pkcs11.so\nauth required pam_unix.so\nauth optional pam_scpolicy.so\n$our_session");
finds('a card and a password');
bare('/etc/pam.d/lightdm' => "auth required pam_p11.so\nauth sufficient pam_unix.so\nauth optional pam_scpolicy.so\n$our_session");
finds('a password after the card ends the stack', 'warning:pam-auth-partly@/etc/pam.d/lightdm:2');

bare($sssd => $cards, '/etc/pam.d/gdm-password' => "auth required pam_deny.so\nauth sufficient pam_sss.so\n$our_session",
    '/etc/pam.d/login' => "auth required pam_p11.so\nauth optional pam_scpolicy.so\n$our_session");
finds('a service that refuses everybody');
put('/etc/pam.d/login', "auth [success=1 default=ignore] pam_p11.so\nauth sufficient pam_unix.so\nauth required pam_deny.so\n$our_session");
finds('a card that leads to nothing', 'warning:pam-card-refused@/etc/pam.d/login:1');

# ---- what the service's name decides ----

my $crond = "auth required pam_pkcs11.so\nauth optional pam_scpolicy.so\nsession optional pam_systemd.so\n"
    . "session [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid\n"
    . "session optional pam_scpolicy.so\nsession required pam_unix.so\n";
bare('/etc/pam.d/login' => $crond);
finds('a jump for cron alone');
for my $condition ('service in crond:login', 'service = login', 'service !~ gdm*', 'service notin crond:gdm quiet') {
    put('/etc/pam.d/login', $crond =~ s/service in crond/$condition/r);
    finds("a jump for $condition", 'fault:pam-session-skipped@/etc/pam.d/login:4');
}
put('/etc/pam.d/login', $crond =~ s/service in crond/service in crond:login user = root/r);
finds('a jump for a user', 'warning:pam-session-partly@/etc/pam.d/login:4');
put('/etc/pam.d/login', $crond =~ s/pam_succeed_if.so .*/pam_localuser.so/r);
finds('a jump for local users', 'warning:pam-session-partly@/etc/pam.d/login:4');

# ---- parts and services ----

my $part = "auth sufficient pam_sss.so allow_missing_name\nauth required pam_deny.so\nsession optional pam_systemd.so\n";
bare($sssd => $cards, map { ("/etc/pam.d/$_" => $part) } qw(smartcard-auth password-auth system-auth postlogin));
finds('parts that nothing includes', 'warning:pam-no-card@/etc/pam.d');
my $pkcs11 = "auth required pam_pkcs11.so\nsession required pam_systemd.so\n";
bare('/etc/pam.d/cosmic-greeter' => $pkcs11, '/etc/pam.d/sddm-greeter' => "auth required pam_permit.so\nsession required pam_systemd.so\n");
finds('a greeter that opens the session of a person, and one of its own',
    'fault:pam-session-missing@/etc/pam.d/cosmic-greeter:2', 'note:pam-auth-missing@/etc/pam.d/cosmic-greeter:1');
bare('/etc/pam.d/login' => $pkcs11, '/etc/pam.d/greetd' => "auth include login\nsession include login\n");
says('a service that another includes', qr/PAM service greetd, login: no session line/);
bare('/etc/pam.d/swaylock' => "auth required pam_pkcs11.so\n", '/etc/pam.d/mylock' => "auth required pam_p11.so\naccount required pam_unix.so\n");
finds('what opens no session');
bare(map { ("/etc/pam.d/$_" => $pkcs11) } 'login.rpmnew', 'sshd.dpkg-old', 'Login', 'login~');
finds('copies, and names that libpam never asks for', 'warning:pam-no-card@/etc/pam.d');

my $u2f = $common_auth . "account required pam_unix.so\nsession required pam_unix.so\n$our_session";
for my $module (qw(pam_u2f pam_usb pam_pivcard pam_yubico pam_anything)) {
    bare('/etc/pam.d/login' => $u2f =~ s/pam_pkcs11/$module/r);
    finds("pam_scpolicy(8)'s stack with $module");
}
bare('/etc/pam.d/login' => "auth sufficient pam_u2f.so\nauth required pam_unix.so\n$our_session");
finds('a module that need not be for cards, and no line of ours', 'warning:pam-no-card@/etc/pam.d');

# ---- directories ----

for my $directory (qw(/usr/lib/pam.d /usr/etc/pam.d /usr/share/pam.d)) {
    bare("$directory/sddm" => $pkcs11, '/etc/pam.d/common-auth' => '');
    finds("a service in $directory", "fault:pam-session-missing\@$directory/sddm:2", "note:pam-auth-missing\@$directory/sddm:1");
    put('/etc/pam.d/sddm', "auth required pam_unix.so\n");
    finds("hidden by /etc's", 'warning:pam-no-card@/etc/pam.d');
    bare("$directory/site-extra" => "session optional pam_umask.so\n",
        '/etc/pam.d/login' => "auth required pam_pkcs11.so\nauth optional pam_scpolicy.so\n${our_session}session include site-extra\n");
    finds("a part in $directory");
}

# ---- remedies: the machine's own tool ----

my $fedora = "auth required pam_pkcs11.so\nauth optional pam_scpolicy.so\n";
bare('/etc/pam.d/system-auth' => $fedora . "session optional pam_systemd.so\n",
    '/etc/pam.d/login' => "auth include system-auth\nsession include system-auth\n",
    '/etc/authselect/authselect.conf' => "sssd\nwith-smartcard\nwith-faillock\n");
says('authselect', qr{authselect create-profile scpolicyd --base-on=sssd, change the line in /etc/authselect/custom/scpolicyd/system-auth, then: authselect select custom/scpolicyd with-smartcard with-faillock$}m);
put('/etc/authselect/authselect.conf', "custom/mine\nwith-smartcard\n");
says("authselect with one's own profile", qr{change the line in /etc/authselect/custom/mine/system-auth, then: authselect apply-changes$}m);
healthy();
put('/etc/pam.d/common-session', debian('common-session'));
put('/usr/share/pam-configs/scpolicyd', '');
says('pam-auth-update', qr/pam-auth-update --enable scpolicyd$/m);
bare('/etc/pam.d/common-session' => "# This file is autogenerated by pam-config.\nsession required pam_systemd.so\n",
    '/usr/lib/pam.d/sddm' => "auth required pam_pkcs11.so\nsession include common-session\n");
says('pam-config', qr{pam-config writes this file: change the file of the service instead, in /etc/pam.d, where it includes common-session});
bare('/usr/lib/pam.d/sddm' => $pkcs11);
says("a vendor's file", qr{copy it to /etc/pam.d/sddm first});

# ---- files that nobody should have written ----

my $good = "auth required pam_pkcs11.so\nauth optional pam_scpolicy.so\n$our_session";
sub beside {
    my ($name, $text, @expected) = @_;
    bare('/etc/pam.d/login' => $good =~ s/pam_systemd.so/pam_limits.so/r, '/etc/pam.d/odd' => "auth required pam_pkcs11.so\n$text");
    finds($name, 'fault:pam-no-systemd@/etc/pam.d/login:4', @expected);
}

for my $way ('auth include odd', 'auth substack odd', '@include odd') {
    beside("a loop: $way", "$way\n", 'fault:pam-syntax@/etc/pam.d/odd:2');
}
beside('two loops in one', "auth include odd\nauth include odd\n", 'fault:pam-syntax@/etc/pam.d/odd:2');
beside('an include that is missing', "auth include nowhere\n", 'fault:pam-syntax@/etc/pam.d/odd:2');
beside('a line to be continued at the end', "auth optional pam_env.so \\\n", 'fault:pam-syntax@/etc/pam.d/odd:2');
beside('a carriage return', "auth optional pam_env.so\r\n", 'fault:pam-syntax@/etc/pam.d/odd:2');
beside('10,000 lines', "auth optional pam_env.so\n" x 10_000);
beside('100,000 lines', "auth optional pam_env.so\n" x 100_000, 'fault:pam-syntax@/etc/pam.d/odd:1');
bare('/etc/pam.d/login' => $good, '/etc/pam.d/odd' => "auth include login\nauth include binary\n" . 'session include login',
    '/etc/pam.d/binary' => "auth required pam_env.so\n\0\1\2");
finds_too('an include that is binary', 'fault:pam-syntax@/etc/pam.d/odd:2');
says('says so', qr/PAM service odd: the file that it includes is no text/);
bare('/etc/pam.d/login' => $good, '/etc/pam.d/plain' => "auth include nowhere\nauth required pam_unix.so\n");
finds('a broken service without cards', 'note:pam-syntax@/etc/pam.d/plain:1');
bare('/etc/pam.d/common-auth' => "auth include common-auth\nauth required pam_pkcs11.so\n",
    map { ("/etc/pam.d/$_" => "\@include common-auth\n$our_session") } qw(login sshd gdm-password));
says('three services with one broken part: one message', qr/PAM service gdm-password, login, sshd: files include each other without end/);

done_testing();
