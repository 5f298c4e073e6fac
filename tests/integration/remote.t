# SPDX-License-Identifier: GPL-2.0-or-later
# A card at the client: real pcscds with virtual readers are the clients' machines, a relay is ssh's forwarded socket.
use strict;
use warnings;
use Fcntl;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Stage;

my $top = "$FindBin::Bin/../..";
my %uid = (anna => 4001, ben => 4002, cleo => 4003, dora => 4004, ella => 4005, file => 4011, link => 4012, other => 4013, full => 4014, shut => 4015, peer => 4016,
    held => 4017, ends => 4018);
my %channel = (anna => 0x8C7B, ben => 0x9C7B);
my $long = 5;
my (%leader, %client);

own('/etc');
append_file('/etc/passwd', map { "$_:x:$uid{$_}:$uid{$_}\::/:/bin/sh" } sort keys %uid);
append_file('/etc/group', (map { "$_:x:$uid{$_}:" } sort keys %uid), 'staff-too:x:4100:peer');
mkdir '/etc/scpolicyd.conf.d';
write_file('/etc/scpolicyd.conf', <<'X');
[Remote]
Grace=500ms
ClientGrace=500ms
Pcsc=/run/clients/found-%i.comm
[Rule away]
User=cleo
Cause=client
[Rule required]
User=dora
Cause=no-card
CardWithin=500ms
X
chmod 0755, '/run';
mkdir $_ for '/run/clients', '/run/empty';
start_bus("$top/user/data/org.scpolicyd1.conf");
my $logind = start_logind();
my $journal = start_journal();
my $watcher = watcher();
my $connector = connector();
my $daemon = start_daemon();

# What looks for clients, as its socket unit starts it: a process for each look, which this says in a line.
sub connector {
    my $process = start('connector', 'systemd-socket-activate', '--seqpacket', '--accept', '-E', 'ASAN_OPTIONS=detect_leaks=0',
        '-l', '/run/scpolicyd-connect.socket', build('scpolicyd-connect'));
    until_true($long, sub { -S '/run/scpolicyd-connect.socket' }) or diag('no socket of the connector');
    return $process;
}
sub looks { return $connector->count(qr/^Spawned /) }

# The watcher of remote cards, as its socket unit starts it.
sub watcher {
    unlink '/run/scpolicyd-remote.socket';
    local $ENV{RUNTIME_DIRECTORY} = '/run/empty';
    my $process = start('watcher', 'systemd-socket-activate', '--seqpacket', '-E', 'RUNTIME_DIRECTORY',
        '-l', '/run/scpolicyd-remote.socket', build('scpolicyd-remote'));
    until_true($long, sub { -S '/run/scpolicyd-remote.socket' }) or diag('no socket of the watcher');
    return $process;
}

# A client's machine: a pcscd of its own, of which only a relay's socket shows here. All have a reader of the same name.
sub client_pcscd {
    my ($name) = @_;
    my $preload = tool('pcscd-preload.so');
    write_file("/run/clients/$name.conf", sprintf <<'X', $channel{$name}, $channel{$name});
FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:0x%X
LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID 0x%X
X
    my @options = grep { qx(pcscd --help 2>&1) =~ /$_/ } '--disable-polkit';
    return start("pcscd of $name", 'unshare', '--mount', 'sh', '-c',
        "mount -t tmpfs client /run/pcscd && LD_PRELOAD=$preload exec pcscd --foreground --info @options --config /run/clients/$name.conf");
}

sub relay {
    my ($name, $pcscd, $uid) = @_;
    # Before unshare has run, the process is on this machine.
    my $space = sub { readlink "/proc/$_[0]/ns/mnt" };
    until_true($long, sub { $space->($pcscd->pid) ne $space->('self') });
    my $relay = start("relay of $name", 'nsenter', '-t', $pcscd->pid, '--mount', $^X, "-I$FindBin::Bin", '-MStage::Relay', '-e',
        'Stage::Relay::run(@ARGV)', "/run/clients/$name.comm", '/run/pcscd/pcscd.comm', $uid);
    $relay->wait_for(qr/^LISTENING/, $long) or diag('no relay');
    return $relay;
}

