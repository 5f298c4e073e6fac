#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# A room includes only from the floors below it, names the room it includes from, and no two files need each other.
use v5.36;
use autodie;
use FindBin;
use Test::More;

my %floors_below = (
    lib           => [],
    policy        => ['lib'],
    config        => [qw(lib policy)],
    sources       => [qw(lib policy config)],
    actions       => [qw(lib policy config)],
    bus           => [qw(lib policy config sources actions)],
    daemon        => [qw(lib policy config sources actions bus)],
    ctl           => [qw(lib policy config)],
    'pcsc-worker' => ['lib'],
    pam           => ['lib'],
    loader        => [qw(lib sources)],
    remote        => ['lib'],
    connect       => ['lib'],
    'reader-id'   => ['lib'],
);

chdir "$FindBin::Bin/../..";
my %needs;    # a file without its suffix => those whose headers it, or its header, includes
my (@upward, @nameless);

for my $path (glob 'user/*/*.[ch]') {
    my ($room, $file) = $path =~ m{\Auser/([^/]+)/(.+)\.[ch]\z};
    my %allowed = map { $_ => 1 } $room, @{ $floors_below{$room} };
    open my $source, '<', $path;
    while (my $line = <$source>) {
        my ($header) = $line =~ /\A#\s*include\s+"([^"]+)"/ or next;
        next if $header =~ m{\Abpf/|\.skel\.h\z};
        my ($from, $name) = $header =~ m{\A([^/]+)/([^/]+)\.h\z};
        push @nameless, "$path:$.: $header" and next if !$from;
        push @upward, "$path:$.: $header" if !$allowed{$from};
        $needs{"$room/$file"}{"$from/$name"} = 1 if "$from/$name" ne "$room/$file";
    }
}

# Walks from a file along what it needs; a file met twice on one way closes a circle.
my (%seen, @circles);
sub walk ($file, @way) {
    if (grep { $_ eq $file } @way) {
        shift @way while $way[0] ne $file;
        push @circles, join(' > ', @way, $file);
        return;
    }
    return if $seen{$file};
    walk($_, @way, $file) for sort keys %{ $needs{$file} // {} };
    $seen{$file} = 1;
}
walk($_) for sort keys %needs;

cmp_ok(scalar keys %needs, '>', 50, 'the sources are read');
is("@nameless", '', 'every include names its room');
is("@upward",   '', 'no include from a floor above');
is(join('; ', @circles), '', 'no two files need each other');

my %cases;
$cases{$_}++ for map { m{/(\d+)-} } glob 'tests/vm/*.t';
is(join(' ', grep { $cases{$_} > 1 } sort keys %cases), '', 'no two VM cases have one number');
done_testing;
