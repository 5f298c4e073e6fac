# SPDX-License-Identifier: GPL-2.0-or-later
package Machine;

# Machines that are directories, for scpolicyctl doctor --root: one that is well, and what a test changes on it.
use strict;
use warnings;
use Exporter 'import';
use File::Basename 'dirname';
use File::Path qw(make_path remove_tree);
use File::Temp 'tempdir';
use FindBin;
use JSON::PP;
use Test::More;

our @EXPORT = qw($top $ctl $root $common_auth start_machine slurp put drop debian reader record healthy doctor described
    finds finds_too finds_not at);

our $top = "$FindBin::Bin/../..";
our $ctl = -x "$top/build/san/scpolicyctl" ? "$top/build/san/scpolicyctl" : "$top/build/scpolicyctl";
our $root;
my $boot_id = '01234567-89ab-cdef-0123-456789abcdef';

# As the README has it: a card's way leads to our auth line, a password jumps over it.
our $common_auth = <<'X';
auth [success=2 default=ignore] pam_pkcs11.so
auth [success=2 default=ignore] pam_unix.so nullok try_first_pass
auth requisite pam_deny.so
auth optional pam_scpolicy.so
auth required pam_permit.so
X

sub slurp {
    my ($path) = @_;
    open(my $file, '<', $path) or die "$path: $!";
    local $/;
    return <$file>;
}

sub put {
    my ($path, $text, $mode) = @_;
    make_path(dirname("$root$path"));
    unlink "$root$path";
    open(my $file, '>', "$root$path") or die "$path: $!";
    print $file $text;
    close $file;
    chmod($mode // 0644, "$root$path") or die $!;
}

sub drop { unlink "$root$_[0]" or die "$_[0]: $!" }

# Debian's file, with lines added.
sub debian {
    my ($name, $more) = @_;
    return slurp("$FindBin::Bin/doctor/pam.d/$name") . ($more // '');
}

sub reader {
    my ($path, %field) = @_;
    put("/sys/bus/usb/devices/$path:1.0/bInterfaceClass", "0b\n");
    put("/sys/bus/usb/devices/$path:1.0/ep_81/type", $field{type} // "Interrupt\n");
    put("/sys/bus/usb/devices/$path:1.0/ep_81/direction", "in\n");
    put("/sys/bus/usb/devices/$path/idVendor", "08e6\n");
    put("/sys/bus/usb/devices/$path/idProduct", "4433\n");
    put("/sys/bus/usb/devices/$path/product", "Reader\n");
    put("/sys/bus/usb/devices/$path/serial", "$field{serial}\n") if $field{serial};
    put("/sys/bus/usb/devices/$path/dev", "189:$field{minor}\n");
    put("/run/udev/data/c189:$field{minor}", $field{tags} // "G:scpolicyd\nQ:scpolicyd\n");
}

sub record {
    my ($session, %field) = @_;
    my $mode = delete $field{mode} // 0600;
    my %all = (SESSION => $session, BOOT_ID => $boot_id =~ s/-//gr, UID => 1000, USER => 'anna', SERVICE => 'login',
        LEADER => 1, READER => 'Reader 00 00', SLOT => 0, COUNTER => 1, PCSC_SOCKET => '/run/pcscd/pcscd.comm', %field);
    put("/run/scpolicyd/sessions/$session", join('', map { "$_=$all{$_}\n" } sort keys %all), $mode);
}

# A machine on which nothing is wrong.
sub healthy {
    remove_tree($root, {keep_root => 1});
    put("/usr/libexec/scpolicyd/scpolicyd-$_", "#!/bin/true\n", 0755) for 'loader', 'pcsc-worker', 'pam-helper';
    put('/usr/sbin/scpolicyd', "#!/bin/true\n", 0755);
    put('/usr/lib/systemd/system/scpolicyd.service', "[Service]\n");
    put('/usr/lib/udev/rules.d/70-scpolicyd.rules', slurp("$top/udev-rules/70-scpolicyd.rules"));
    put('/usr/lib/security/pam_scpolicy.so', '');
    put("/etc/pam.d/$_", debian($_)) for 'login', 'sshd', 'common-account', 'common-password';
    put('/etc/pam.d/common-auth', $common_auth);
    put('/etc/pam.d/common-session', debian('common-session', "session optional pam_scpolicy.so\n"));
    put('/proc/sys/kernel/random/boot_id', "$boot_id\n");
    reader('1-1', minor => 1);
    record('5');
    chmod(0700, "$root/run/scpolicyd/sessions") or die $!;
    put('/run/systemd/sessions/5', "UID=1000\nUSER=anna\n");
}

# The exit status, and everything that is not "ok".
sub doctor {
    my $json = qx('$ctl' doctor --json --root='$root' 2>&1);
    my $status = $? >> 8;
    my $all = eval { decode_json($json) } or BAIL_OUT("no JSON: $json");
    return ($status, grep { $_->{severity} ne 'ok' } @{$all->{findings}});
}

sub described { return join ' ', map { "$_->{severity}:$_->{id}\@" . ($_->{where} // '') } @_ }

# Exactly this is found: "severity:id@where".
sub finds {
    my ($name, @expected) = @_;
    my ($status, @found) = doctor();
    is(described(@found), join(' ', @expected), $name);
    is($status, (grep { /^fault/ } @expected) ? 1 : 0, "$name: exit status");
    is(scalar(grep { !$_->{why} || !$_->{what} || !$_->{remedy} } @found), 0, "$name: with why and remedy");
}

# This is among it.
sub finds_too {
    my ($name, $expected) = @_;
    my ($status, @found) = doctor();
    is(scalar(grep { described($_) eq $expected } @found), 1, $name) or diag(described(@found));
}

# The line of a file in pam.d on which a pattern is.
sub at {
    my ($file, $pattern) = @_;
    my @lines = split /\n/, slurp("$root/etc/pam.d/$file");
    my ($line) = grep { $lines[$_ - 1] =~ $pattern } 1 .. @lines;
    return "/etc/pam.d/$file:$line";
}

# Nothing of this id is among it.
sub finds_not {
    my ($name, $id) = @_;
    my ($status, @found) = doctor();
    is(described(grep { $_->{id} =~ $id } @found), '', $name);
}

sub start_machine { $root = tempdir(CLEANUP => 1) }

1;
