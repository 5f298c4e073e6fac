# SPDX-License-Identifier: GPL-2.0-or-later
# Another PC/SC client keeps a card to itself, by a transaction or exclusively: a sign-in is recorded all the same, and
# the worker finds the reader's USB address as soon as that client lets go.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;

my $READER = $Stage::READER;
my $OTHER = $READER =~ s/00$/01/r;

sub hold {
    my ($how) = @_;
    my $holder = start('holder', tool('pcsc-holder'), $READER, $how);
    ok($holder->wait_for(qr/^HELD$/, 5), "$how: the card is held") or diag($holder->transcript);
    return $holder;
}

sub let_go {
    my ($holder) = @_;
    $holder->say('release');
    $holder->wait_for(qr/^RELEASED$/, 5) or diag($holder->transcript);
}

sub another_worker {
    my $client = start('worker', tool('worker-client'), worker_path());
    $client->wait_for(qr/^SYNCED 0$/, 5) or diag($client->transcript);
    return $client;
}

sub hears {
    my ($client, $pattern, $why) = @_;
    ok($client->wait_for($pattern, 10), $why) or diag($client->transcript);
}

start_pcscd('usb');
insert(35963);
wait_for_look('NOTE', qr/./);

# A busy machine may need more than the limit for the helper alone: then it is asked again. A helper that waits for the
# holder, who holds on, never succeeds.
sub is_done_in {
    my ($timeout, $why, @request) = @_;
    my $reply;
    ok(until_true(5, sub { (($reply = ask_helper(@request, TIMEOUT => $timeout))->{RESULT} // '') eq 'done' }), $why)
        or diag(explain($reply));
}

my $session = 0;
for my $how ('shared', 'exclusive') {
    my $holder = hold($how);
    is_done_in(2000, "$how: the sign-in is recorded", 'record', SESSION => ++$session, UID => 1000, USER => 'card',
        SERVICE => 'login', LEADER => 4711);
    is(read_record($session)->{READER}, $READER, "$how: with its reader");
    is_done_in(100, "$how: with the shortest time limit, too", 'look');

    my $client = another_worker();
    like($client->transcript, qr/slot=0 usb=0:0 .*\Q$READER\E/, "$how: the worker does not know the address yet");
    like($client->transcript, qr/slot=1 usb=1:2 .*\Q$OTHER\E/, "$how: it knows the other reader's");
    let_go($holder);
    hears($client, qr/^READER card=present .*slot=0 usb=1:2 /, "$how: it finds it when the client lets go");
    is($client->count(qr/^READER .*usb=1:2 .*\Q$OTHER\E/), 1, "$how: and reports nothing else");
}

# Held again after the first answer, and by one client after the other.
my $holder = hold('exclusive');
my $client = another_worker();
let_go($holder);
$holder = hold('exclusive');
let_go($holder);
hears($client, qr/^READER card=present .*slot=0 usb=1:2 /, 'two exclusive clients in turn');

done_testing();
