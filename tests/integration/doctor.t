# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyctl doctor on machines that are directories: one that is well, and ones that are broken each in one way, most of
# them on Debian's own PAM stacks. What it finds wrong is named by its id and its place.
use strict;
use warnings;
use File::Path 'make_path';
use FindBin;
use JSON::PP;
use Test::More;

use lib "$FindBin::Bin/doctor";
use Machine;

plan(skip_all => 'needs root') if $> != 0;

start_machine();

healthy();
finds('a healthy machine');
like(scalar(qx('$ctl' doctor --root='$root')), qr/^ok +PAM service login, sshd: a sign-in with a card is recorded$/m,
    'which it says in words too');

# ---- PAM: Debian's stacks, as they come and as people change them ----

put('/etc/pam.d/common-session', debian('common-session'));
finds('the session line is missing', 'fault:pam-session-missing@' . at('common-session', qr/^session.*pam_systemd/));

put('/etc/pam.d/common-session', "session optional pam_scpolicy.so\n" . debian('common-session'));
finds('the session line comes too early', 'fault:pam-session-order@/etc/pam.d/common-session:1');

put('/etc/pam.d/common-session', "session [success=1 default=ignore] pam_foo.so\nsession optional pam_skipped.so\n"
    . "session optional pam_systemd.so\nsession sufficient pam_unix.so\nsession optional pam_scpolicy.so\n");
finds('the session line is not reached', 'fault:pam-session-skipped@/etc/pam.d/common-session:4');

