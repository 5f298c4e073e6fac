# SPDX-License-Identifier: GPL-2.0-or-later
# org.scpolicyd1 on a bus with the real policy: what root, an ordinary user and a member of the group may see and do,
# and what nobody can do to it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;

my $data = "$FindBin::Bin/../../user/data";
my @service = ('org.scpolicyd1', '/org/scpolicyd1', 'org.scpolicyd1.Manager');
my %who = (                                          # uid, gid and other groups of each
    root => [0, 0], alice => [4001, 4001], bob => [4002, 4002], member => [4003, 4003, 4100],
    carol => [4004, 4004]);
my $slot = 35963;

# What a command says when `who` runs it, errors included.
sub as {
    my ($who, @command) = @_;
    my ($uid, $gid, @groups) = @{$who{$who}};
    my $groups_option = @groups ? '--groups=' . join(',', @groups) : '--clear-groups';
    my $pid = open(my $output, '-|') // die $!;
    if (!$pid) {
        open(STDERR, '>&', \*STDOUT);
        exec 'setpriv', "--reuid=$uid", "--regid=$gid", $groups_option, @command or exit 127;
    }
    my $said = join '', <$output>;
    close $output;
    return $said;
}

sub ask {
    my ($who, $method, @arguments) = @_;
    return as($who, 'busctl', '--system', 'call', @service, $method, @arguments);
}

# A process of `who` that runs a function of Stage::BusClient.
sub client {
    my ($who, $call) = @_;
    return start("client of $who", $^X, "-I$FindBin::Bin", '-MStage::BusClient', '-e',
        'Stage::BusClient::become(' . join(',', @{$who{$who}}) . "); Stage::BusClient::$call");
}

sub rss {
    my ($daemon) = @_;
    open(my $file, '<', '/proc/' . $daemon->pid . '/status') or die $!;
    my ($kib) = join('', <$file>) =~ /^VmRSS:\s*(\d+)/m;
    return $kib;
}

own('/etc');
append_file('/etc/passwd', map { "$_:x:$who{$_}[0]:$who{$_}[1]::/:/bin/sh" } 'alice', 'bob', 'member', 'carol');
append_file('/etc/group', (map { "$_:x:$who{$_}[1]:" } 'alice', 'bob', 'member', 'carol'), 'scpolicyd:x:4100:member');
append_file('/etc/scpolicyd.conf', '[Policy]', 'Then=logout', 'After=90s', '[Rule bobs]', 'User=bob', 'Cause=card',
    'Action=logout');
chmod 0755, '/run';
start_bus("$data/org.scpolicyd1.conf");
my $logind = start_logind();
start_journal();
start_pcscd();
insert($slot);
$ENV{ASAN_OPTIONS} = 'quarantine_size_mb=1';         # so that memory that was freed is not counted
my $daemon = start_daemon();
my $readers = 'busctl --system call ' . join(' ', @service) . ' ListReaders';
for (1 .. 100) {
    last if `$readers` =~ /"Present" b true/;
    select undef, undef, undef, 0.1;
}
my ($counter) = `$readers` =~ /"EventCounter" u (\d+)/;
session('1', UID => 4001);
session('2', UID => 4002, Type => 'tty');
record('1', UID => 4001, USER => 'alice', COUNTER => $counter);
record('2', UID => 4002, USER => 'bob', COUNTER => $counter, READER => 'Virtual PCD 00 01', SLOT => 1);
expect_no_lock('1', 0.3, 'two people signed in');

subtest 'who sees what' => sub {
    like(ask($_, 'ListSessions'), qr/^aa\{sv\} 2 .*"User" s "alice".*"User" s "bob"/, "$_ sees both sessions")
        for 'root', 'member';
    like(ask('alice', 'ListSessions'), qr/^aa\{sv\} 1 .*"User" s "alice"/, 'alice sees her own');
    unlike(ask('alice', 'ListSessions'), qr/bob/, 'and nothing of bob');
    like(ask('alice', 'ListSessions'), qr/"Action" s "lock" "Then" s "logout" "Rule"/, 'with both stages');
    like(ask('alice', 'GetStatus'), qr/^a\{sv\} .*"Probe" s "none".*"Pcscd" s "up".*"Sessions" u 1 /, 'hers are counted');
    like(ask('root', 'GetStatus'), qr/"Sessions" u 2 .*"ConfigFiles" as 1 "\/etc\/scpolicyd.conf" "Rules" u 1 /, 'all of them');
    like(ask($_, 'ListReaders'), qr/^aa\{sv\} 2 .*"Name" s "Virtual PCD 00 00".*?"Present" b true.*?"Sessions" as 1 "1"/, "$_ sees both readers")
        for 'root', 'member';
    like(ask('alice', 'ListReaders'), qr/^aa\{sv\} 1 .*"Name" s "Virtual PCD 00 00".*?"Sessions" as 1 "1"/, 'alice, the one that has her card');
    like(ask('bob', 'ListReaders'), qr/^aa\{sv\} 1 .*"Name" s "Virtual PCD 00 01".*?"Sessions" as 1 "2"/, 'bob, the other');
    like(ask('carol', 'ListReaders'), qr/^aa\{sv\} 0$/, 'carol, who has no session, none');
    like(ask($_->[0], 'GetStatus'), qr/"Readers" u $_->[1] /, "$_->[0] has $_->[1] counted") for ['root', 2], ['alice', 1], ['carol', 0];
    like(ask($_, 'GetMetrics'), qr/^a\(sa\{ss\}d\) \d+ .*"scpolicyd_sessions" 0 2 /, "$_ reads the counters") for 'root', 'member';
    like(ask('alice', 'GetMetrics'), qr/Access denied/, 'alice does not');
};

