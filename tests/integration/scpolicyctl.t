# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyctl against the live daemon: every verb, as text and as JSON, for root and for a person of one session.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use File::Path 'make_path';
use JSON::PP;
use Stage;
use Test::More;

my $SLOT0 = 35963;
my $top = "$FindBin::Bin/../..";
my $recordings = "$top/tests/unit/recordings";
my %uid = (anna => 4001, ben => 4002, carl => 4003);
my @verbs_of_daemon = (['status'], ['sessions'], ['readers'], ['explain', '1'], ['simulate', '1', 'card'], ['monitor'],
    ['reload']);

# The words that run a command as somebody else.
sub as {
    my ($who) = @_;
    return () if $who eq 'root';
    return ('setpriv', "--reuid=$uid{$who}", "--regid=$uid{$who}", '--clear-groups');
}

# Runs scpolicyctl: its exit status, standard output and standard error.
sub ctl_as {
    my ($who, @words) = @_;
    my $pid = open(my $output, '-|') // die $!;
    if (!$pid) {
        open(STDERR, '>', '/run/stderr') or die $!;
        exec as($who), build('scpolicyctl'), @words or exit 127;
    }
    my $said = join '', <$output>;
    close $output;
    open(my $errors, '<', '/run/stderr') or die $!;
    return ($? >> 8, $said, join '', <$errors>);
}

sub ctl { return ctl_as('root', @_) }

sub json_as {
    my ($who, @words) = @_;
    my ($status, $said, $errors) = ctl_as($who, '--json', @words);
    is($status, 0, "$who: @words --json") or diag($errors);
    return eval { decode_json($said) } // do { fail("no JSON: $said"); {} };
}

sub said_ok {
    my ($why, $pattern, @words) = @_;
    my ($status, $said, $errors) = ctl(@words);
    is($status, 0, "@words") or diag($errors);
    like($said, $pattern, "@words: $why");
}

# One line that says what is wrong, nothing else.
sub refused {
    my ($who, $expected, $pattern, @words) = @_;
    my ($status, $said, $errors) = ctl_as($who, @words);
    is($status, $expected, "$who: @words: exit status $expected");
    is($said, '', '  nothing on standard output');
    like($errors, qr/^scpolicyctl: [^\n]*\n\z/, '  one line');
    like($errors, $pattern, '  which says what would be right');
}

# ---- without the daemon ----------------------------------------------------------------------------------

subtest 'words' => sub {
    refused('root', 2, qr/did you mean "sessions"\?/, 'sesions');
    refused('root', 2, qr/did you mean "monitor"\?/, 'mon');
    refused('root', 2, qr/--help/, 'xyzzyplugh');
    refused('root', 2, qr/scpolicyctl simulate \[SESSION\] CAUSE; .*card reader absent/, 'simulate');
    refused('root', 2, qr/no cause "frob"; the causes/, 'simulate', 'frob');
    refused('root', 2, qr/takes no argument/, 'sessions', '1');
    refused('root', 2, qr/card reader absent/, 'simulate', '1', 'crad');
    refused('root', 2, qr/did you mean "reader"\?/, 'simulate', '1', 'raeder');
    refused('root', 2, qr/not a session id/, 'explain', '../1');
    refused('root', 2, qr/--unknown .*--help/, '--unknown');
    refused('root', 2, qr/-x .*--help/, '-jx', 'status');
    refused('root', 2, qr/--root wants a value/, 'doctor', '--root');
    is((ctl('help', $_))[1], (ctl($_, '--help'))[1], "help $_") for 'status', 'doctor';
    is((ctl('help'))[1], (ctl('--help'))[1], 'help');
    like((ctl('--version'))[1], qr/^scpolicyctl \d+\.\d+/, '--version');
    said_ok('lists the verbs', qr/^  simulate \[SESSION\] CAUSE +what/m, '--help');
    for my $verb (map { $_->[0] } @verbs_of_daemon, ['replay'], ['notify']) {
        said_ok('teaches', qr/^Usage: scpolicyctl $verb\b.*\n[A-Z]/, $verb, '--help');
    }
};

