# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon's login records: whichever allocation fails while one is read, its session is governed soon after.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;

write_file('/run/no-memory', pack('L', 0));

start_bus();
my $logind = start_logind();
start_pcscd();
insert(35963);
my $daemon;
sub restart {
    count_down(0);
    local $ENV{LD_PRELOAD} = tool('no-memory-preload.so');
    local $ENV{NO_MEMORY} = '/run/no-memory';
    $daemon = start_daemon("$FindBin::Bin/../../build");
}

sub governed { return $daemon->wait_for(qr/session $_[0] of user card is governed/, $_[1]) }

# Signs in with the nth allocation failing. False: the session is not governed.
sub sign_in {
    my ($id, $nth) = @_;
    session($id, Type => 'wayland', Unheard => 'yes');
    count_down($nth);
    record($id);
    return governed($id, 3);
}

# From some allocation on it is the loop's or the bus's, without which a daemon ends: systemd starts another.
restart();
my $most = 1;
$most++ while $most < 100 && sign_in("s$most", $most);
cmp_ok($most, '>', 15, "$most allocations, the last of which ended the daemon");
restart();
ok(governed("s$most", 5), 'the next daemon governs that session, too') or diag($daemon->transcript(20));

my @ids = map { "t$_" } 1 .. $most - 4;
for my $nth (1 .. @ids) {
    ok(sign_in("t$nth", $nth), "t$nth is governed") or diag($daemon->transcript(5));
    count_down() and fail("allocation $nth did not happen");
}
ok(sign_in('last', 0), 'another session');
sub is_read { return $daemon->transcript !~ /memory(?!.*every login record was read again)/s }
my $until = time + 20;
select(undef, undef, undef, 0.05) until is_read() || time > $until;
ok(is_read(), 'what there was no memory for is done');
pull(35963);
my %locked;
while (my $line = $logind->wait_briefly(qr/^LockSession /, 5)) {
    $locked{$1} = 1 if $line =~ /^LockSession (\S+)/;
    last if !grep { !$locked{$_} } @ids, 'last';
}
is(join(' ', grep { !$locked{$_} } @ids, 'last'), '', 'every session is locked when the card is pulled')
    or diag($daemon->transcript(40));

done_testing();
