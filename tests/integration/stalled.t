# SPDX-License-Identifier: GPL-2.0-or-later
# Neighbours that stop reading: each is stopped, a removal is acted on meanwhile, and what could not be reported is
# reported or counted when it reads again. The removals here are PC/SC's; the machine of tests/vm has the kernel's.
use strict;
use warnings;
use Fcntl;
use FindBin;
use lib $FindBin::Bin;
use POSIX 'mkfifo';
use Stage;
use Test::More;

my $PORT = 35963;
my $counter = 0;

sub scpolicyctl { return qx(@{[build('scpolicyctl')]} @_ 2>&1) }

sub status { return scpolicyctl('status', '--json') }

# The card is put in, a session is recorded for it, and the daemon guards it.
sub guard {
    my ($id) = @_;
    insert($PORT);
    session($id);
    until_true(20, sub { scpolicyctl('readers', '--json') =~ /"present":\s*true/ }) or diag(scpolicyctl('readers'));
    ($counter) = scpolicyctl('readers', '--json') =~ /"event_counter":\s*(\d+)/;
    record($id, COUNTER => $counter);
    until_true(20, sub { scpolicyctl('sessions', '--json') =~ /"session":\s*"$id".*?"state":\s*"guarded"/s })
        or diag(scpolicyctl('sessions'));
}

sub stopped {
    my ($process, $why, $work) = @_;
    kill 'STOP', $process->pid;
    $work->();
    kill 'CONT', $process->pid;
    pass("$why: and it goes on");
}

start_bus();
my $logind = start_logind();
my $journal = start_journal();
my $pcscd = start_pcscd();
my $daemon = start_daemon();

subtest 'the journal does not read' => sub {
    guard('1');
    stopped($journal, 'the journal', sub {
        # Its queue is full long before.
        scpolicyctl('reload') for 1 .. 40;
        pull($PORT);
        expect_lock('1', 20, 'the removal is acted on');
    });
    expect_entry(20, 'and is reported when the journal reads', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '1');
    is($journal->count(qr/SCPOLICY_EVENT=config/), 40, 'after everything that came before it');
    like(status(), qr/"dropped":\s*0\b/, 'nothing was dropped');
};

subtest 'the journal does not read for long' => sub {
    guard('2');
    stopped($journal, 'the journal', sub {
        # More than is kept for it.
        for (1 .. 60) {
            last if status() !~ /"dropped":\s*0\b/;
            scpolicyctl('reload') for 1 .. 50;
        }
        like(status(), qr/"dropped":\s*[1-9]/, 'some entries are dropped, and counted');
        like(scpolicyctl('status'), qr/reports were dropped/, 'and it is said so');
        like(scpolicyctl('metrics'), qr/scpolicyd_dropped_reports_total\{to="journal"\} [1-9]/, 'by whom, in the metrics');
        pull($PORT);
        expect_lock('2', 20, 'a removal is acted on');
    });
    ok($daemon->wait_for(qr/the journal did not read: \d+ entries of the trail were dropped/, 20), 'their number is reported');
};

subtest 'logind does not answer' => sub {
    guard('3');
    stopped($logind, 'logind', sub { pull($PORT); until_true(20, sub { status() =~ /"away"/ }) });
    expect_lock('3', 20, 'the lock is there when it reads again');
};

subtest 'the worker does not answer' => sub {
    guard('4');
    my ($worker) = grep { (readlink("/proc/$_/exe") // '') =~ /pcsc-worker/ } map { m{/proc/(\d+)$} } glob('/proc/[0-9]*');
    kill 'STOP', $worker;
    pull($PORT);
    like(status(), qr/"pcscd"/, 'the daemon answers meanwhile');
    kill 'CONT', $worker;
    expect_lock('4', 20, 'the lock is sent when the worker goes on');
};

subtest 'nobody reads standard error' => sub {
    stop_daemon();
    mkfifo('/run/stderr', 0600) or die $!;
    sysopen(my $reader, '/run/stderr', O_RDONLY | O_NONBLOCK) or die $!;
    fcntl($reader, 1031, 4096);    # F_SETPIPE_SZ
    local $ENV{SCPOLICYD_LIBEXECDIR} = build('scpolicyd') =~ s{/[^/]*$}{}r;
    $daemon = start('scpolicyd', 'sh', '-c', 'exec "$0" 2>/run/stderr', build('scpolicyd'));
    until_true(20, sub { status() =~ /"pcscd":\s*"up"/ }) or diag(status());
    guard('5');
    # Each refused record is a line, and is removed again so that it is refused again.
    for (1 .. 200) {
        record("bad$_", LEADER => 'nobody');
    }
    pull($PORT);
    expect_lock('5', 20, 'the removal is acted on');
    my $text = '';
    until_true(20, sub { sysread($reader, $text, 65536, length $text); $text =~ /bad200/ });
    is(() = $text =~ /\bbad\d+\b[^\n]*\n/g, 200, 'every line is there when somebody reads');
};

subtest 'the bus is gone' => sub {
    stop_daemon();
    $daemon = start_daemon();
    stop_bus();
    ok($daemon->wait_for(qr/the system bus has ended the connection .*: the daemon ends/, 20), 'the daemon says why it ends');
    isnt($daemon->end, 0, 'as a failure, so that it is started again');
};

done_testing;
