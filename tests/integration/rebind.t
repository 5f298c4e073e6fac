# SPDX-License-Identifier: GPL-2.0-or-later
# A card that comes back in another slot, and a locker that runs as the person: it has the daemon bind the session again,
# for its own session alone. What cannot be bound again is reported in four places.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;

my $top = "$FindBin::Bin/../..";
my @slot = (35963, 35964);
my %uid = (anna => 4001, ben => 4002);

own('/etc');
append_file('/etc/passwd', map { "$_:x:$uid{$_}:$uid{$_}\::/:/bin/sh" } 'anna', 'ben');
append_file('/etc/group', map { "$_:x:$uid{$_}:" } 'anna', 'ben');
chmod 0755, '/run';
start_bus("$top/user/data/org.scpolicyd1.conf");
my $logind = start_logind();
start_journal();
start_pcscd();
my $daemon = start_daemon();
my $witness = start('witness', "$top/build/tests/integration/worker-client", worker_path());

# A session's leader: it runs what it is given, as its person, and says END.
sub leader {
    my ($name) = @_;
    return start("leader of $name", 'setpriv', "--reuid=$uid{$name}", "--regid=$uid{$name}", '--clear-groups',
        'sh', '-c', 'while read -r line; do eval "$line" 2>&1; echo END; done');
}

# What it says.
sub run {
    my ($leader, $command) = @_;
    my $before = $leader->{next};
    $leader->say($command);
    $leader->wait_for(qr/^END$/, 10) // diag($leader->transcript);
    return join "\n", @{$leader->{lines}}[$before .. $leader->{next} - 2];
}

# As pam_scpolicy.so does in a locker of the person.
my $locker = "printf 'TIMEOUT=10000\\n' | ASAN_OPTIONS=detect_leaks=0 " . build('scpolicyd-pam-helper') . ' ask';
my $call = 'busctl --system call org.scpolicyd1 /org/scpolicyd1 org.scpolicyd1.Manager Rebind';

sub ctl { return scalar qx(@{[build('scpolicyctl')]} @_ 2>&1) }
sub sessions { return ctl('sessions', '--json') }
sub is_soon { my ($pattern, $why) = @_; ok(until_true(5, sub { sessions() =~ $pattern }), $why) or diag(sessions()) }

sub put_in {
    my ($n) = @_;
    insert($slot[$n]);
    my $line = $witness->wait_for(qr/^READER card=present .*slot=$n /, 5) // '';
    return $line =~ s/.*counter=(\d+).*/$1/r;
}

my ($anna, $ben, $outside) = (leader('anna'), leader('ben'), leader('anna'));
my $counter = put_in(0);
session('1', UID => $uid{anna}, LEADER => $anna->pid);
session('2', UID => $uid{ben}, LEADER => $ben->pid);
record('1', UID => $uid{anna}, USER => 'anna', LEADER => $anna->pid, COUNTER => $counter);
$daemon->wait_for(qr/session 1 of user .* is governed/, 5);
is_soon(qr/"state"\s*:\s*"guarded"/, 'anna signed in with her card');
is(run($anna, $locker), 'RESULT=done' . "\n" . 'TEXT=the session is guarded', 'a guarded session stays as it is');
# Its locker never sets the hint: nothing but the locker itself can say that its person unlocked.
$logind->say('deaf 1');

subtest 'the card comes back in another slot' => sub {
    pull($slot[0]);
    expect_lock('1', 5);
    put_in(1);
    like(sessions(), qr/"state"\s*:\s*"away"/, 'that alone guards nothing');
    is(run($ben, $locker), 'RESULT=nothing', 'another person, whose session no card opened, gets nothing');
    like(run($ben, $call), qr/Your session was not opened by a card/, 'and reads that');
    like(sessions(), qr/"state"\s*:\s*"away"/, 'which leaves the session as it is');
    is(run($anna, $locker), "RESULT=done\nTEXT=the session is guarded", 'the locker of its own session has it bound');
    like(sessions(), qr/"state"\s*:\s*"guarded"/, 'it is guarded');
    expect_entry(5, 'and the journal says so', SCPOLICY_EVENT => 'restored', SCPOLICY_SESSION => '1');
    pull($slot[1]);
    expect_lock('1', 5, 'the next removal locks it');
};

subtest 'no reader has the card' => sub {
    like(run($anna, $locker), qr/^RESULT=nothing\nTEXT=No reader has the card of your session/, 'the locker reads that');
    like(run($anna, $call), qr/it is not guarded/, 'and so is any other program');
    expect_entry(5, 'the journal', SCPOLICY_EVENT => 'unguarded', SCPOLICY_SESSION => '1');
    like(ctl('status'), qr/session 1 of anna is not guarded: it was unlocked without its card/, 'status');
    like(ctl('doctor'), qr/fault\s+session 1 of anna is not guarded/, 'and doctor say it');
    like(sessions(), qr/"unguarded"\s*:\s*true/, 'which reads it from the daemon');
};

subtest 'a service of the user, outside of the session' => sub {
    put_in(1);
    is(run($outside, $call), '', 'means the only session of the user');
    like(sessions(), qr/"unguarded"\s*:\s*false/, 'which is guarded again');
    session('3', UID => $uid{anna}, LEADER => $$);
    record('3', UID => $uid{anna}, USER => 'anna', LEADER => $$, READER => 'Virtual PCD 00 01', SLOT => 1, COUNTER => 1);
    $daemon->wait_for(qr/session 3 of user .* is governed/, 5);
    $logind->say('end 3');
};

subtest 'logind does not answer' => sub {
    $logind->say('away');
    like(run($anna, $call), qr/logind does not say which session you are in/, 'the caller reads that');
    $logind->say('back');
};

done_testing();