subtest 'what governs a session, and what would be done' => sub {
    my $told = ask('alice', 'Explain', 's', '1');
    like($told, qr/"Session" s "1".*"Causes" aa\{sv\} 4 /, 'alice gets the signal of hers');
    like($told, qr{"Action" "lock" "" "" 0 "Then" "logout" "/etc/scpolicyd.conf" "" 2 "After" "1min 30s" "/etc/scpolicyd.conf" "" 3 },
        'each setting with its place');
    like(ask('root', 'Explain', 's', '2'), qr{"Action" "logout" "/etc/scpolicyd.conf" "bobs" 7 }, 'or its rule');
    like($told, qr/"Would" s "locked at once; logged out 1min 30s later unless it is unlocked, and only if its locker reports the lock"/, 'and what follows');
    like($told, qr/"Belief" s "card in: the reader reports it present; insertion 1, as recorded; the probe does not listen" "BeliefKind" s "in"/,
        'what is believed of its card, and why') or diag($told);
    like(ask('alice', 'Simulate', 'ss', '1', 'card'), qr/"Action" s "lock" "Steps" as 1 "lock" "AfterAgreement" b false /, 'simulated');
    like(ask('member', 'Simulate', 'ss', '2', 'card'), qr/"Action" s "logout" "Steps" as 1 "terminate" .*"Rule" s "bobs"/, "bob's, by a member");
    like(ask('alice', 'Simulate', 'ss', '1', 'theft'), qr/A cause is card, reader/, 'an unknown cause names those that there are');
    for my $method ('"Explain", "ID"', '"Simulate", "ID", "card"') {
        my @refusals = map { client('alice', 'ask(' . $method =~ s/ID/$_/r . ')')->wait_for(qr/^ANSWER/, 5) =~ s/'$_'/ID/r } '2', '99';
        like($refusals[0], qr/^ANSWER org.freedesktop.DBus.Error.AccessDenied Session ID is not one of yours/, "another's session is refused");
        is($refusals[1], $refusals[0], 'in the same words as one that does not exist');
    }
    like(ask($_, 'Explain', 's', '99'), qr/no login record/, "$_ learns that there is none") for 'root', 'member';
};