subtest 'no bus, no daemon' => sub {
    refused('root', 3, qr/no system bus/, @$_) for @verbs_of_daemon;
    own('/etc');
    append_file('/etc/passwd', map { "$_:x:$uid{$_}:$uid{$_}::/:/bin/sh" } sort keys %uid);
    append_file('/etc/group', map { "$_:x:$uid{$_}:" } sort keys %uid);
    chmod 0755, '/run';
    start_bus("$top/user/data/org.scpolicyd1.conf");
    refused('root', 3, qr/does not run; .*systemctl start scpolicyd/, @$_) for @verbs_of_daemon;
    refused('root', 3, qr/does not run/, '--json', 'status');
    my ($status, $said) = ctl('compliance');
    is($status, 3, 'compliance without the daemon: exit status');
    like($said, qr/^probe-attached .* fail +no daemon answers/m, '… which it reports');
};

# ---- a machine where two people have signed in with a card -------------------------------------------------

my $policy = <<'X';
[Policy]
Action=lock

[Rule anna]
User=anna
Cause=card
Then=logout
After=20s
X
write_file('/etc/scpolicyd.conf', $policy);
my $logind = start_logind();
start_journal();
start_pcscd();
my $daemon = start_daemon();
my $witness = start('witness', "$top/build/tests/integration/worker-client", worker_path());

sub put_in {
    insert($SLOT0);
    my $line = $witness->wait_for(qr/^READER card=present .*slot=0 /, 5) // '';
    return $line =~ s/.*counter=(\d+).*/$1/r;
}

my $counter = put_in();
my %name = (1 => 'anna', 2 => "b\xffen\xc2\x9b31m\xe2\x80\xa8");
for my $id (1, 2) {
    session($id, UID => 4000 + $id);
    record($id, UID => 4000 + $id, USER => $name{$id}, COUNTER => $counter);
    $daemon->wait_for(qr/session $id of user .* is governed/, 5) or diag($daemon->transcript);
}

subtest 'sessions and readers' => sub {
    said_ok('one line each', qr/^SESSION +USER.*\n1 +anna +login +guarded +lock, logout +anna +\Q$Stage::READER\E\n2 +b/, 'sessions');
    my $sessions = json_as('root', 'sessions')->{sessions};
    is_deeply([map { $_->{session} } @$sessions], ['1', '2'], 'both');
    is($sessions->[0]{event_counter}, $counter, 'numbers are numbers');
    is($sessions->[0]{locked}, JSON::PP::false, 'truth is truth');
    is_deeply([map { $_->{session} } @{json_as('anna', 'sessions')->{sessions}}], ['1'], 'anna sees her own');
    is_deeply([@{$sessions->[0]}{'action', 'then'}, $sessions->[1]{then}], ['lock', 'logout', undef], 'both stages');
    like((ctl_as('carl', 'sessions'))[1], qr/^No session of yours was opened with a card\.$/, 'who has none reads that');
    my ($status, $text) = ctl('sessions');
    unlike($text, qr/\xff|\xc2\x9b|\x1b/, 'what a terminal would take for a command is not shown');
    ($status, $text) = ctl('--json', 'sessions');
    unlike($text, qr/\xff|\xc2\x9b|\x1b/, 'nor as JSON');
    said_ok('the card is in', qr/^\Q$Stage::READER\E +yes /m, 'readers');
    my ($reader) = grep { $_->{name} eq $Stage::READER } @{json_as('root', 'readers')->{readers}};
    is_deeply([$reader->{present}, $reader->{sessions}], [JSON::PP::true, ['1', '2']], 'and bound to both');
};

subtest 'status' => sub {
    said_ok('on, sources, who', qr/ is on.*\n.*sources: .*pcsc.*pcscd: up.*scpolicyd\.conf, 1 rule\n.*problems: .*^1 +anna.*^READER/ms,
        'status');
    said_ok('the default', qr/ is on/);
    my $status = json_as('root', 'status');
    is($status->{daemon}{pcscd}, 'up', 'what it says of itself');
    is(scalar @{$status->{sessions}}, 2, 'the sessions');
    ok(scalar @{$status->{problems}}, 'no probe here: that is wrong');
};

# On a terminal of its own.
sub on_terminal { return `script -qec '@{[build('scpolicyctl')]} status' /dev/null` }

