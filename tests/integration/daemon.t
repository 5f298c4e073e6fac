# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon and its worker on a real pcscd, with stand-ins for logind and journald.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Path 'remove_tree';
use Stage;
use Test::More;

my ($SLOT0, $SLOT1) = (35963, 35964);

# An independent client of pcscd: what pcscd reports to it, it reports to the daemon's worker too, give or take a moment.
my $witness;

sub sees {
    my ($pattern, $why) = @_;
    my $line = $witness->wait_for($pattern, 5);
    ok($line, "(pcscd: $why)") or diag($witness->transcript);
    return $line // '';
}

# Inserts a card and returns pcscd's counter for it.
sub put_in {
    my ($port, $atr) = @_;
    my $slot = $port - $SLOT0;
    insert($port, $atr);
    return sees(qr/^READER card=present .*slot=$slot /, "card in slot $slot") =~ s/.*counter=(\d+).*/$1/r;
}

sub take_out {
    my ($port) = @_;
    my $slot = $port - $SLOT0;
    pull($port);
    sees(qr/^READER card=empty .*slot=$slot /, "slot $slot empty");
}

sub children_of {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/task/$pid/children") or return ();
    return split ' ', <$file> // '';
}

start_bus();
my $logind = start_logind();
my $journal = start_journal();
my $daemon = start_daemon();
$witness = start('witness', "$FindBin::Bin/../../build/tests/integration/worker-client", worker_path());
pass('it starts without pcscd, card or record');

