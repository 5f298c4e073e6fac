# SPDX-License-Identifier: GPL-2.0-or-later
# A card at an xrdp client: the real xrdp and FreeRDP's client, whose machine's pcscd is the one here.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Stage;
use Stage::Xrdp;

my $SLOT0 = 35963;
my $long = 10;
my $ctl = build('scpolicyctl');
my $has_left = qr/session 10: the connection to its client's PC.SC is over: its client has left/;
my @clients;

sub run {
    my ($leader, $command) = @_;
    my $before = $leader->{next};
    $leader->say($command);
    $leader->wait_for(qr/^END$/, $long) // diag($leader->transcript);
    return join "\n", @{$leader->{lines}}[$before .. $leader->{next} - 2];
}

sub explained {
    my ($pattern, $why) = @_;
    ok(until_true($long, sub { (qx($ctl explain 10 2>&1) // '') =~ $pattern }), $why) or diag(scalar qx($ctl explain 10 2>&1));
}

sub connect_anna {
    my $client = connect_client('anna', '/smartcard');
    push @clients, $client;
    return $client;
}

sub expect_disconnect {
    my ($client, $cause, $why) = @_;
    ok(client_ended($client, $long), $why);
    expect_entry($long, 'and the journal says why', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '10', SCPOLICY_CAUSE => $cause);
    expect_entry($long, 'and what it did', SCPOLICY_EVENT => 'action', SCPOLICY_SESSION => '10', SCPOLICY_ACTION => 'disconnect');
}

start_xrdp();
write_file('/etc/scpolicyd.conf', "[Policy]\nAction=disconnect\n[Remote]\nGrace=5s\n");
start_bus();
my $logind = start_logind();
start_journal();
start_pcscd();
my $watcher = start('watcher', 'systemd-socket-activate', '--seqpacket', '-l', '/run/scpolicyd-remote.socket', build('scpolicyd-remote'));
until_true($long, sub { -S '/run/scpolicyd-remote.socket' });
my $connector = start('connector', 'systemd-socket-activate', '--seqpacket', '--accept', '-E', 'ASAN_OPTIONS=detect_leaks=0',
    '-l', '/run/scpolicyd-connect.socket', build('scpolicyd-connect'));
until_true($long, sub { -S '/run/scpolicyd-connect.socket' });
my $daemon = start_daemon();
insert($SLOT0);

my $client = connect_anna();
until_true($long, sub { desktops('anna') });
my ($display, $pid) = (desktops('anna'))[0] =~ /^(:\d+)\S* (\d+)$/ or die 'no desktop';
my $leader = start('leader', 'setsid', 'setpriv', '--reuid=' . uid_of('anna'), '--regid=' . uid_of('anna'), '--clear-groups',
    'env', 'HOME=/run/home/anna', "DISPLAY=$display", 'XRDP_SESSION=1', 'ASAN_OPTIONS=detect_leaks=0',
    'sh', '-c', 'while read -r line; do eval "$line" 2>&1; echo END; done');
session('10', UID => uid_of('anna'), LEADER => $leader->pid, Name => 'anna', Service => 'xrdp-sesman', Type => 'x11',
    Display => $display, Seat => '', TTY => '');

subtest 'a desktop and its card' => sub {
    explained(qr/card in: .*bound late: presence, not proof/s, 'nobody attached it: the card at the client guards the session');
    ok(until_true($long, sub { run($leader, "$ctl attach") =~ m{^The card at the client \(/run/home/anna/\.pcsc\d+/pcscd\.comm\)} }),
        'attach finds the socket of its display, too');
    explained(qr/card in: .*bound late: presence, not proof/s, '… and nothing changes');
    like(scalar qx($ctl explain 10), qr/source=xrdp/, 'as xrdp redirects it');
    ok(!client_ended($client, 1), 'nothing happens while it is in');
};

subtest 'it is removed at the client' => sub {
    pull($SLOT0);
    expect_disconnect($client, 'card', 'the client is disconnected');
    ok($daemon->wait_for($has_left, $long), 'and has left, which the connection that was attached tells, too');
    ok(kill(0, $pid), 'the desktop lives');
};

subtest 'back without the card' => sub {
    $client = connect_anna();
    is_deeply([desktops('anna')], ["$display.0 $pid"], 'it is the same desktop');
    explained(qr/card out|its client has answered/, 'its card service is heard again');
    insert($SLOT0);
    explained(qr/card in:/, 'with the card it is guarded again');
};

subtest 'the client leaves' => sub {
    $client->end('TERM');
    ok($daemon->wait_for($has_left, $long), 'chansrv says so, and nobody has to wait for an answer');
    explained(qr/card unknown: its client is away/, 'that is no removal');
    pull($SLOT0);
    $client = connect_anna();
    expect_disconnect($client, 'absent', 'nobody continues without the card');
    insert($SLOT0);
    $client = connect_anna();
    explained(qr/card in:/, 'with it, anna does');
    ok(!client_ended($client, 1), 'and stays');
    pull($SLOT0);
    expect_disconnect($client, 'card', 'until it is removed again');
};

# What is asked before a client is ready takes its drives and printers away, too.
unlike($_->transcript, qr/received PAKID_CORE_DEVICE_IOREQUEST/, 'a client that came was asked when it was ready') for @clients;
is(stop_daemon(), 0, 'the daemon ends well');
unlike($daemon->transcript . $watcher->transcript . $connector->transcript, qr/Sanitizer|runtime error/, 'the sanitizers found nothing');
done_testing();
