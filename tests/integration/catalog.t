# SPDX-License-Identifier: GPL-2.0-or-later
# The journal's catalog has an entry for every MESSAGE_ID of the code and for no other, each says what happened, why
# and what to do, and systemd's own reader takes the whole file.
use strict;
use warnings;
use File::Copy 'copy';
use File::Path 'make_path';
use File::Temp 'tempdir';
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $catalog = "$top/user/data/scpolicyd.catalog";

sub slurp {
    my ($path) = @_;
    open(my $file, '<', $path) or die "$path: $!";
    local $/;
    return <$file>;
}

my $code = join '', map { slurp($_) } glob("$top/user/actions/*.c $top/user/bus/*.c $top/user/config/*.c $top/user/daemon/*.c $top/user/pam/*.c");
my %in_code = map { $_ => 1 } $code =~ /"([0-9a-f]{32})"/g;
my %field_in_code = map { $_ => 1 } $code =~ /SCPOLICY_([A-Z_]+)=?/g, $code =~ /"([A-Z_]+)"/g;
my %entry = map { /\A([0-9a-f]{32})\n(.*)\z/s ? ($1, $2) : die "not an entry: $_" }
    grep { !/\A\s*(#.*\n|\s*\n)*\z/ } split /^-- /m, slurp($catalog);

is_deeply([sort keys %entry], [sort keys %in_code], 'each MESSAGE_ID has an entry, each entry a MESSAGE_ID');
for my $id (sort keys %entry) {
    my ($header, @body) = split /\n\n/, $entry{$id};
    like($header, qr/\ASubject: .+\nDefined-By: scpolicyd\n(Documentation: man:\S+\n?)+\z/, "$id has its headers");
    cmp_ok(scalar @body, '>=', 1, "$id says more than its subject");
    my @unknown = grep { !$field_in_code{ s/^SCPOLICY_//r } } $entry{$id} =~ /@([A-Z_]+)@/g;
    is("@unknown", '', "$id names only fields that there are");
}

my $root = tempdir(CLEANUP => 1);
make_path("$root/usr/lib/systemd/catalog", "$root/var/lib/systemd/catalog");
copy($catalog, "$root/usr/lib/systemd/catalog/") or die $!;
my $said = qx(journalctl --update-catalog --root='$root' 2>&1);
is("$?$said", '0', 'journalctl takes the catalog without a word');
my $dump = qx(journalctl --dump-catalog --root='$root' 2>&1);
for my $id (sort keys %entry) {
    like($dump, qr/^-- \Q$id\E\n\Q$entry{$id}\E/m, "$id is read back whole");
}
done_testing();