subtest 'reload' => sub {
    like(ask($_, 'Reload'), qr/Access denied/, "not for $_, without polkit") for 'alice', 'member';
    is(ask('root', 'Reload'), '', 'root may');
    expect_entry(2, 'and it is reported', SCPOLICY_EVENT => 'config');
    append_file('/etc/scpolicyd.conf', 'Colour=red');
    like(ask('root', 'Reload'), qr{/etc/scpolicyd.conf:8: .*Colour}, 'a faulty file is named by its line');
    like(ask($_, 'GetStatus'), qr{"ConfigError" s "/etc/scpolicyd.conf:8: }, "and in the status, for $_") for 'root', 'member';
    my $told = ask('alice', 'GetStatus');
    like($told, qr/"ConfigError" s "refused; root sees why"/, 'alice learns that it was refused');
    unlike($told, qr/Colour|conf:8/, 'and nothing of what the file says');
    write_file('/etc/scpolicyd.conf', "[Policy]\nAction=lock\n");
    is(ask('root', 'Reload'), '', 'and no longer once it is good');
    unlike(ask('root', 'GetStatus'), qr/ConfigError/, 'which the status shows');
};

subtest 'the description is what is there' => sub {
    my $live = as('alice', 'busctl', '--system', 'introspect', '--xml-interface', @service[0, 1]);
    my $interface = sub {
        my ($xml) = $_[0] =~ s/<!--.*?-->//gsr =~ m{<interface name="org.scpolicyd1.Manager">(.*?)</interface>}s;
        $xml =~ s{<annotation [^>]*/>}{}g;
        $xml =~ s{(<(method|property) [^>]*)/>}{$1></$2>}g;
        my @members = map { s/\s+/ /gr } grep { /^</ } $xml =~ m{(<(method|signal|property) .*?</\g2>)}gs;
        return join "\n", sort map { s{ ?([<>]) ?}{$1}gr } @members;
    };
    open(my $file, '<', "$data/org.scpolicyd1.xml") or die $!;
    is($interface->(join '', <$file>), $interface->($live), 'the installed file and the live introspection agree');
};

my $alice = client('alice', "listen_to_signals()");
my $bob = client('bob', "listen_to_signals('sender=org.scpolicyd1')");
my $member = client('member', "listen_to_signals('sender=org.scpolicyd1')");
ok($_->wait_for(qr/^ANSWER fine/, 5), 'subscribed') or diag($_->transcript) for $alice, $bob, $member;

subtest 'a removal is reported to whom it concerns' => sub {
    pull($slot);
    expect_lock('1', 5);
    for (['alice', $alice, '/own'], ['member', $member, '']) {
        my ($name, $client, $path) = @$_;
        ok($client->wait_for(qr{^SIGNAL /org/scpolicyd1$path Removal 1 alice Virtual PCD 00 00 card pcsc$}, 5), "$name hears of the removal");
        ok($client->wait_for(qr{^SIGNAL /org/scpolicyd1$path Action 1 lock sent$}, 5), 'of the lock');
        ok($client->wait_for(qr{^SIGNAL /org/scpolicyd1$path Action 1 lock verified$}, 5), 'of its outcome') or diag($client->transcript);
        cmp_ok($client->count(qr{^SIGNAL \S+ Trail}), '>=', 3, 'and of each entry');
        is($client->count(qr{^SIGNAL (?!/org/scpolicyd1$path )}), 0, 'once');
    }
    is($bob->count(qr{^SIGNAL (?!/org/scpolicyd1/own )| alice }), 0, 'bob hears nothing of it, whatever he matches')
        or diag($bob->transcript);
};

subtest 'hostile arguments' => sub {
    my $long = client('bob', 'ask("Explain", "x" x 262144)');
    ok($long->wait_for(qr/^ANSWER org.freedesktop.DBus.Error.InvalidArgs/, 5), 'a string of 256 KB') or diag($long->transcript);
    my $odd = client('bob', 'ask("Explain", "%n../\\n\\x{7f}")');
    ok($odd->wait_for(qr/^ANSWER org.freedesktop.DBus.Error.AccessDenied/, 5), 'an id that is none') or diag($odd->transcript);
    like(ask('bob', 'Explain', 'u', '5'), qr/Invalid arguments/, 'a number for a string');
    like(ask('bob', 'Explain'), qr/Invalid arguments/, 'nothing');
    like(ask('bob', 'Simulate', 'sss', '1', 'card', 'more'), qr/Invalid arguments/, 'one more');
    like(ask('bob', 'Destroy'), qr/Unknown method|Access denied/, 'no such method');
    like(as('bob', 'busctl', '--system', 'set-property', @service, 'Version', 's', '2'), qr/read-only|not writable/i, 'a property is read only');
    like(as('bob', 'busctl', '--system', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
        'RequestName', 'su', 'org.scpolicyd1', '4'), qr/denied|not allowed/i, 'the name cannot be taken');
};

subtest 'a thousand clients, none of which reads' => sub {
    insert($slot);
    ok($alice->wait_for(qr/^SIGNAL .* Trail/, 10), 'the card is back');
    unlock($logind, '1');
    my $before = rss($daemon);
    kill 'STOP', $daemon->pid; # so that all calls wait at once, however fast it is, and root's behind them
    my @floods = (client('alice', 'flood(500, 10, "Subscribe")'), client('bob', 'flood(500, 10, "ListSessions")'),
        client('bob', 'flood(1, 2000, "Explain", "x" x 200)'), client('alice', 'flood(1, 100, "Explain", "x" x 262144)'));
    ok($_->wait_for(qr/^FLOODED/, 60), 'all calls are made') or diag($_->transcript) for @floods;
    my $root = client('root', 'ask("GetStatus")');
    ok($root->wait_for(qr/^ASKED/, 10), 'and one by root');
    kill 'CONT', $daemon->pid;
    ok($root->wait_for(qr/^ANSWER/, 60), 'root has an answer') or diag($root->transcript);
    is($root->count(qr/^ANSWER fine/), 1, 'which is no refusal') or diag($root->transcript);
    pull($slot);
    expect_lock('1', 10, 'a removal meanwhile is acted on');
    like(ask('root', 'GetStatus'), qr/"Version"/, 'and root is answered');
    my $after = rss($daemon);
    cmp_ok($after - $before, '<', 65536, "memory is bounded ($before KiB before, $after after)");
    $_->end('KILL') for @floods;
    like(ask('root', 'GetStatus'), qr/"Version"/, 'and once they are gone');
};

is(stop_daemon(), 0, 'it ends well');
unlike($daemon->transcript, qr/Sanitizer|runtime error/, 'the sanitizers found nothing');
done_testing();