# What a session's own shell is told, by its user, and what that says.
sub leader {
    my ($name) = @_;
    return start("leader of $name", 'setsid', 'setpriv', "--reuid=$uid{$name}", "--regid=$uid{$name}", '--clear-groups',
        'sh', '-c', 'while read -r line; do eval "$line" 2>&1; echo END; done');
}

sub run {
    my ($leader, $command) = @_;
    my $before = $leader->{next};
    $leader->say($command);
    $leader->wait_for(qr/^END$/, $long) // diag($leader->transcript);
    return join "\n", @{$leader->{lines}}[$before .. $leader->{next} - 2];
}

sub begin {
    my ($id, $name, %more) = @_;
    $leader{$id} = leader($name);
    session($id, UID => $uid{$name}, LEADER => $leader{$id}->pid, Name => $name, Service => 'sshd', Type => 'tty', TTY => '',
        Seat => '', Remote => 'yes', %more);
}

my $ctl = build('scpolicyctl');
sub attach { return run($leader{$_[0]}, "ASAN_OPTIONS=detect_leaks=0 $ctl attach $_[1]") }
sub ctl { return scalar qx($ctl @_ 2>&1) }
sub explained { my ($id, $pattern, $why) = @_; ok(until_true($long, sub { ctl("explain $id") =~ $pattern }), $why) or diag(ctl("explain $id")) }
sub in_doubt { my ($id) = @_; return ctl("explain $id") =~ /its client is away/ }

for my $name (sort keys %channel) {
    $client{$name}{pcscd} = client_pcscd($name);
    $client{$name}{relay} = relay($name, $client{$name}{pcscd}, $uid{$name});
}
begin('1', 'anna');
begin('2', 'ben');

subtest 'two people, each with a reader of the same name' => sub {
    insert($channel{$_}) for sort keys %channel;
    like(attach('1', '/run/clients/anna.comm'), qr/guards this session once it shows/, 'anna attaches her client');
    my $record = read_record('1');
    is_deeply([@{$record}{'SESSION', 'USER', 'UID', 'SOURCE', 'AWAITING', 'READER'}], ['1', 'anna', $uid{anna}, 'ssh', '1', undef],
        'the session has a record that waits for its card');
    attach('2', '/run/clients/ben.comm');
    explained($_, qr/card in: the reader reports it present/, "the card of session $_ guards it") for '1', '2';
    my $text = ctl('explain 1');
    like($text, qr/source=ssh/, 'explain says where the card is');
    like($text, qr/bound: late: .*presence, not proof/, '… and what that is worth');
    like(ctl('sessions'), qr/^1 +anna +sshd +guarded +lock .*Virtual PCD 00 00 +ssh, late$/m, 'sessions does');
    $daemon->wait_for(qr/session 1 .*presence, not proof .*bound=late/, $long) // fail('the journal does not');
    my @readers = ctl('readers') =~ /^Virtual PCD 00 00 .* (\d) +ssh$/mg;
    is_deeply([sort @readers], ['1', '2'], 'readers shows one for each session');
    my $own = run($leader{2}, "ASAN_OPTIONS=detect_leaks=0 $ctl readers");
    like($own, qr/^Virtual PCD 00 00 .* 2 +ssh$/m, 'ben sees his own');
    unlike($own, qr/ 1 +ssh$/m, 'and no other');
};

subtest 'a removal at one client' => sub {
    pull($channel{anna});
    expect_lock('1', $long, 'locks that session');
    my $entry = expect_entry($long, 'and is reported', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '1', SCPOLICY_CAUSE => 'card');
    is($entry->{SCPOLICY_SOURCE}, 'pcsc', 'by PC/SC');
    insert($channel{anna});
    explained('1', qr/card in:/, 'the card is back');
    pull($channel{anna});
    expect_lock('1', $long, 'Windows missed removals after the first: this one is acted on');
    insert($channel{anna});
    explained('1', qr/card in:/, 'it is guarded again');
    pull($channel{ben});
    expect_lock('2', $long, "ben's removal is his own");
    insert($channel{ben});
    explained('2', qr/card in:/, 'and over');
    is($logind->count(qr/^LockSession 1$/), 2, 'anna was locked twice');
    is($logind->count(qr/^LockSession 2$/), 1, 'ben once');
};