subtest 'a card is pulled' => sub {
    start_pcscd();
    sees(qr/^SYNCED/, 'up');
    my $counter = put_in($SLOT0);
    session($_) for '1', '2';
    record('1', COUNTER => $counter);
    expect_no_lock('1', 0.5, 'nothing is locked while the card is in');
    take_out($SLOT0);
    expect_lock('1', 2);
    expect_entry(2, 'the removal is in the journal', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '1',
        SCPOLICY_CAUSE => 'card', SCPOLICY_SOURCE => 'pcsc', SCPOLICY_READER => $Stage::READER);
    my $entry = expect_entry(2, 'so is the action', SCPOLICY_EVENT => 'action', SCPOLICY_SESSION => '1',
        SCPOLICY_ACTION => 'lock');
    like($entry->{SCPOLICY_LATENCY_USEC} // '', qr/^\d+$/, 'with its latency');
    expect_entry(5, 'and the outcome', SCPOLICY_EVENT => 'outcome', SCPOLICY_SESSION => '1',
        SCPOLICY_OUTCOME => 'verified');
    expect_no_lock('\d+', 0.5, 'nobody else is locked, nor this one again');
};

subtest 'the card is back, and pulled again' => sub {
    put_in($SLOT0);
    unlock($logind, '1');
    expect_no_lock('\d+', 0.5, 'insertion locks nothing');
    take_out($SLOT0);
    expect_lock('1', 2);
    put_in($SLOT0);
    unlock($logind, '1');
    expect_no_lock('\d+', 0.5, 'insertion locks nothing');
};

subtest 'one card, two sessions' => sub {
    take_out($SLOT0);
    expect_lock('1', 2);
    my $counter = put_in($SLOT0);
    for my $session ('21', '22') {
        session($session);
        record($session, COUNTER => $counter, USER => 'twice');
    }
    expect_no_lock('\d+', 0.5, 'nothing is locked while the card is in');
    take_out($SLOT0);
    for (1, 2) {
        my $entry = expect_entry(2, 'a lock is sent', SCPOLICY_EVENT => 'action', SCPOLICY_USER => 'twice');
        cmp_ok($entry->{SCPOLICY_DECIDED_USEC}, '<=', $entry->{SCPOLICY_LATENCY_USEC}, 'after it was decided');
    }
    $logind->say("end $_") for '21', '22';
    put_in($SLOT0);
    unlock($logind, '1');
};

subtest 'another slot of the same reader' => sub {
    my $counter = put_in($SLOT1, '3B00');
    session('3');
    record('3', READER => 'Virtual PCD 00 01', SLOT => 1, ATR => '3B00', COUNTER => $counter);
    expect_no_lock('\d+', 0.3, 'two cards, two sessions');
    take_out($SLOT1);
    expect_lock('3', 2, 'the session of slot 1 is locked');
    expect_no_lock('1', 0.5, 'the session of slot 0 is not');
    $logind->say('end 3');
};

subtest 'the card is exchanged for another' => sub {
    take_out($SLOT0);
    expect_lock('1', 2);
    put_in($SLOT0, '3B01');
    unlock($logind, '1');
    take_out($SLOT0);
    expect_no_lock('1', 0.5, "somebody else's card is none of this session's");
    my $counter = put_in($SLOT0);
    drop_record('1');
    session('4');
    record('4', COUNTER => $counter);
    expect_no_lock('\d+', 0.3, 'a new sign-in');
};

subtest 'pcscd dies and comes back' => sub {
    stop_pcscd('KILL');
    sees(qr/^DOWN/, 'down');
    expect_no_lock('\d+', 0.5, 'pcscd gone is no removal');
    start_pcscd();
    sees(qr/^SYNCED/, 'up again');
    expect_no_lock('\d+', 1.5, 'the card is still in: no removal');
    stop_pcscd('TERM');
    pull($SLOT0);
    sees(qr/^DOWN/, 'down');
    start_pcscd();
    sees(qr/^SYNCED/, 'up, the card gone');
    expect_lock('4', 4, 'pulled while pcscd was away: locked');
    drop_record('4');
};

subtest 'the reader goes' => sub {
    my $counter = put_in($SLOT0);
    session('5');
    record('5', COUNTER => $counter);
    expect_no_lock('\d+', 0.3, 'a new sign-in');
    stop_pcscd('TERM');
    start_pcscd(0x9C7B);
    sees(qr/^SYNCED/, 'up without that reader');
    expect_lock('5', 5, 'pcscd is back without the reader: locked');
    drop_record('5');
    stop_pcscd('TERM');
    pull($SLOT0);
    start_pcscd();
    sees(qr/^SYNCED/, 'up');
};

subtest 'records that are refused' => sub {
    my $counter = put_in($SLOT0);
    session("b$_") for 1 .. 9;
    my %bad = (
        b1 => {USER => undef},
        b2 => {BOOT_ID => '0' x 31 . '1'},
        b3 => {ATR => 'xyz'},
        b4 => {SESSION => 'other'},
        b5 => {EXTRA => 'field'},
        b6 => {TOKEN => 'x' x 5000},
        b7 => {spoil => sub { chmod 0644, $_[0] }},
        b8 => {spoil => sub { chown 1, 1, $_[0] }},
        b9 => {spoil => sub { rename $_[0], '/run/elsewhere'; symlink '/run/elsewhere', $_[0] }});
    record($_, COUNTER => $counter, %{$bad{$_}}) for sort keys %bad;
    session('6');
    record('6', COUNTER => $counter);
    expect_no_lock('\d+', 0.5, 'nothing yet');
    like($daemon->transcript, qr/\bb$_ refused/, "b$_ is named in the log") for 1 .. 9;
    is(stop_daemon(), 0, 'it ends well');
    $daemon = start_daemon();
    expect_no_lock('\d+', 0.5, 'a start locks nothing');
    like($daemon->transcript, qr/\bb$_ refused/, "b$_ is named again") for 1 .. 9;
    take_out($SLOT0);
    expect_lock('6', 2, 'the good record works');
    expect_no_lock('b\d', 0.5, 'the bad ones do not');
    unlink glob '/run/scpolicyd/sessions/b*';
    drop_record('6');
};

subtest 'the daemon is restarted ten times' => sub {
    my $counter = put_in($SLOT0);
    session('r');
    record('r', COUNTER => $counter);
    expect_no_lock('\d+|r', 0.3, 'a new sign-in');
    # As systemd passes WatchdogSec=infinity.
    local $ENV{WATCHDOG_USEC} = '18446744073709551615';
    for (1 .. 10) {
        stop_daemon();
        $daemon = start_daemon();
    }
    expect_no_lock('\d+|r', 1, 'the card was in all the time');
    take_out($SLOT0);
    expect_lock('r', 2, 'and its removal is heard');
    drop_record('r');
};

subtest 'the daemon is away' => sub {
    my $counter = put_in($SLOT0);
    session('7');
    record('7', COUNTER => $counter);
    expect_no_lock('\d+', 0.3, 'a new sign-in');
    is(stop_daemon(), 0, 'it ends well');
    take_out($SLOT0);
    expect_no_lock('\d+', 0.3, 'nobody is there to lock');
    $daemon = start_daemon();
    expect_lock('7', 5, 'the card is out at start: locked');
    expect_entry(2, 'found absent', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '7',
        SCPOLICY_CAUSE => 'absent', SCPOLICY_SOURCE => 'startup');
    stop_daemon();
    $daemon = start_daemon();
    expect_no_lock('7', 1, 'started once more: that was dealt with');
    stop_daemon();
    $counter = put_in($SLOT0);
    record('7', COUNTER => $counter);
    take_out($SLOT0);
    $daemon = start_daemon();
    expect_lock('7', 5, 'its person signed in again meanwhile, and the card is out: locked');
    drop_record('7');
};

subtest 'the directory of the records is deleted' => sub {
    my $counter = put_in($SLOT0);
    remove_tree('/run/scpolicyd/sessions');
    session('9');
    for (1 .. 100) {
        last if -d '/run/scpolicyd/sessions';
        sleep 0.05;
    }
    ok(-d '/run/scpolicyd/sessions', 'it is created again');
    record('9', COUNTER => $counter);
    expect_no_lock('\d+', 0.3, 'a new sign-in');
    take_out($SLOT0);
    expect_lock('9', 2, 'what is recorded there is governed');
    drop_record('9');
};

subtest 'logind is restarted' => sub {
    my $counter = put_in($SLOT0);
    session($_) for '10', '11';
    record($_, COUNTER => $counter) for '10', '11';
    expect_no_lock('\d+', 0.3, 'a new sign-in');
    $logind->say('away');
    $logind->say('end 11');
    $logind->say('back');
    ok($daemon->wait_for(qr/session 11 of a login record is gone/, 5), 'a session that ended meanwhile is forgotten');
    $logind->say('sleep');
    expect_no_lock('\d+', 0.3, 'the machine goes to sleep');
    take_out($SLOT0);
    expect_no_lock('\d+', 0.5, 'devices come and go in sleep');
    $logind->say('away');
    $logind->say('back');
    expect_lock('10', 5, 'the sleep that nobody ended is over: locked');
    drop_record('10');
};

subtest 'logind does not answer at first' => sub {
    my $counter = put_in($SLOT0);
    session('12', Type => 'tty');
    $logind->say('dumb');
    record('12', COUNTER => $counter);
    expect_no_lock('\d+', 2, 'a new sign-in, and logind is asked again');
    take_out($SLOT0);
    expect_entry(3, 'it is known that a session on a terminal cannot be locked', SCPOLICY_EVENT => 'cannot-lock',
        SCPOLICY_SESSION => '12');
    drop_record('12');
};

subtest 'logind refuses to lock it' => sub {
    my $counter = put_in($SLOT0);
    session('13', Class => 'background');
    session('14', CanLock => 'no');
    record($_, COUNTER => $counter) for '13', '14';
    expect_no_lock('\d+', 0.5, 'new sign-ins');
    take_out($SLOT0);
    expect_lock('13', 3, 'one of class background is locked: logind does not refuse it');
    expect_entry(3, 'it is known beforehand', SCPOLICY_EVENT => 'cannot-lock', SCPOLICY_SESSION => '14');
    is($logind->count(qr/^LockSession 14$/), 0, 'so that nothing is asked of logind');
    is($journal->count(qr/^(?=.*SCPOLICY_SESSION=14\b)(?=.*SCPOLICY_EVENT=(?:action|outcome)\b)/), 0, 'one story is reported');
    drop_record($_) for '13', '14';
};

subtest 'the worker dies' => sub {
    my $counter = put_in($SLOT0);
    session('8');
    record('8', COUNTER => $counter);
    expect_no_lock('\d+', 0.3, 'a new sign-in');
    my ($worker) = children_of($daemon->pid);
    ok($worker, 'there is one');
    kill 'KILL', $worker;
    expect_no_lock('\d+', 1, 'its death is no removal');
    isnt((children_of($daemon->pid))[0], $worker, 'there is another');
    kill 'KILL', children_of($daemon->pid);
    take_out($SLOT0);
    expect_lock('8', 5, 'pulled while there was none: locked');
};

is(stop_daemon(), 0, 'it ends well');
unlike($daemon->transcript, qr/Sanitizer|runtime error/, 'the sanitizers found nothing');
done_testing();
