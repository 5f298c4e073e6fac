#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package, without a machine: it builds, lintian is content, and all that `make install` installs is in it.
use strict;
use warnings;
use File::Temp 'tempdir';
use FindBin;
use Test::More;

chdir "$FindBin::Bin/../.." or die $!;

my $before = qx(git status --porcelain 2>/dev/null);
is(system('scripts/package > /dev/null'), 0, 'it builds') or BAIL_OUT('no package');
is(qx(git status --porcelain 2>/dev/null), $before, 'and leaves the tree as it was');

my ($package) = glob 'build/scpolicyd_*.deb';
is(qx(lintian --allow-root --fail-on none --tag-display-limit 0 $package 2>&1), '', 'lintian has nothing to say');

my $root = tempdir(CLEANUP => 1);
is(system("make -s install DESTDIR='$root' PREFIX=/usr > /dev/null"), 0, 'the tree installs');
my %packaged = map { s{^\./}{}r => 1 } qx(dpkg-deb --fsys-tarfile $package | tar -t);
my @missing;
for my $path (qx(cd '$root' && find . ! -type d -printf '%P\n')) {
	push @missing, $path unless $packaged{$path} || $packaged{ $path =~ s/\n/.gz\n/r };
}
is(join('', @missing), '', 'and the package has all of it');
is(system("make -s uninstall DESTDIR='$root' PREFIX=/usr > /dev/null"), 0, 'the tree is taken away again');
is(qx(find '$root' ! -type d), '', 'all of it');
like(qx(dpkg-deb -f $package Depends), qr/\blibpam-runtime\b.*\bpcscd\b.*\blibbpf/, 'it asks for what it needs');

# A site's own policy as a package.
my $site = tempdir(CLEANUP => 1);
is(system("cp -r packaging/site-policy '$site/' && cd '$site/site-policy' && dpkg-buildpackage -us -uc -b > '$site/log' 2>&1"), 0,
	'the template of a policy package builds');
is(qx(lintian --allow-root --fail-on none --tag-display-limit 0 '$site'/site-scpolicyd-policy_1_all.deb 2>&1), '', 'lintian has nothing to say');
is(system("dpkg-deb -x '$site/site-scpolicyd-policy_1_all.deb' '$site/root'"), 0, 'it can be unpacked');
like(qx(build/scpolicyctl compliance --json --root='$site/root'), qr{"evidence": "[^"]*Action=lock \([^)]*/50-site\.conf:\d+\)},
	'scpolicyctl finds the policy there');
done_testing();