subtest 'the client is killed, and comes back with the card' => sub {
    $client{anna}{relay}->end('KILL');
    explained('1', qr/card unknown: its client is away/, 'that is no removal');
    $client{anna}{relay} = relay('anna', $client{anna}{pcscd}, $uid{anna});
    attach('1', '/run/clients/anna.comm');
    explained('1', qr/card in:/, 'with the same insertion nothing happened');
    is($logind->count(qr/^LockSession 1$/), 2, 'nobody was locked');
};

subtest 'its pcscd is started again: the counter starts again' => sub {
    $client{anna}{pcscd}->end('TERM');
    explained('1', qr/its client is away/, 'the client is away');
    $client{anna}{relay}->end('KILL');
    $client{anna}{pcscd} = client_pcscd('anna');
    $client{anna}{relay} = relay('anna', $client{anna}{pcscd}, $uid{anna});
    attach('1', '/run/clients/anna.comm');
    explained('1', qr/card in:/, 'the card is the same');
    is($logind->count(qr/^LockSession 1$/), 2, 'nobody was locked');
};

subtest 'the client is stopped while the card is removed' => sub {
    kill 'STOP', $client{ben}{relay}->pid;
    pull($channel{ben});
    expect_no_lock('2', 1, 'nothing is heard');
    kill 'CONT', $client{ben}{relay}->pid;
    expect_lock('2', $long, 'then it is');
    insert($channel{ben});
    explained('2', qr/card in:/, 'it is guarded again');
};

subtest 'the client comes back without the card' => sub {
    $client{ben}{relay}->end('KILL');
    explained('2', qr/its client is away/, 'it is away');
    my $removals = sub { $client{ben}{pcscd}->count(qr/Card Removed From/) };
    my $before = $removals->();
    pull($channel{ben});
    until_true($long, sub { $removals->() > $before }) or diag($client{ben}{pcscd}->transcript);
    $client{ben}{relay} = relay('ben', $client{ben}{pcscd}, $uid{ben});
    attach('2', '/run/clients/ben.comm');
    expect_lock('2', $long, 'absent, after Grace=');
    expect_entry($long, 'and so it is reported', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '2', SCPOLICY_CAUSE => 'absent');
    $client{ben}{relay}->end('KILL');
    $client{ben}{relay} = relay('ben', $client{ben}{pcscd}, $uid{ben});
    attach('2', '/run/clients/ben.comm');
    expect_no_lock('2', 2, 'once: Windows looped here');
    insert($channel{ben});
    explained('2', qr/card in:/, 'the card guards it again');
};

subtest 'the daemon is started again' => sub {
    stop_daemon('KILL');
    pull($channel{anna});
    $daemon = start_daemon();
    expect_lock('1', $long, 'a removal without a daemon is found, on the same connection');
    insert($channel{anna});
    explained('1', qr/card in:.*bound late/s, 'and the card is back');
    explained('2', qr/card in:/, "ben's connection is kept, too");
    is($client{ben}{relay}->count(qr/^CLOSED$/), 0, 'nobody closed it');
};

subtest 'a rule names the client' => sub {
    begin('3', 'cleo', Type => 'x11');
    my $relay = relay('cleo', $client{ben}{pcscd}, $uid{cleo});
    attach('3', '/run/clients/cleo.comm');
    explained('3', qr/card in:/, 'cleo is guarded');
    $relay->end('KILL');
    expect_lock('3', $long, 'after ClientGrace= it is acted on');
    expect_entry($long, 'as its own cause', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '3', SCPOLICY_CAUSE => 'client', SCPOLICY_RULE => 'away');
    expect_no_lock('3', 2, 'once');
    $relay = relay('cleo', $client{ben}{pcscd}, $uid{cleo});
    attach('3', '/run/clients/cleo.comm');
    explained('3', qr/card in:/, 'back with the card it is guarded');
};

