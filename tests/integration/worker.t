# SPDX-License-Identifier: GPL-2.0-or-later
# The PC/SC worker alone, on a real pcscd with virtual readers.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;
use Time::HiRes 'sleep';

my $READER = $Stage::READER;
my $client = start('worker', "$FindBin::Bin/../../build/tests/integration/worker-client", worker_path());

sub hears {
    my ($pattern, $why, $seconds) = @_;
    ok($client->wait_for($pattern, $seconds // 3), $why) or diag($client->transcript);
}

sub transcript_since_up { return $client->transcript =~ s/.*\bUP\n//sr }

sub status_of {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/status") or return {};
    return {map { /^(\w+):\s*(.*)$/ } <$file>};
}

sub switches_of {
    my ($pid) = @_;
    my $sum = 0;
    $sum += status_of("$pid/task/" . s{.*/}{}r)->{voluntary_ctxt_switches} for glob "/proc/$pid/task/*";
    return $sum;
}

my ($worker) = ($client->wait_for(qr/^PID/, 5) // '') =~ /(\d+)/;
hears(qr/^DOWN$/, 'without pcscd it says so');

start_pcscd();
hears(qr/^UP$/, 'it notices pcscd starting');
hears(qr/^READER card=empty counter=0 slot=0 usb=0:0 atr= name=\Q$READER\E$/, 'slot 0 is empty');
hears(qr/^SYNCED 0$/, 'the first list is complete');
is($client->count(qr/^READER .*slot=1/), 1, 'slot 1 was listed too');

my $status = status_of($worker);
is($status->{Seccomp}, 2, 'seccomp filters');
is($status->{NoNewPrivs}, 1, 'no new privileges');
is($status->{$_}, '0' x 16, "$_ is empty") for qw(CapEff CapPrm CapInh CapBnd CapAmb);
for my $task (glob "/proc/$worker/task/*") {
    my $thread = status_of("$worker/task/" . $task =~ s{.*/}{}r);
    is("$thread->{Seccomp} $thread->{CapEff}", '2 ' . '0' x 16, 'the same in every thread');
}

is(readlink("/proc/$worker/root"), '/run/pcscd', "it sees only the directory of pcscd's socket");

insert(35963);
hears(qr/^READER card=present counter=1 slot=0 .*atr=3B80800101 /, 'insertion');
insert(35964, '3B00');
hears(qr/^READER card=present counter=1 slot=1 .*atr=3B00 /, 'insertion into the other slot');
pull(35963);
hears(qr/^READER card=empty counter=2 slot=0 .*atr= /, 'removal');
insert(35963, '3B01');
hears(qr/^READER card=present counter=3 slot=0 .*atr=3B01 /, 'another card');

for my $number (1 .. 20) {
    $client->say("recheck $number");
    $client->wait_for(qr/^SYNCED $number$/, 2) or fail("recheck $number is answered");
}
is($client->count(qr/^READER card=present counter=3 slot=0/), 21, 'each recheck reports every reader');
$client->say('noise');
$client->say('recheck 99');
hears(qr/^SYNCED 99$/, 'a packet that is no request is passed over');

stop_pcscd('KILL');
hears(qr/^DOWN$/, 'pcscd killed');
start_pcscd();
hears(qr/^UP$/, 'pcscd back');
hears(qr/^READER .*slot=0/, 'and its readers');
hears(qr/^SYNCED 0$/, 'its list is complete');
unlike(transcript_since_up(), qr/card=empty .*slot=0/, 'the card was never seen to be out');
stop_pcscd('TERM');
hears(qr/^DOWN$/, 'pcscd stopped');
pull(35963);
my $pcscd = start_pcscd(0x8C7B, 0x9C7B);
hears(qr/^READER .*name=Other PCD/, 'another reader');
hears(qr/^SYNCED 0$/, 'and the list is complete');
like(transcript_since_up(), qr/card=empty counter=0 slot=0 usb=0:0 atr= name=\Q$READER\E/, 'the card went meanwhile');

sleep 1;    # pcscd also reports its own clients, up to 400 ms late
my $before = switches_of($worker);
sleep 2;
is(switches_of($worker), $before, 'no wakeup while nothing happens');
$client->say('close');
hears(qr/^ENDED 0$/, 'it ends with the daemon');
is($client->count(qr/FAULT/), 0, 'every message was well formed');

$client = start('worker', "$FindBin::Bin/../../build/tests/integration/worker-client", worker_path());
hears(qr/^SYNCED 0$/, 'another worker');
kill 'STOP', $pcscd->pid;
$client->say('recheck 1');
sleep 0.3;
$client->say('close');
hears(qr/^ENDED 0$/, 'it ends with the daemon while pcscd hangs', 1);
kill 'CONT', $pcscd->pid;

stop_pcscd('TERM');
remove_tree('/run/pcscd');
$client = start('worker', "$FindBin::Bin/../../build/tests/integration/worker-client", worker_path());
hears(qr/^DOWN$/, 'without a directory for the socket it says so');
mkdir('/run/pcscd');
start_pcscd();
hears(qr/^SYNCED 0$/, 'and notices directory and pcscd');
($worker) = $client->transcript =~ /PID (\d+)/;
is(readlink("/proc/$worker/root"), '/run/pcscd', 'and goes in there');
stop_pcscd('TERM');
hears(qr/^DOWN$/, 'pcscd stopped again');
remove_tree('/run/pcscd');
hears(qr/^ENDED 0$/, 'the directory is removed: it ends, to be restarted');
$client = start('worker', "$FindBin::Bin/../../build/tests/integration/worker-client", worker_path());
hears(qr/^DOWN$/, 'no directory again');
$client->say('close');
hears(qr/^ENDED 0$/, 'it ends with the daemon while there is no directory', 1);

sub another { $client = start('worker', "$FindBin::Bin/../../build/tests/integration/worker-client", @_ ? @_ : worker_path()) }

# The directory is removed, by every possible way to it.
make_path('/run/far/pcscd', '/run/near');
symlink('/run/far/pcscd', '/run/near/link');
$ENV{PCSCLITE_CSOCK_NAME} = '/run/near/link/pcscd.comm';
another();
hears(qr/^DOWN$/, 'a directory behind a link');
remove_tree('/run/far/pcscd');
hears(qr/^ENDED 0$/, 'is removed: it ends');
mkdir('/run/far/pcscd');
another();
hears(qr/^DOWN$/, 'a directory');
rename('/run/far/pcscd', '/run/far/away');
hears(qr/^ENDED 0$/, 'is moved away: it ends');
remove_tree('/run/near');
another();
hears(qr/^DOWN$/, 'the directory above is missing');
make_path('/run/near');
remove_tree('/run/near');
mkdir('/run/pcscd');
start_pcscd();
make_path('/run/near');
symlink('/run/pcscd', '/run/near/link');
hears(qr/^SYNCED 0$/, 'and comes, goes and comes', 10);
$client->say('close');
$client->wait_for(qr/^ENDED/, 3);
symlink('/run/pcscd/pcscd.comm', '/run/near/pcscd.comm');
$ENV{PCSCLITE_CSOCK_NAME} = '/run/near/pcscd.comm';
another();
hears(qr/^SYNCED 0$/, 'a socket behind a link');
($worker) = $client->transcript =~ /PID (\d+)/;
is(readlink("/proc/$worker/root"), '/run/pcscd', 'is gone to where it is');
$client->say('close');
$client->wait_for(qr/^ENDED/, 3);
delete $ENV{PCSCLITE_CSOCK_NAME};

# libpcsclite since 2.1 loads its other half at the first connection, when no file can be opened any more.
# Of a library that is whole, the stage makes two.
my ($library) = map { qx(ldconfig -p) =~ m{=> (\S+/\Q$_\E)$}m } 'libpcsclite_real.so.1', 'libpcsclite.so.1';
mkdir('/run/halves');
symlink($library, '/run/halves/libpcsclite_real.so.1');
$ENV{LD_LIBRARY_PATH} = '/run/halves';
$ENV{LD_PRELOAD} = "$FindBin::Bin/../../build/tests/integration/pcsclite-preload.so";
another("$FindBin::Bin/../../build/scpolicyd-pcsc-worker");
hears(qr/^SYNCED 0$/, 'a library of two halves');
done_testing();