healthy();
put('/etc/pam.d/common-auth', $common_auth =~ s/\[success=2 default=ignore\] pam_pkcs11/sufficient pam_pkcs11/r);
finds('pam_pkcs11 ends the stack: the label still tells', 'warning:pam-auth-skipped@/etc/pam.d/common-auth:1');
put('/etc/pam.d/common-auth', $common_auth =~ s/\[success=2 default=ignore\] pam_pkcs11/sufficient pam_p11/r);
finds('pam_p11 ends the stack: nothing tells', 'fault:pam-auth-skipped@/etc/pam.d/common-auth:1');
put('/etc/pam.d/common-auth', $common_auth =~ s/success=2 (.*pam_pkcs11)/success=3 $1/r);
finds('the jump is one too far', 'warning:pam-auth-skipped@/etc/pam.d/common-auth:1');
put('/etc/pam.d/common-auth', $common_auth =~ s/success=2 (.*pam_unix)/success=1 $1/r);
finds('a password gets there too', 'warning:pam-auth-password@/etc/pam.d/common-auth:4');
put('/etc/pam.d/common-auth', "auth optional pam_scpolicy.so\n" . $common_auth =~ s/^.*pam_scpolicy.*\n//mr);
finds('the auth line comes first', 'warning:pam-auth-order@/etc/pam.d/common-auth:1');
put('/etc/pam.d/common-auth', $common_auth =~ s/^.*pam_scpolicy.*\n//mr =~ s/pkcs11/p11/r);
finds('no auth line, and nothing else tells', 'fault:pam-auth-missing@/etc/pam.d/common-auth:1');
put('/etc/pam.d/common-auth', $common_auth =~ s/pam_scpolicy.so/pam_scpolicy.so token/r =~ s/pkcs11/p11/r);
finds('it waits for a label that nobody tells', 'fault:pam-auth-token@/etc/pam.d/common-auth:4');
put('/etc/pam.d/common-auth', "auth [success=2 default=ignore] pam_pkcs11.so\n" . debian('common-auth'));
finds("Debian's profile without an auth line", 'note:pam-auth-missing@/etc/pam.d/common-auth:1');
put('/etc/pam.d/common-auth', "auth [success=1 default=ignore] pam_pkcs11.so\n" . debian('common-auth'));
finds('its jump leads to pam_deny', 'warning:pam-card-refused@/etc/pam.d/common-auth:1');
put('/etc/pam.d/common-auth', "auth [success=2 default=ignore] pam_pkcs11.so\n"
    . debian('common-auth', "auth optional pam_scpolicy.so token\n"));
finds("with our own profile's");

healthy();
put('/etc/pam.d/common-auth', debian('common-auth'));
put("/etc/pam.d/$_", debian($_)) for 'gdm-password', 'gdm-smartcard-pkcs11-exclusive';
make_path("$root/etc/alternatives");
symlink('/etc/alternatives/gdm-smartcard', "$root/etc/pam.d/gdm-smartcard") or die $!;
symlink('/etc/pam.d/gdm-smartcard-pkcs11-exclusive', "$root/etc/alternatives/gdm-smartcard") or die $!;
finds("GDM's stack for pam_pkcs11", 'note:pam-auth-missing@' . at('gdm-smartcard-pkcs11-exclusive', qr/pam_pkcs11/)
    =~ s/-pkcs11-exclusive//r);
put('/etc/pam.d/gdm-smartcard',
    debian('gdm-smartcard-sssd-exclusive') =~ s/^(.*require_cert_auth\n)/$1auth optional pam_scpolicy.so\n/mr);
finds("GDM's for SSSD, with our line");
put('/etc/pam.d/gdm-smartcard',
    debian('gdm-smartcard-sssd-or-password') =~ s/^(auth.*pam_nologin.*\n)/auth optional pam_scpolicy.so\n$1/mr);
finds("GDM's for either: its jump leads past the substack and our line, the password does not",
    'warning:pam-auth-password@' . at('gdm-smartcard', qr/pam_scpolicy/),
    'warning:pam-auth-skipped@' . at('gdm-smartcard', qr/try_cert_auth/));

healthy();
put('/etc/sssd/sssd.conf', "[pam]\npam_cert_auth = True\n", 0600);
put('/etc/pam.d/common-auth', "auth sufficient pam_sss.so\nauth required pam_deny.so\n");
finds('pam_sss takes cards everywhere', 'fault:pam-auth-missing@/etc/pam.d/common-auth:1');
put('/etc/sssd/sssd.conf', "[pam]\n#pam_cert_auth = True\n[x]\npam_cert_auth = True\n", 0600);
finds('it does not', 'warning:pam-no-card@/etc/pam.d');

healthy();
drop('/usr/lib/security/pam_scpolicy.so');
finds('the module is missing', 'fault:program-missing@pam_scpolicy.so', 'fault:pam-module-missing@/etc/pam.d/common-auth:4',
    'fault:pam-module-missing@' . at('common-session', qr/pam_scpolicy/));

# ---- what nobody should have written ----

healthy();
put('/etc/pam.d/odd', "auth required pam_pkcs11.so\n\@include odd\n");
finds_too('files that include themselves', 'fault:pam-syntax@/etc/pam.d/odd:2');
put('/etc/pam.d/odd', "auth required pam_pkcs11.so\nauth [success=nonsense] pam_x.so\nsession");
finds_too('a control value that is none', 'fault:pam-syntax@/etc/pam.d/odd:2');
put('/etc/pam.d/odd', "auth required pam_pkcs11.so\n# a comment \\\nauth include nowhere \\\n # not here\n");
finds_too('a comment ends with its line', 'fault:pam-syntax@/etc/pam.d/odd:3');
put('/etc/pam.d/odd', "auth required pam_pkcs11.so\nauth include nowhere\n");
finds_too('a file that is not there', 'fault:pam-syntax@/etc/pam.d/odd:2');
drop('/etc/pam.d/odd');
symlink('/etc/passwd', "$root/etc/pam.d/outside") or die $!;
symlink('../../../../../../../../etc/passwd', "$root/etc/pam.d/above") or die $!;
finds('links lead nowhere outside');
drop("/etc/pam.d/$_") for 'outside', 'above';
put('/etc/pam.d/huge', '');
truncate("$root/etc/pam.d/huge", 1 << 30) or die $!;
system('mkfifo', "$root/etc/pam.d/fifo");
make_path("$root/etc/pam.d/folder");
my (undef, @found) = doctor();
is(scalar(grep { $_->{id} eq 'not-looked-at' } @found), 3, 'a huge file, a pipe and a directory are not looked at');

# ---- the rest of the machine ----

healthy();
make_path("$root/etc/systemd/system");
symlink('/dev/null', "$root/etc/systemd/system/scpolicyd.service") or die $!;
finds('the service is masked', 'fault:service-masked@/etc/systemd/system/scpolicyd.service');

healthy();
drop('/usr/lib/udev/rules.d/70-scpolicyd.rules');
finds('no udev rules', 'fault:udev-rules-missing@70-scpolicyd.rules');
healthy();
put('/etc/udev/rules.d/70-scpolicyd.rules', '');
finds('udev rules turned off', 'fault:udev-rules-missing@/etc/udev/rules.d/70-scpolicyd.rules');
healthy();
drop('/usr/libexec/scpolicyd/scpolicyd-pcsc-worker');
finds('no worker', 'fault:program-missing@/usr/libexec/scpolicyd/scpolicyd-pcsc-worker');
healthy();
drop('/usr/libexec/scpolicyd/scpolicyd-loader');
finds('no loader', 'fault:program-missing@/usr/libexec/scpolicyd/scpolicyd-loader');
healthy();
put('/usr/lib/systemd/system/scpolicyd-remote.service', "[Service]\n");
finds('its unit without the program', 'fault:program-missing@/usr/libexec/scpolicyd/scpolicyd-remote');
healthy();
put('/usr/lib/systemd/system/scpolicyd-connect@.service', "[Service]\n");
finds('of the connector, too', 'fault:program-missing@/usr/libexec/scpolicyd/scpolicyd-connect');
healthy();
drop('/usr/sbin/scpolicyd');
finds('no daemon', 'fault:program-missing@/usr/sbin/scpolicyd');
drop("/usr/libexec/scpolicyd/scpolicyd-$_") for 'loader', 'pcsc-worker', 'pam-helper';
drop('/usr/lib/security/pam_scpolicy.so');
finds_too('nothing is installed: one finding', 'fault:program-missing@');

# ---- SELinux ----

healthy();
my $denial = 'type=AVC msg=audit(1700000000.123:45): avc:  denied  { write } for  pid=7 comm="scpolicyd-pam-h" '
    . "name=\"sessions\" scontext=system_u:system_r:sshd_t:s0 tcontext=system_u:object_r:var_run_t:s0 tclass=dir permissive=0\n";
my $modules = '/var/lib/selinux/targeted/active/modules/200';
put('/sys/fs/selinux/enforce', '1');
put('/etc/selinux/config', "# of RHEL\nSELINUX=enforcing\nSELINUXTYPE=targeted\n");
put("$modules/other/hll", '');
finds('SELinux enforces, and our module is missing', 'warning:selinux-module-missing@');
put('/var/log/audit/audit.log', ('type=AVC avc: denied { read } comm="other"' . "\n") x 20000 . $denial);
finds('and something was denied', 'warning:selinux-module-missing@', 'fault:selinux-denied@');
put("$modules/scpolicyd/hll", '');
finds('denied in spite of the module', 'fault:selinux-denied@');
put('/sys/fs/selinux/enforce', '0');
finds('it would be denied', 'note:selinux-denied@');
drop('/sys/fs/selinux/enforce');
finds('of a machine that does not run, the configuration counts', 'fault:selinux-denied@');
drop('/var/log/audit/audit.log');
finds('nothing denied');
like(scalar(qx('$ctl' doctor --root='$root')), qr/^ok +SELinux is enforcing, with scpolicyd's policy module$/m,
    'which it says in words too');
drop('/etc/selinux/config');

healthy();
put('/etc/scpolicyd.conf', "[Policy]\nAction=none\n");
finds('policy is to do nothing', 'fault:action-none@/etc/scpolicyd.conf:2');
put('/etc/scpolicyd.conf.d/50-lock.conf', "[Rule all]\nAction=lock\n");
finds('but for a rule', 'warning:action-none@/etc/scpolicyd.conf:2');

# Source=gpo: what the domain says, or does not.
my $template = '/var/lib/sss/gpo_cache/example.org/Policies/{A}/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf';

sub set_group_policy {
    put($template, "[Registry Values]\nMACHINE\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\ScRemoveOption=1,\"$_[0]\"\n");
}

healthy();
put('/etc/scpolicyd.conf', "[Policy]\nSource=gpo\n");
finds('no group policy', 'warning:gpo-silent@');
set_group_policy(2);
finds('a group policy');
like(scalar(qx('$ctl' doctor --root='$root')), qr/^ok +Action=logout comes from the group policy\n +at: +\Q$template\E:2$/m, 'is named');
set_group_policy(0);
finds('it says to do nothing', "fault:action-none\@$template:2");
set_group_policy('x');
finds('it cannot be understood', 'warning:gpo-passed-over@', 'warning:gpo-silent@');

put('/etc/scpolicyd.conf', "[Policy]\n\nAction=explode\n");
finds('the configuration is wrong', 'fault:config@/etc/scpolicyd.conf:3');

# What locked before: found by its place; a comment, or a rule that does something else, is nothing.
healthy();
put('/etc/udev/rules.d/85-lock.rules', "# ACTION==\"remove\", RUN+=\"/usr/bin/loginctl lock-sessions\"\n"
    . "ACTION==\"remove\", ENV{ID_VENDOR_ID}==\"1050\", \\\n  RUN+=\"/usr/bin/loginctl lock-sessions\"\n"
    . "ACTION==\"add\", RUN+=\"/usr/bin/loginctl lock-sessions\"\nACTION==\"remove\", RUN+=\"/bin/true\"");
finds('a udev rule that locks', 'warning:old-udev-rule@/etc/udev/rules.d/85-lock.rules:2');
put('/etc/udev/rules.d/85-lock.rules', "ACTION==\"remove\", RUN+=\"/bin/su anna -c '/usr/local/bin/gone.sh now'\"\n");
put('/usr/local/bin/gone.sh', "#!/bin/sh\nflock --lock /run/x -c true\n");
finds('its script does something else');
put('/usr/local/bin/gone.sh', "#!/bin/sh\nDISPLAY=:0 xdg-screensaver lock\n");
finds('its script locks', 'warning:old-udev-rule@/etc/udev/rules.d/85-lock.rules:1');
drop("/$_") for 'etc/udev/rules.d/85-lock.rules', 'usr/local/bin/gone.sh';
put('/etc/xdg/autostart/eventmgr.desktop', "[Desktop Entry]\n#Exec=pkcs11_eventmgr\nExec=/usr/bin/pkcs11_eventmgr daemon\n");
finds('pkcs11_eventmgr', 'warning:old-eventmgr@/etc/xdg/autostart/eventmgr.desktop:3');

healthy();
record('7');
finds('a stale record', 'warning:record-stale@/run/scpolicyd/sessions/7');
drop('/run/scpolicyd/sessions/7');
record('5', BOOT_ID => 'f' x 32);
finds('a record of another boot', 'fault:record-refused@/run/scpolicyd/sessions/5');
record('5', mode => 0644);
finds('a record that all may read', 'fault:record-refused@/run/scpolicyd/sessions/5');
record('5');
chmod(0777, "$root/run/scpolicyd/sessions") or die $!;
finds('a directory that all may write to', 'fault:record-folder@/run/scpolicyd/sessions');

healthy();
put('/run/systemd/sessions/6', "# logind's\nUID=1001\nUSER=bert\n");
put('/sys/fs/cgroup/user.slice/user-1001.slice/session-6.scope/cgroup.procs', "41\n42\n");
put('/proc/42/environ', "HOME=/\0PKCS11_LOGIN_TOKEN_NAME=card\0X=");
finds('a card session without a record', 'fault:record-missing@session 6');
put('/proc/42/environ', "HOME=/\0XPKCS11_LOGIN_TOKEN_NAME=card\0");
finds('a password session without one');

my $bracketed = 'ACME 5422 [ACME 5422 Smartcard Reader] 00 00';
healthy();
record('5', READER => $bracketed);
put('/etc/scpolicyd.conf', "[Rule one]\nReader=\"$bracketed\"\nAction=lock\n");
put('/etc/pam.d/common-session', debian('common-session', 'session optional pam_scpolicy.so [reader=' . $bracketed =~ s/\]/\\]/r . "]\n"));
finds("a reader's whole name matches itself, brackets included");
put('/etc/scpolicyd.conf', "[Rule one]\nReader=\"$bracketed\" ACME*\n Other*\nAction=lock\n");
finds('a rule for a reader that was not seen', 'note:reader-unmatched@/etc/scpolicyd.conf:1');
put('/etc/scpolicyd.conf', '');
put('/etc/pam.d/common-session', debian('common-session', "session optional pam_scpolicy.so reader=Other*\n"));
finds('a PAM line for one', 'warning:reader-unmatched@' . at('common-session', qr/Other/));
drop('/run/scpolicyd/sessions/5');
finds('no reader was seen at all');

healthy();
reader('1-2', minor => 2);
finds('two readers alike', 'warning:readers-alike@1-2');
reader('1-2', minor => 2, serial => '17');
finds('told apart by the serial number');
healthy();
reader('1-1', minor => 1, type => "Bulk\n");
finds('a reader without an interrupt endpoint', 'note:reader-no-interrupt@1-1:1.0');
healthy();
reader('1-1', minor => 1, tags => "I:1\nG:systemd\n");
finds('a reader that udev has not marked', 'warning:reader-unmarked@1-1');

# The desktops' own actions: only where they do more than the policy.
my %desktop = (GNOME => 'org/gnome/settings-daemon/peripherals/smartcard',
    Cinnamon => 'org/cinnamon/settings-daemon/peripherals/smartcard', MATE => 'org/mate/desktop/peripherals/smartcard');
for my $name (sort keys %desktop) {
    my ($lock, $logout) = $name eq 'MATE' ? qw('lock_screen' 'force_logout') : qw('lock-screen' 'force-logout');
    my $file = '/etc/dconf/db/local.d/10-card';
    healthy();
    put($file, "[$desktop{$name}]\nremoval-action=$lock\n");
    finds("$name locks, as the policy does");
    put('/etc/scpolicyd.conf', "[Policy]\nAction=lock\n[Rule x]\nUser=anna\nAction=none\n");
    finds("$name locks, where a rule does nothing", "warning:gnome-doubles\@$file:2");
    put($file, "[$desktop{$name}]\n#removal-action=$logout\nremoval-actions=$logout\n removal-action = $logout \n");
    put('/etc/scpolicyd.conf', "[Policy]\nAction=lock\nThen=logout\nAfter=1min\n");
    finds("$name logs out at once, where the policy locks first", "warning:gnome-doubles\@$file:4");
    put('/etc/scpolicyd.conf', "[Policy]\nAction=logout\n");
    finds("$name logs out, as the policy does");
    put('/etc/scpolicyd.conf', '');
    put('/etc/dconf/db/local.d/20-card', "[$desktop{$name}]\nremoval-action='none'\n");
    finds("$name is told not to in a later file");
}
healthy();
put('/usr/share/glib-2.0/schemas/50_site.gschema.override',
    "[org.gnome.settings-daemon.peripherals.smartcard:GNOME]\nremoval-action='force-logout'\n");
finds("a schema's override", 'warning:gnome-doubles@/usr/share/glib-2.0/schemas/50_site.gschema.override:2');
put('/etc/dconf/db/distro.d/20-authselect', "[$desktop{GNOME}]\nremoval-action='lock-screen'\n");
finds('which dconf outweighs');

like(scalar(qx('$ctl' doctor --root='$root')), qr/^ok +there is no configuration file; Action=lock by default$/m,
    'what holds without a configuration');
is(described(@{decode_json(scalar(qx('$ctl' doctor --json --root=/nope)))->{findings}}), 'fault:root-missing@/nope', 'no such root');
like(scalar(qx(DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nope '$ctl' doctor)), qr/\A(?:(?!no system bus).)*there is no system bus here(?!.*system bus)/s,
    'no bus: said once');

done_testing();