subtest 'no card in time' => sub {
    pull($channel{ben});
    expect_lock('2', $long, "the removal is ben's");
    my $relay = relay('dora', $client{ben}{pcscd}, $uid{dora});
    begin('4', 'dora', Type => 'x11');
    attach('4', '/run/clients/dora.comm');
    expect_lock('4', $long, 'is acted on where a rule says so');
    expect_entry($long, 'as its own cause', SCPOLICY_EVENT => 'removal', SCPOLICY_SESSION => '4', SCPOLICY_CAUSE => 'no-card', SCPOLICY_RULE => 'required');
    insert($channel{ben});
    explained('2', qr/card in:/, 'his card is back');
};

subtest 'a session that never attaches' => sub {
    begin('8', 'dora', Type => 'x11');
    expect_lock('8', $long, 'is acted on, too, where a rule says so');
    begin('9', 'dora', Remote => 'no', Service => 'login', Type => 'x11');
    expect_no_lock('9', 2, 'one on this machine is not');
    is_deeply(read_record('9'), {}, '… and has no record');
};

subtest 'letting go' => sub {
    my $relay = relay('anna-too', $client{anna}{pcscd}, $uid{anna});
    begin('5', 'anna');
    attach('5', '/run/clients/anna-too.comm');
    explained('5', qr/card in:/, 'it is watched');
    $leader{5}->end('KILL');
    ok($relay->wait_for(qr/^CLOSED$/, $long), 'when the shell ends, the connection does: ssh can end');
};

