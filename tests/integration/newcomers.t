# SPDX-License-Identifier: GPL-2.0-or-later
# A rule says that remote sessions have to show a card: each gets a login record, whichever allocation fails when the daemon
# hears of it. Not the sanitized build: its allocator lets nobody come between.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use POSIX ();
use Stage;
use Test::More;

my $MOST = 12;
write_file('/run/no-memory', pack('L', 0));
own('/etc');
write_file('/etc/scpolicyd.conf', "[Remote]\nPcsc=none\n[Rule required]\nCause=no-card\nCardWithin=1h\nAction=logout\n");
start_bus();
start_logind();
start_journal();
my ($daemon, $again) = (undef, 0);

sub begin_daemon {
    count_down(0);
    local $ENV{LD_PRELOAD} = tool('no-memory-preload.so');
    local $ENV{NO_MEMORY} = '/run/no-memory';
    $daemon = start_daemon("$FindBin::Bin/../../build");
}

# Without memory the bus may end the connection, and the daemon with it: systemd starts another.
sub has_record {
    my ($id) = @_;
    begin_daemon() if $daemon->has_ended && !POSIX::WIFSIGNALED($daemon->end);
    return (read_record($id)->{AWAITING} // '') eq '1';
}

begin_daemon();
for my $nth (1 .. $MOST) {
    my $before = $daemon->pid;
    count_down($nth);
    session("n$nth", Name => 'card', Service => 'sshd', Type => 'tty', TTY => '', Seat => '', Remote => 'yes');
    ok(until_true(10, sub { has_record("n$nth") }), "allocation $nth: the session has its record") or diag($daemon->transcript(10));
    $again++ if $daemon->pid == $before && $daemon->transcript =~ /session n$nth: cannot ask logind/;
}
cmp_ok($again, '>', 0, 'of some the daemon could not ask, and asked again');
done_testing();