subtest 'colour' => sub {
    local $ENV{TERM} = 'xterm';
    like(on_terminal(), qr/ is \e\[32mon\e\[0m,/, 'on a terminal');
    unlike((ctl('status'))[1], qr/\e/, 'not elsewhere');
    local $ENV{NO_COLOR} = '1';
    my $said = on_terminal();
    like($said, qr/ is on,/, 'NO_COLOR');
    unlike($said, qr/\e\[3/, 'is obeyed');
};

subtest 'explain' => sub {
    my ($status, $text, $errors) = ctl('explain', '1');
    is($status, 0, 'explain 1') or diag($errors);
    like($text, qr/^Session 1 of anna \(uid 4001\), signed in through login: .*local/m, 'whose it is');
    like($text, qr/reader: \Q$Stage::READER\E, slot 0\n/, 'the reader');
    like($text, qr/insertion: $counter,/, 'the insertion');
    like($text, qr/^ +card in: the reader reports it present; insertion $counter, as recorded; the probe does not listen$/m,
        'what is believed of its card, and why');
    like($text, qr/^ +ATR: [0-9A-F]+$/m, 'which card');
    like($text, qr/locker: not provable/, 'its locker was not seen to report');
    like($text, qr/^card +\[Rule anna\] +\S.*\n^reader +\[Policy\] +\S/m, 'what would be done, and by which rule');
    like($text, qr{^Settings \(card\):\n.*^Then +logout +\[Rule anna\] +/etc/scpolicyd.conf:7\n}ms, 'file, line and rule');
    like($text, qr{^Action +lock +\[Policy\] +/etc/scpolicyd.conf:2\n}m, 'what the rule leaves to [Policy]');
    like($text, qr{^Confirm +500ms +- +built-in default\n}m, 'and what nobody wrote');
    like($text, qr{^Keep +last\b}m, 'a setting that is newer than those of remote sessions');
    unlike($text, qr{^(?:CardWithin|Grace|ClientGrace|Bind) }m, 'but nothing that concerns remote sessions alone');
    like($text, qr/^Settings \(reader, absent\b.*\):$/m, 'the other causes together');
    my ($card) = grep { $_->{cause} eq 'card' } @{json_as('root', 'explain', '1')->{causes}};
    my ($then) = grep { $_->{key} eq 'Then' } @{$card->{settings}};
    is_deeply($then, {key => 'Then', value => 'logout', file => '/etc/scpolicyd.conf', rule => 'anna', line => 7}, 'as JSON');
    is_deeply([@{json_as('root', 'explain', '1')}{'belief_kind', 'belief'}],
        ['in', "card in: the reader reports it present; insertion $counter, as recorded; the probe does not listen"], '… the belief too');
    local $ENV{XDG_SESSION_ID} = '1';
    is(json_as('anna', 'explain')->{session}, '1', "without an argument it is one's own");
    is(json_as('anna', 'explain', 'self')->{session}, '1', 'self is, too');
    refused('root', 2, qr/no session 99 that a card opened; 'scpolicyctl sessions' lists them/, 'explain', '99');
    refused('anna', 2, qr/no session 2 that a card opened/, 'explain', '2');
    refused('anna', 2, qr/no session 99 that a card opened/, 'explain', '99');
};

subtest 'simulate' => sub {
    said_ok('both stages', qr/^Session 1, cause card: \S.*policy: lock, by \[Rule anna\]\n.*calls: lock.*then: logout after 20 s/s,
        'simulate', '1', 'card');
    my $answer = json_as('root', 'simulate', '1', 'reader');
    is_deeply([@$answer{'session', 'action', 'rule', 'steps'}], ['1', 'lock', '', ['lock']], 'the reader is under [Policy]');
    local $ENV{XDG_SESSION_ID} = '1';
    is(json_as('anna', 'simulate', 'absent')->{cause}, 'absent', "one's own");
    refused('anna', 2, qr/session 2 /, 'simulate', '2', 'card');
    expect_no_lock('\d+', 0.2, 'nothing was done');
};

subtest 'compliance' => sub {
    my $audit = sub {
        my ($who) = @_;
        my (undef, $said) = ctl_as($who, 'compliance', '--json');
        return {map { $_->{id} => $_ } @{decode_json($said)->{rules}}}->{'removal-locks'};
    };
    my $all = $audit->('root');
    is($all->{result}, 'pass', 'all sessions lock') or diag($all->{evidence});
    like($all->{evidence}, qr{^a new session: Action=lock \(/etc/scpolicyd\.conf:2\); }, 'a new one, by file and line');
    like($all->{evidence}, qr{session 1 of anna: locked .*\(/etc/scpolicyd\.conf:2, cause card\)}, 'and one that is open');
    my $own = $audit->('anna');
    is($own->{result}, 'unknown', 'who sees their own sessions cannot tell');
    unlike($own->{evidence}, qr/session 2/, '… and sees no other');
    refused('root', 2, qr/for compliance alone/, 'status', '--xccdf-results=x');
};

subtest 'completion' => sub {
    Stage::command('mkdir', '/run/bin');
    symlink(build('scpolicyctl'), '/run/bin/scpolicyctl');
    local $ENV{PATH} = "/run/bin:$ENV{PATH}";
    my $complete = sub {
        my @words = ('scpolicyctl', @_);
        open(my $bash, '-|', 'bash', '-c', <<'X', 'bash', "$top/user/data/scpolicyctl.bash-completion", @words) or die $!;
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_scpolicyctl
echo "${COMPREPLY[*]}"
X
        my $line = join '', <$bash>;
        chomp $line;
        return $line;
    };
    is($complete->('se'), 'sessions', 'a verb');
    is($complete->('--json', 'rel'), 'reload', '… after an option');
    is($complete->('--j'), '--json', 'an option');
    is($complete->('doctor', '--ro'), '--root=', 'one of a verb alone');
    is($complete->('doctor', '--root', '=', "$recordings/.."), "$recordings/..", '… and its folder');
    is($complete->('help', 'se'), 'sessions', 'help of a verb');
    is($complete->('explain', ''), 'self 1 2', 'live session ids');
    like($complete->('simulate', ''), qr/^self 1 2 card reader absent/, '… or a cause');
    is($complete->('simulate', '1', 're'), 'reader', 'a cause');
    is($complete->('simulate', '1', 'card', ''), '', 'then nothing');
    is($complete->('replay', "$recordings/card-pul"), "$recordings/card-pulled.trace", 'a file');
    is($complete->('replay', '--l'), '--live', 'or none');
    is($complete->('replay', '--live', "$recordings/card"), '', '… and then no file');
    my ($status, $help) = ctl('--help');
    my %completed = map { $_ => 1 } split ' ', $complete->('');
    my @missing = grep { !$completed{$_} } $help =~ s/\n  -j, .*//sr =~ /^  ([a-z]+)(?: [\[A-Z][^ ]*)* {2,}/mg;
    is("@missing", '', 'every verb of the help is completed');
};

# ---- a removal, looked at while it happens -----------------------------------------------------------------

sub monitor {
    my ($who, @options) = @_;
    my $monitor = start("monitor of $who", as($who), build('scpolicyctl'), @options, 'monitor');
    ok($monitor->wait_for(qr/listening/, 5), "$who listens") or diag($monitor->transcript);
    return $monitor;
}

my $all = monitor('root');
my $objects = monitor('root', '--json');
my $anna = monitor('anna', '--json');
my $ben = monitor('ben', '--json');

sub heard {
    my ($monitor, $pattern, $why) = @_;
    my $line = $monitor->wait_for($pattern, 5);
    ok($line, $why) or diag($monitor->transcript);
    return $line // '';
}

subtest 'monitor' => sub {
    pull($SLOT0);
    expect_lock('1', 2);
    heard($all, qr/^\d\d:\d\d:\d\d\.\d{3} +\+0\.0 ms  1 +anna +its card was removed \(heard by pcsc\)$/, 'the removal');
    heard($all, qr/ \+[\d.]+ ms  1 +anna +decided \+[\d.]+ ms, lock sent$/, 'the decision and the call');
    heard($all, qr/ 1 +anna +logout in 20 s/, 'what is to come');
    heard($all, qr/ \+[\d.]+ ms  1 +anna +lock verified$/, 'the outcome');
    my $entry = decode_json(heard($objects, qr/"event":"action".*"session":"1"/, 'as JSON') || '{}');
    is_deeply([@$entry{'action', 'user'}], ['lock', 'anna'], 'of the same');
    like("$entry->{decided_usec} $entry->{latency_usec}", qr/^\d+ \d+$/, 'with its times');
    heard($anna, qr/"event":"outcome".*"session":"1"/, 'anna hears of her session');
    heard($ben, qr/"event":"outcome".*"session":"2"/, 'ben of his');
    is($anna->count(qr/"session":"2"/) + $ben->count(qr/"session":"1"/), 0, 'and neither of the other');
    my @bad = grep { !eval { decode_json($_) } } map { split /\n/ } map { $_->transcript =~ s/^(---.*\n|\s*[\d.]+ )//mgr } $objects, $ben;
    is("@bad", '', 'every line is an object');
    is(json_as('root', 'sessions')->{sessions}[0]{state}, 'pending', 'the session waits for the second stage');
    said_ok('out, since when, by whom, what follows', qr/^ +card out: PC\/SC reported it removed; .*; away for [\d.]+ s, first reported by pcsc; evidence: PC\/SC; .*logout in [\d.]+ s unless it is unlocked$/m,
        'explain', '1');
    is(json_as('root', 'sessions')->{sessions}[0]{belief_kind}, 'out', 'the belief as one word');
    unlock($logind, '1');
    heard($all, qr/ 1 +anna +logout cancelled/, 'unlocked: cancelled');
};

# Signals that look like the daemon's, from anybody: not believed.
subtest 'monitor is not fooled' => sub {
    my ($name) = `busctl --system --no-legend list --unique` =~ /^(:\S+) +@{[$anna->pid]} /m or diag('no name');
    is(system(as('ben'), 'busctl', '--system', "--destination=$name", 'emit', '/org/scpolicyd1/own',
        'org.scpolicyd1.Manager', 'Trail', 'a{sv}', '1', 'Event', 's', 'forged'), 0, 'ben sends her one');
    put_in();
    heard($anna, qr/"event":"restored"/, 'the daemon is heard');
    is($anna->count(qr/forged/), 0, 'nobody else');
    unlock($logind, '2');
};

subtest 'monitor goes on over a restart' => sub {
    stop_daemon();
    heard($_, qr/has stopped/, 'the end is reported') for $all, $anna;
    $daemon = start_daemon();
    heard($_, qr/listening/, 'so is the new one') for $all, $anna;
    pull($SLOT0);
    heard($_, qr{its card was (?:removed|found absent)}, 'which is heard') for $all, $anna;
    $_->end('INT') for $all, $objects, $anna, $ben;
};

# ---- the rest --------------------------------------------------------------------------------------------

subtest 'reload' => sub {
    said_ok('says so', qr/read again/, 'reload');
    is_deeply(json_as('root', 'reload'), {}, 'nothing more to say');
    write_file('/etc/scpolicyd.conf', "[Policy]\nAction=dance\n");
    refused('root', 1, qr{/etc/scpolicyd\.conf:2: .*Action}, 'reload');
    said_ok('what is wrong', qr{problems: .*refused.*/etc/scpolicyd\.conf:2}, 'status');
    write_file('/etc/scpolicyd.conf', $policy);
    said_ok('says so', qr/read again/, 'reload');
    refused('anna', 1, qr/administrator: use sudo/, 'reload');
};

subtest 'replay' => sub {
    said_ok('readable, and as recorded', qr/probe +reader on USB 1:10: card out of slot 0\n +-> session 12: lock, now\n.*\n\d+ events, \d+ verdicts, all as recorded\n$/s,
        'replay', "$recordings/card-pulled.trace");
    my $answer = json_as('root', 'replay', "$recordings/reader-pulled.trace");
    is_deeply([$answer->{as_recorded}, scalar @{$answer->{events}}], [JSON::PP::true, $answer->{event_count}], 'as JSON');
    my $refuses = sub {
        my ($pattern, $text) = @_;
        write_file('/run/changed.trace', $text);
        my ($status, $said, $errors) = ctl('replay', '/run/changed.trace');
        is($status, 1, 'exit status 1');
        like($errors, qr/^scpolicyctl: [^\n]*$pattern[^\n]*\n\z/, "$pattern");
        ($status, $said) = ctl('--json', 'replay', '/run/changed.trace');
        is_deeply([$status, decode_json($said)->{as_recorded}], [1, JSON::PP::false], 'as JSON, too');
        unlike($said, qr/\x1b/, 'and nothing that a terminal obeys');
    };
    open(my $file, '<', "$recordings/card-pulled.trace") or die $!;
    my $recording = join '', <$file>;
    $refuses->(qr/line \d+: recorded "= act 12 terminate", now "= act 12 lock"/, $recording =~ s/= act 12 lock/= act 12 terminate/r);
    $refuses->(qr/line 2, column 5: unknown source/, "1ms daemon probe\n1ms \x1b[31m\xff probe\n");
    $refuses->(qr/line 3, column 17: unknown key or bad value: name/, "# one\n\n1ms pcsc reader name=R%0\n");
    $refuses->(qr/line 1, column 12: a NUL byte/, "1ms daemon probe\0 and more\n");
    is((ctl('replay', '/dev/null'))[0], 1, 'nothing in it');
    refused('root', 1, qr/No such file/, 'replay', '/nowhere');
};

# The core as a filter. Its answers to some text, or a file, on standard input.
sub live {
    my ($input, @words) = @_;
    write_file('/run/live', $input);
    open(my $kept, '<&', \*STDIN) or die $!;
    open(STDIN, '<', ref $input ? $$input : '/run/live') or die $!;
    my @answer = ctl('replay', '--live', @words);
    open(STDIN, '<&', $kept) or die $!;
    return @answer;
}

my $stage = <<'X';
# One reader, one session.
0ms startup device-add usb=1:5 path=1-1 id=08e6:4433
0ms startup devices-listed
0ms pcsc pcsc-up
0ms pcsc reader name=R%2000 slot=0 usb=1:5 card=present counter=1 atr=3B02
0ms pcsc pcsc-listed
1ms record record session=3 user=anna name=R%2000 slot=0 usb=1:5 card=present counter=1 atr=3B02 path=1-1
1ms daemon probe
X
my $guarded = '. session=3 state=guarded locked=no counter=1 usb=1:5 reader=R%2000';

subtest 'replay --live, a conversation' => sub {
    my $live = start('live', build('scpolicyctl'), 'replay', '--live');
    # Each answer is there before the next line is said.
    my $answers = sub {
        my ($line, $last, @expected) = @_;
        my $heard = '';
        $live->say($line);
        while ($heard !~ /^\Q$last\E/m) {
            $heard .= ($live->wait_for(qr/^[=.] /, 10) // last) . "\n";
        }
        my @missing = grep { $heard !~ /^\Q$_\E$/m } @expected;
        is("@missing", '', $line) or diag($heard);
        return $heard;
    };
    $answers->($_, '. deadline=') for grep { /^\d/ } split /\n/, $stage;
    $answers->('?', '. end', $guarded);
    my $said = $answers->('10ms probe slot-change usb=1:5 endpoint=3 slots=02', '. deadline=', '= act 3 lock', '= removal 3 card probe');
    like($said, qr/\A= act 3 lock\n(?:= .*\n)+\. deadline=\d+\n\z/, 'verdicts in their order, then the deadline');
    $answers->('20ms pcsc reader name=R%2000 slot=0 usb=1:5 card=empty counter=2', '. deadline=', '= heard 3 card pcsc');
    $answers->('30ms logind session-locked session=3', '. deadline=', '= outcome 3 lock verified');
    $answers->('40s daemon time', '. deadline=', '. deadline=none');
    $answers->('?', '. end', '. session=3 state=away locked=yes counter=1 usb=1:5 reader=R%2000');
    $answers->('50s logind session-ended session=3', '. deadline=', '= disarm 3');
    is($answers->('?', '. end'), ". end\n", 'no session is left');
    $live->end('TERM');
};

subtest 'replay --live, recordings' => sub {
    for my $path (glob "$recordings/*.trace") {
        open(my $file, '<', $path) or die $!;
        my $recording = join '', <$file>;
        my ($status, $said, $errors) = live($recording);
        is("$status$errors", '0', $path);
        my @verdicts = $said =~ /^= .*/mg;
        @verdicts = grep { !/^= (?:dealt|unguarded) / } @verdicts if $recording !~ /^= (?:dealt|unguarded) /m;
        is_deeply(\@verdicts, [$recording =~ /^= .*/mg], 'says what was recorded, once');
        is(() = $said =~ /^\. deadline=(?:\d+|none)$/mg, () = $recording =~ /^\d/mg, 'a deadline for each event');
    }
};

subtest 'replay --live, the example of scpolicyctl(1)' => sub {
    open(my $file, '<', "$top/user/man/scpolicyctl.1.scd") or die $!;
    my ($example) = join('', <$file>) =~ /^```\n(0ms .*?)^```$/ms;
    my ($status, $said) = live(join '', $example =~ /^[^=.].*\n/mg);
    my ($end) = $said =~ /(?:\A|\n)((?:\. session=.*\n)*\. end\n)\z/;
    is($said, join('', $example =~ /^[=.].*\n/mg) . $end, 'says what stands there');
};

subtest 'replay --live, what is no event' => sub {
    my $refuses = sub {
        my ($why, $pattern, $input) = @_;
        my ($status, $said, $errors) = live($input);
        is($status, 2, "$why: exit status 2");
        like($errors, qr/\Ascpolicyctl: $pattern\n\z/, '  where');
        unlike($errors, qr/[\x00-\x09\x0b-\x1f\x7f-\x9f]/, '  fit for a terminal') if $why ne 'noise';
        return $said;
    };
    $refuses->('a word', qr/line 1, column 1: not a stamp: hello/, "hello\n");
    $refuses->('no newline', qr/line 2, column 12: unknown event: tme/, "1ms daemon time\n1ms daemon tme");
    $refuses->('a key', qr/line 3, column 31: unknown key or bad value: foo/, "# a comment\n\n1ms probe slot-change usb=1:5 foo=1\n");
    $refuses->('no key', qr/line 1, column 11: no usb: slot-change/, "1ms probe slot-change slots=02\n");
    $refuses->('control characters', qr/line 1, column 5: unknown source: \?\[31m\?+/, "1ms \e[31m\xff\xfe\n");
    $refuses->('a NUL byte', qr/line 1, column 5: a NUL byte/, "1ms \0aemon time\n");
    $refuses->('a NUL byte behind', qr/line 1, column 12: a NUL byte/, "1ms daemon time\0\n");
    $refuses->('a carriage return', qr/line 1, column 12: unknown event: time\?/, "1ms daemon time\r\n");
    $refuses->('a long word', qr/line 1, column 1: too long a word/, 'x' x 5_000_000);
    $refuses->('a long line', qr/line 1, column 65537: too long a line/, '1ms daemon time' . ' ' x 5_000_000 . "\n");
    $refuses->('no end', qr/line 1, column 1: a NUL byte/, \'/dev/zero');
    srand 11;
    $refuses->('noise', qr/line \d+, column \d+: [^\n]+/, join '', map { chr int rand 256 } 1 .. 100_000) for 1 .. 5;
    # Nothing of it is taken in, and what was before stays.
    for my $line ('2s probe device-remove usb=1:5 foo=1', '2s logind session-ended session=3 action', "2s probe slot-change usb=1:5 slots=02\0") {
        my $said = $refuses->('a bad end', qr/line 9, column \d+: [^\n]+/, "$stage$line\n10s daemon time\n");
        like($said, qr/\. deadline=(?:none|\d+)\n\Q$guarded\E\n\. end\n\z/, '  changes nothing, and is the end');
    }
};

subtest 'replay --live, lines of any length, and many' => sub {
    is_deeply([live('')], [0, ". end\n", ''], 'nothing');
    is_deeply([live('?')], [0, ". end\n. end\n", ''], 'a question alone');
    my ($status, $said, $errors) = live('#' . "\0\xff" x 2_000_000 . "\n= " . 'x' x 3_000_000 . "\n\n" . $stage . '9s daemon time');
    is("$status$errors", '0', 'long comments and verdicts, no newline at the end');
    like($said, qr/\. deadline=(?:none|\d+)\n\Q$guarded\E\n\. end\n\z/, 'are skipped');

    my $last = 9_999;
    my $usb = sub { sprintf 'usb=%d:%d', 1 + $_[0] / 100, 1 + $_[0] % 100 };
    my $card = sub { "name=R$_[0] slot=@{[$_[0] % 32]} @{[$usb->($_[0])]} card=present counter=1 atr=3B02" };
    my @lines = ('0ms pcsc pcsc-up', map({ "0ms startup device-add @{[$usb->($_)]}" } 0 .. $last), '0ms startup devices-listed');
    push @lines, map({ "0ms pcsc reader @{[$card->($_)]}" } 0 .. $last), '0ms pcsc pcsc-listed';
    push @lines, map { "1ms record record session=$_ @{[$card->($_)]}" } 0 .. $last;
    push @lines, '10ms probe device-remove ' . $usb->(77), '20s daemon time', '30s logind sleep', '40s logind resume';
    ($status, $said, $errors) = live(join '', map { "$_\n" } @lines);
    is("$status$errors", '0', 'ten thousand readers, slots and sessions');
    is(() = $said =~ /^\. session=/mg, $last + 1, 'each is shown');
    is(join(' ', $said =~ /^= act (\d+)/mg), '77', 'one removal, one lock');

    # One session, whose settings and record are new each time: memory is bounded by sessions, not by events.
    my ($record) = $stage =~ /(record session=3.*)/;
    write_file('/run/live', $stage . join '', map { "2s daemon settings session=3 after=${_}s\n2s record $record reader.after=${_}ms\n" } 1 .. 50_000);
    is(system("ulimit -v 40000; '$top/build/scpolicyctl' replay --live < /run/live > /run/said"), 0, 'a hundred thousand settings')
        or diag(qx(tail -n 3 /run/said));
};

subtest 'replay --live, words' => sub {
    refused('root', 2, qr/replay --live takes no FILE/, 'replay', '--live', "$recordings/card-pulled.trace");
    refused('root', 2, qr/replay --live takes no --json/, '--json', 'replay', '--live');
    refused('root', 2, qr/--live is for replay alone/, 'status', '--live');
    refused('root', 2, qr/scpolicyctl replay FILE, or scpolicyctl replay --live/, 'replay');
    my $program = build('scpolicyctl');
    is(system("'$program' replay --live < /dev/null > /dev/full 2> /run/stderr") >> 8, 1, 'what cannot be written is a fault');
};

# ---- group policy ----------------------------------------------------------------------------------------

sub set_group_policy {
    my ($id, $value) = @_;
    my $folder = "/var/lib/sss/gpo_cache/example.org/Policies/{$id}/Machine/Microsoft/Windows NT/SecEdit";
    make_path($folder);
    write_file("$folder/GptTmpl.inf", "\xff\xfe" . join '', map { "$_\0" } split //, "[Unicode]\r\nUnicode=yes\r\n[Registry Values]\r\n"
        . "MACHINE\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon\\ScRemoveOption=1,\"$value\"\r\n");
    return "$folder/GptTmpl.inf";
}

subtest 'gpo' => sub {
    own('/var/lib');
    said_ok('none is kept', qr/^Neither SSSD nor Samba nor adsys/, 'gpo');
    my $first = set_group_policy('A', 1);
    my $second = set_group_policy('B', 2);
    said_ok('one file', qr/^ScRemoveOption=1 -> lock\n\z/, 'gpo', $first);
    said_ok('several', qr/^\Q$second\E: ScRemoveOption=2 -> logout\n\Q$first\E: ScRemoveOption=1 -> lock\n\z/, 'gpo', $second, $first);
    said_ok('not set', qr/^ScRemoveOption not set -> none\n\z/, 'gpo', "$top/user/data/scpolicyd.conf");
    said_ok('the one that wins', qr/^\Q$first\E: ScRemoveOption=1 -> lock\n\Q$second\E: .* -> logout  \(wins.*\nNone of it is in force/, 'gpo');
    my $files = json_as('root', 'gpo');
    is_deeply([map { @$_{qw(option action line keeper wins)} } @{$files->{files}}],
        [1, 'lock', 4, 'sssd', JSON::PP::false, 2, 'logout', 4, 'sssd', JSON::PP::true], 'as JSON');
    is($files->{in_force}, JSON::PP::false, 'not in force');
    refused('root', 1, qr{/nowhere: No such file}, 'gpo', '/nowhere');
    refused('root', 1, qr/not a regular file/, 'gpo', '/dev/null');
    set_group_policy('A', 'x');
    refused('root', 1, qr/\Q$first\E:4: ScRemoveOption: "x" is not 0, 1, 2 or 3/, 'gpo', $first);
};

subtest 'Source=gpo' => sub {
    write_file('/etc/scpolicyd.conf', "[Policy]\nSource=gpo\nAction=none\n");
    said_ok('says so', qr/read again/, 'reload');
    ok($daemon->wait_for(qr/skipped: .*GptTmpl\.inf:4: ScRemoveOption/, 5), 'a broken file is reported');
    said_ok('the other one counts', qr{logout .*/\{B\}/.*GptTmpl\.inf:4}, 'explain', '2');
    # Fetched at the next sign-in.
    set_group_policy('A', 1);
    set_group_policy('B', 0);
    session(3, UID => 4003);
    my $counter = put_in();
    record(3, UID => 4003, USER => 'carl', COUNTER => $counter);
    expect_entry(5, 'new ones are in force', MESSAGE => "the domain's policy was read again and is in force for every session");
    said_ok('for all sessions', qr{lock .*/\{A\}/.*GptTmpl\.inf:4}, 'explain', '2');
    # They are about to be replaced: what they said stays.
    rename('/var/lib/sss/gpo_cache', '/var/lib/sss/gpo_old') or die $!;
    record(3, UID => 4003, USER => 'carl', COUNTER => $counter);
    $daemon->wait_for(qr/session 3 of user carl is governed: action lock/, 5) or diag($daemon->transcript);
    said_ok('and is not lost', qr{lock .*/\{A\}/.*GptTmpl\.inf:4}, 'explain', '2');
    said_ok('by a look that finds none either', qr{none .*/etc/scpolicyd\.conf:3}, 'explain', '2')
        if expect_entry(15, 'until the next look', MESSAGE => "the domain's policy was read again and is in force for every session");
};

is(stop_daemon(), 0, 'the daemon ends well');
unlike($daemon->transcript . $_->transcript, qr/Sanitizer|runtime error/, 'the sanitizers found nothing')
    for $all, $objects, $anna, $ben;
done_testing();