subtest 'what is no connection' => sub {
    begin('6', 'dora');
    my $offer = tool('offer');
    for my $case (
        ['file', qr/no socket/], ['pipe', qr/no socket/], ['datagram', qr/no unix stream socket/], ['tcp', qr/no unix stream socket/],
        ['unconnected', qr/not connected/], ['listening', qr/listens/])
    {
        like(run($leader{6}, "$offer $case->[0]"), $case->[1], $case->[0]);
    }
    like(run($leader{6}, "$offer pair nonsense"), qr/A dialect is pcsc-lite or xrdp/, 'another dialect');
    is(run($leader{6}, "$offer pair"), 'attached', 'a socketpair passes');
    ok($daemon->wait_for(qr/session 6: the connection to its client's PC.SC is over|session 6: .*governed once/, $long), 'and harms its own session alone');
    run($leader{6}, "$offer pair") for 2 .. 4;
    like(run($leader{6}, "$offer pair"), qr/too many connections within a minute/, 'the fifth in a minute is refused');
    like(run(leader('ben'), "$offer pair"), qr/You are in no session/, 'a process of no session');
    session('7', UID => $uid{ben}, LEADER => (my $other = leader('ben'))->pid);
    record('7', UID => $uid{ben}, USER => 'ben', LEADER => $other->pid);
    $daemon->wait_for(qr/session 7 of user .* is governed/, $long);
    like(run($other, "$offer pair"), qr/a card in a reader of this machine .* guards it/, 'a card here outranks one at the client');
};

# A far end that misbehaves: what it is, and what it does with each connection.
subtest 'far ends that nobody should trust' => sub {
    my %far_end = (
        closes => ['', qr/it closed the connection/],
        old => ['print $c pack "iiL", 4, 3, 0x8010001E', qr/version 4:3/],
        garbage => ['print $c "x" x 100000', qr/does not speak|disorder/],
        names => ['print $c pack("iiL", 4, 4, 0) . "n" x 2944 . pack("iiL", 4, 4, 0)', qr/name without an end/],
        mixed => ['print $c pack("iiL", 4, 4, 0) . "\0" x 4000', qr/disorder/],
        events => ['print $c pack("iiL", 4, 4, 0) . "\0" x 2944 . pack("iiL", 4, 4, 0) . "\1" x 64', qr/not asked for/],
        hangs => ['sleep 1000', qr/does not answer/],
    );
    my $number = 10;
    for my $what (sort keys %far_end) {
        my $id = $number++;
        my $process = start("far end: $what", $^X, '-MIO::Socket::UNIX', '-e', <<"X");
            \$SIG{PIPE} = 'IGNORE';
            my \$l = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => '/run/clients/$what.comm', Listen => 5) or die;
            chmod 0666, '/run/clients/$what.comm';
            \$| = 1; print "LISTENING\\n";
            while (my \$c = \$l->accept) { \$c->autoflush(1); sysread \$c, my \$b, 20 if '$what' ne 'closes'; $far_end{$what}[0]; sleep 1 if '$what' ne 'closes'; close \$c }
X
        $process->wait_for(qr/^LISTENING/, $long);
        begin($id, 'dora');
        attach($id, "/run/clients/$what.comm");
        my $line = $daemon->wait_for(qr/session $id: the connection to its client's PC.SC is over/, $long) // '';
        like($line, $far_end{$what}[1], "$what: one clear message");
    }
    explained('1', qr/card in:/, 'nobody else has noticed');
    pull($channel{anna});
    expect_lock('1', $long, 'and removals are acted on');
};

# From here on nobody calls attach: the daemon finds the client's socket by Pcsc=.
sub relay_found { return relay("found-$uid{ella}", $client{ben}{pcscd}, $uid{ella}) }

my $found_relay;
subtest 'a client that nobody attached' => sub {
    begin('30', 'ella', Type => 'x11');
    my $before = looks();
    ok(until_true($long, sub { looks() > $before }), 'it is looked for');
    $found_relay = relay_found();
    explained('30', qr/card in:.*bound late: presence, not proof/s, 'once its socket is there, its card guards the session');
    is(read_record('30')->{SOURCE}, 'ssh', 'as if it had attached it');
    pull($channel{ben});
    expect_lock('30', $long, 'it is removed');
    insert($channel{ben});
    explained('30', qr/card in:/, 'and back');
};

subtest 'it leaves and comes back' => sub {
    $found_relay->end('KILL');
    explained('30', qr/its client is away/, 'that is no removal');
    $found_relay = relay_found();
    explained('30', qr/card in:/, 'it is found again');
    stop_daemon('KILL');
    pull($channel{ben});
    # The new daemon looks before it hears of the connection that there is.
    kill 'STOP', $watcher->pid;
    my $connected = $found_relay->count(qr/^CONNECTED$/);
    my $ended = $found_relay->count(qr/^ENDED/);
    $daemon = start_daemon();
    until_true($long, sub { $found_relay->count(qr/^CONNECTED$/) > $connected }) or diag('no look');
    kill 'CONT', $watcher->pid;
    expect_lock('30', $long, 'a removal without a daemon is found');
    ok(until_true($long, sub { $found_relay->count(qr/^ENDED/) > $ended }), "a connection that was found then is one too many");
    is($found_relay->count(qr/^ENDED 1$/), 0, '… and the first one stays');
    insert($channel{ben});
    explained('30', qr/card in:.*bound late/s, 'and the card is back');
};

subtest 'when its shell ends, the connection that was found does' => sub {
    my $closed = $found_relay->count(qr/^CLOSED$/);
    $leader{30}->end('KILL');
    ok(until_true($long, sub { $found_relay->count(qr/^CLOSED$/) > $closed }), 'ssh can end');
    $logind->say('end 30');
};

# As sshd does: root's process leads the session, the user's is of root's own setsid(2), and each shell has one of its own. It is
# started when a line comes.
sub sshd_leader {
    my ($name) = @_;
    return start("sshd of $name", 'setsid', $^X, '-MPOSIX', '-e', <<'X', $uid{$name});
        my ($uid) = @ARGV;
        $| = 1;
        fork or do {
            ($), $() = ("$uid $uid", $uid);
            ($<, $>) = ($uid, $uid);
            my $line = <STDIN>;
            fork or do { POSIX::setsid(); print "SHELL $$\n"; exec 'sleep', '1000' };
        };
        wait, sleep 1000;
X
}

subtest 'a session of sshd\'s' => sub {
    my $leader = sshd_leader('ella');
    session('34', UID => $uid{ella}, LEADER => $leader->pid, Name => 'ella', Service => 'sshd', Type => 'tty', TTY => '', Seat => '', Remote => 'yes');
    ok($daemon->wait_for(qr/session 34: its client's PC.SC is not used: no process of the session's own would end/, $long),
        'without a shell, nothing could end the connection, and it would keep ssh from ending');
    $leader->say('');
    my ($shell) = ($leader->wait_for(qr/^SHELL/, $long) // '') =~ /(\d+)/;
    explained('34', qr/card in:/, 'with a shell it is watched');
    my $closed = $found_relay->count(qr/^CLOSED$/);
    kill 'KILL', $shell;
    ok(until_true($long, sub { $found_relay->count(qr/^CLOSED$/) > $closed }), 'the shell ends, and the connection does');
    ok(kill(0, $leader->pid), "while sshd's process waits for that");
    $logind->say('end 34');
};

# A far end that closes each connection, and says whose it was, as the kernel says (unix(7)).
sub closing_far_end {
    my ($name) = @_;
    my $far_end = start("far end of $name", $^X, '-MIO::Socket::UNIX', '-e', <<'X', "/run/clients/found-$uid{$name}.comm", $uid{$name});
        my ($path, $uid) = @ARGV;
        my $l = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 5) or die;
        chown $uid, $uid, $path;
        $| = 1; print "LISTENING\n";
        while (my $c = $l->accept) {
            my ($pid, $user, $group) = unpack 'i3', getsockopt $c, SOL_SOCKET, 17;
            print join(' ', 'PEER', $user, $group, sort unpack('i*', getsockopt $c, SOL_SOCKET, 59)), "\n";
        }
X
    $far_end->wait_for(qr/^LISTENING/, $long);
    return $far_end;
}

subtest 'who looks' => sub {
    my $far_end = closing_far_end('peer');
    begin('35', 'peer');
    is($far_end->wait_for(qr/^PEER/, $long), "PEER $uid{peer} $uid{peer} $uid{peer} 4100", "is the session's user, with all groups, and nobody else's");
    $logind->say('end 35');
};

subtest 'a client that closes each connection' => sub {
    my $far_end = closing_far_end('ends');
    begin('37', 'ends');
    $far_end->wait_for(qr/^PEER/, $long) or diag('no look') for 1 .. 3;
    is($daemon->count(qr/session 37: the connection to its client's PC.SC is over: it closed the connection/), 1,
        'is found again, ever less often, and that is told once');
    $logind->say('end 37');
};

# What is at the place; a listener hears of nobody.
sub listen_at {
    my ($name, $owner, $backlog) = @_;
    my $path = "/run/clients/found-$uid{$name}.comm";
    my $process = start("listener $name", $^X, '-MIO::Socket::UNIX', '-e', <<"X");
        my \$l = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => '$path', Listen => $backlog) or die;
        chown $uid{$owner}, $uid{$owner}, '$path';
        chmod 0666, '$path';
        \$| = 1; print "LISTENING\n";
        close \$l if '$name' eq 'shut';
        sleep 1000;
X
    $process->wait_for(qr/^LISTENING/, $long);
    return $process;
}

subtest 'what is no client' => sub {
    my ($path, %wrong) = (sub { "/run/clients/found-$uid{$_[0]}.comm" },
        file => qr/is no socket/, link => qr/is a link to nothing/, other => qr/is somebody else's/);
    write_file($path->('file'), '');
    symlink '/run/clients/nothing', $path->('link') or die $!;
    listen_at('other', 'anna', 5);
    listen_at('shut', 'shut', 5);
    my $full = listen_at('full', 'full', 128);
    my %id = map { $_ => $uid{$_} } 'file', 'link', 'other', 'full', 'shut';
    begin($id{$_}, $_) for sort keys %id;
    for my $name (sort keys %wrong) {
        ok(until_true($long, sub { $daemon->count(qr/session $id{$name}: its client's PC.SC is not used: .*$wrong{$name}/) }),
            "$name: one clear message") or diag($daemon->transcript(20));
    }
    ok(until_true($long, sub { $daemon->count(qr/session $id{full}: the connection to its client's PC.SC is over: it does not answer/) }),
        'full: one clear message') or diag($daemon->transcript(20));
    my $before = looks();
    ok(until_true($long, sub { looks() > $before + 8 }), 'they are looked for again');
    is($daemon->count(qr/session $id{$_}: (its client|the connection)/), 1, "$_: which is told once") for 'file', 'full', 'link', 'other';
    is($daemon->count(qr/session $id{shut}:/), 0, 'a socket that nobody serves is nobody\'s fault');
    $leader{$id{full}}{next} = @{$leader{$id{full}}{lines}};
    my $offer = tool('offer');
    is(run($leader{$id{full}}, "$offer pair"), 'attached', "its looks do not use up its user's attaches") for 1 .. 4;
    like(run($leader{$id{full}}, "$offer pair"), qr/too many connections within a minute/, 'of which the fifth is refused');
    $logind->say("end $id{$_}") for sort keys %id;
};

# A file system of a user's that does not answer, and a link to it.
subtest 'a place that hangs' => sub {
    local $^F = 1000;
    system('modprobe', '-q', 'fuse') if !-e '/dev/fuse';
    sysopen(my $fuse, '/dev/fuse', O_RDWR) or return fail("/dev/fuse: $!");
    mkdir '/run/hangs';
    my $options = 'rootmode=40000,user_id=0,group_id=0,allow_other,fd=' . fileno $fuse;
    system('mount', '-i', '-t', 'fuse', '-o', $options, 'hangs', '/run/hangs') == 0 or return fail('no file system in user space');
    symlink '/run/hangs/pcscd.comm', "/run/clients/found-$uid{held}.comm" or die $!;
    begin('36', 'held');
    ok($daemon->wait_for(qr/session 36: its client's PC.SC is not used: something held the look for its socket up/, 2 * $long), 'is told');
    $logind->say('end 36');
    system('umount', '--lazy', '/run/hangs');
};

subtest 'where nothing else asks for records' => sub {
    my $no_rule = "[Rule required]\nUser=nobody\n";
    write_file('/etc/scpolicyd.conf.d/place.conf', "$no_rule\[Remote]\nPcsc=none\n");
    like(ctl('reload'), qr/read again/, 'Pcsc=none is taken');
    my $before = looks();
    begin('31', 'ella');
    expect_no_lock('31', 2, 'nothing happens');
    is(looks(), $before, 'nobody is looked for');
    $found_relay->end('KILL');
    write_file('/etc/scpolicyd.conf.d/place.conf', $no_rule);
    ctl('reload');
    ok(until_true($long, sub { looks() > $before }), 'with a place, the session of before is');
    is_deeply(read_record('31'), {}, 'it has no record');
    $found_relay = relay_found();
    explained('31', qr/card in:/, 'until its client is found');
    is(read_record('31')->{SOURCE}, 'ssh', 'as if it had attached it');
    begin('32', 'ella', Remote => 'no', Service => 'login');
    expect_no_lock('32', 1, 'a session on this machine is nobody\'s client');
    is_deeply(read_record('32'), {}, '… and has no record');
};

subtest 'the connector fails' => sub {
    $connector->end('KILL');
    unlink '/run/scpolicyd-connect.socket';
    my $failing = start('failing connector', 'systemd-socket-activate', '--seqpacket', '--accept', '-l', '/run/scpolicyd-connect.socket', '/bin/true');
    until_true($long, sub { -S '/run/scpolicyd-connect.socket' });
    begin('33', 'ella');
    ok($daemon->wait_for(qr/session 33: .*the connector has not answered/, $long), 'which is told');
    $failing->end('KILL');
    unlink '/run/scpolicyd-connect.socket';
    $connector = connector();
    explained('33', qr/card in:/, 'and tried again');
};

subtest 'the watcher ends' => sub {
    insert($channel{anna});
    explained('1', qr/card in:/, 'anna is guarded');
    $watcher->end('KILL');
    explained('1', qr/its client is away/, 'for the daemon, the clients are away');
    $watcher = watcher();
    explained('31', qr/card in:/, 'until they are found again');
    attach('1', '/run/clients/anna.comm');
    explained('1', qr/card in:/, 'or attached again');
};

done_testing();
