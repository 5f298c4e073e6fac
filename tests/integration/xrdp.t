# SPDX-License-Identifier: GPL-2.0-or-later
# Action=disconnect on the real xrdp: the client is dropped, the desktop lives, its person comes back to it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Stage::Xrdp;
use Test::More;

my $SLOT0 = 35963;
my $witness;

sub put_in {
    insert($SLOT0);
    my $line = $witness->wait_for(qr/^READER card=present .*slot=0 /, 5) // '';
    return $line =~ s/.*counter=(\d+).*/$1/r;
}

sub parent_of {
    my ($pid) = @_;
    open(my $file, '<', "/proc/$pid/stat") or return 0;
    return (split ' ', <$file> =~ s/.*\) //r)[1];
}

# Opens a desktop for the person; returns the client, the desktop's display and its process.
sub desktop {
    my ($name) = @_;
    my $client = connect_client($name);
    my @started = desktops($name);
    is(scalar @started, 1, "one was started for $name");
    my ($display, $pid) = $started[0] =~ /^(:\d+)\S* (\d+)$/ or die("no desktop for $name");
    return ($client, $display, $pid);
}

# As pam_systemd registers what xrdp 0.9 opens: no remote host, no seat.
sub xrdp_session {
    my ($id, $name, $display, $pid) = @_;
    session($id, UID => uid_of($name), LEADER => parent_of($pid), Name => $name, Service => 'xrdp-sesman',
        Type => 'x11', Display => $display, Seat => '', TTY => '');
}

sub x_server_answers {
    my ($display) = @_;
    return Stage::connects('/tmp/.X11-unix/X' . substr $display, 1);
}

sub expect_disconnect {
    my ($id) = @_;
    expect_entry(2, 'the removal is in the journal', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => $id,
        SCPOLICY_ACTION => 'disconnect', SCPOLICY_CAUSE => 'card');
    my $entry = expect_entry(2, 'so is the disconnection', SCPOLICY_EVENT => 'action', SCPOLICY_SESSION => $id,
        SCPOLICY_ACTION => 'disconnect');
    like($entry->{SCPOLICY_LATENCY_USEC} // '', qr/^\d+$/, 'which was sent');
    expect_entry(2, 'nobody can tell whether it was obeyed', SCPOLICY_EVENT => 'outcome',
        SCPOLICY_SESSION => $id, SCPOLICY_ACTION => 'disconnect', SCPOLICY_OUTCOME => 'unverified');
}

start_xrdp();
write_file('/etc/scpolicyd.conf', "[Policy]\nAction=disconnect\n");
start_bus();
my $logind = start_logind();
start_journal();
start_pcscd();
my $daemon = start_daemon();
$witness = start('witness', "$FindBin::Bin/../../build/tests/integration/worker-client", worker_path());
my $counter = put_in();

my ($client, $display, $pid) = desktop('anna');
my ($other, $other_display, $other_pid) = desktop('ben');
isnt($other_display, $display, 'they have a display each');
xrdp_session('10', 'anna', $display, $pid);
xrdp_session('11', 'ben', $other_display, $other_pid);
record('10', USER => 'anna', UID => uid_of('anna'), SERVICE => 'xrdp-sesman', LEADER => parent_of($pid),
    COUNTER => $counter);
ok($daemon->wait_for(qr/session 10 of user anna is governed/, 5), "anna's card governs her session");
ok(!client_ended($client, 1), 'nothing happens while the card is in');

subtest 'the card is pulled' => sub {
    pull($SLOT0);
    ok(client_ended($client, 5), "anna's client is disconnected");
    expect_disconnect('10');
    expect_no_lock('\d+', 0.5, 'logind is asked for nothing');
    ok(kill(0, $pid), 'the desktop lives');
    ok(x_server_answers($display), 'so does its X server');
    ok(!client_ended($other, 0.5), "ben's client stays");
};

subtest 'the card is back, and so is anna' => sub {
    put_in();
    expect_entry(5, 'the session is guarded again', SCPOLICY_EVENT => 'restored', SCPOLICY_SESSION => '10');
    $client = connect_client('anna');
    is_deeply([desktops('anna')], ["$display.0 $pid"], 'it is the same desktop, none was started');
    pull($SLOT0);
    ok(client_ended($client, 5), 'pulled again: disconnected again');
    expect_disconnect('10');
    ok(kill(0, $pid), 'the desktop lives');
};

subtest 'what takes the place of the socket is not believed' => sub {
    # xrdp 0.10 has a directory for each user there.
    my ($socket) = grep { -S } glob '/run/xrdp/sockdir/{,*/}xrdp_disconnect_display_' . substr $display, 1;
    put_in();
    expect_entry(5, 'the session is guarded again', SCPOLICY_EVENT => 'restored', SCPOLICY_SESSION => '10');
    $client = connect_client('anna');
    chown(uid_of('ben'), -1, $socket // '') or die 'no socket to give away';
    pull($SLOT0);
    expect_lock('10', 3, 'it is locked instead');
    expect_entry(3, 'the journal says so', SCPOLICY_EVENT => 'action', SCPOLICY_SESSION => '10',
        SCPOLICY_ACTION => 'lock');
    ok(!client_ended($client, 0.5), "anna's client stays");
    ok(!client_ended($other, 0), "ben's client stays");
};

is(stop_daemon(), 0, 'it ends well');
unlike($daemon->transcript, qr/Sanitizer|runtime error/, 'the sanitizers found nothing');
done_testing();
