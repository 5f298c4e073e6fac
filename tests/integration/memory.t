# SPDX-License-Identifier: GPL-2.0-or-later
# One allocation of the daemon fails, over start, sign-in, reload and removal: it does not crash, the removal is acted on, and
# something reports that memory was short. A few of them, other ones with another SEED=; SAMPLES=N: more, at most 60; AT=N,N: these.
# A daemon that ends without a signal is started again, as systemd does. Not the sanitized build: its allocator lets nobody
# come between.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use POSIX ();
use Stage;
use Test::More;

my $PORT = 35963;
my $ENOUGH = 1 << 30;
my $folder = "$FindBin::Bin/../../build";
my ($round, $daemon, $transcript) = (0);

write_file('/run/no-memory', pack('L', 0));
start_bus();
my $logind = start_logind();
start_journal();
start_pcscd();

sub scpolicyctl { return qx(timeout 20 $folder/scpolicyctl @_ 2>&1) }
sub start_again { $daemon = start('scpolicyd', "$folder/scpolicyd") }

# The daemon, whose allocation number $at fails, and none of its children's.
sub start_failing {
    my ($at) = @_;
    local $ENV{SCPOLICYD_LIBEXECDIR} = $folder;
    local $ENV{LD_PRELOAD} = tool('no-memory-preload.so');
    local $ENV{NO_MEMORY} = '/run/no-memory';
    local $ENV{NO_MEMORY_ALONE} = 1;
    count_down($at);
    start_again();
}

# Waits for `condition`; a daemon that ends without a signal is started again.
sub await {
    my ($why, $condition) = @_;
    my $done = until_true(60, sub {
        if ($daemon->has_ended) {
            my $status = $daemon->end;
            return 0 if POSIX::WIFSIGNALED($status);
            $transcript .= $daemon->transcript;
            local $ENV{SCPOLICYD_LIBEXECDIR} = $folder;
            start_again();
        }
        return $condition->();
    });
    ok($done, $why) or diag($daemon->transcript(40), scpolicyctl('sessions'), scpolicyctl('readers'));
    return $done;
}

sub is_guarded { return scpolicyctl('sessions', '--json') =~ /"session":\s*"$_[0]".*?"state":\s*"guarded"/s }

sub run_once {
    my ($at) = @_;
    my $id = 'm' . ++$round;
    $transcript = '';
    start_failing($at);
    insert($PORT);
    session($id);
    my $counter; # an answer, too, may lack the memory for it
    await("$at, start", sub {
        my $readers = scpolicyctl('readers', '--json');
        ($counter) = $readers =~ /"event_counter":\s*(\d+)/ if $readers =~ /"present":\s*true/;
        return defined $counter;
    }) or return;
    record($id, COUNTER => $counter);
    await("$at, sign-in", sub { is_guarded($id) }) or return;
    kill 'HUP', $daemon->pid;
    await("$at, reload", sub { $daemon->has_ended || $daemon->transcript =~ /the policy was read|policy.*kept|memory/ }) or return;
    await("$at, still guarded", sub { is_guarded($id) }) or return;
    pull($PORT);
    my $locked;
    await("$at, removal: locked", sub { $locked ||= $logind->wait_for(qr/^LockSession \Q$id\E$/, 1) });
    my $left = count_down();
    drop_record($id);
    count_down(0);
    is($daemon->end('TERM'), 0, "$at, it ends") or diag($daemon->transcript(30));
    $transcript .= $daemon->transcript;
    note("$at: nothing reports it") if !$left && $transcript !~ /emory|annot/;
    return $left;
}

if ($ENV{AT}) {
    run_once($_) for split /,/, $ENV{AT};
} else {
    my $count = $ENOUGH - run_once($ENOUGH);
    cmp_ok($count, '>', 1000, 'allocations are counted') or BAIL_OUT('the library was not preloaded');
    note("$count allocations");
    my $samples = $ENV{SAMPLES} // 12;
    srand($ENV{SEED} // 1);
    run_once(1 + int(($_ + rand) * $count / $samples)) for 0 .. $samples - 1;
}
done_testing();
