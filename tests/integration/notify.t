# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyctl notify on a desktop: a real notification daemon (dunst, on Xvfb) shows the removal, and the countdown.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;

my $SLOT0 = 35963;
my $top = "$FindBin::Bin/../..";
my $UID = 4001;
my @anna = ('setpriv', "--reuid=$UID", "--regid=$UID", '--clear-groups');

sub start_as_anna { return start($_[0], @anna, @_[1 .. $#_]) }

# ---- the machine, and anna's desktop ---------------------------------------------------------------------

own('/etc');
append_file('/etc/passwd', "anna:x:$UID:$UID\::/:/bin/sh");
append_file('/etc/group', "anna:x:$UID:");
chmod 0755, '/run';
Stage::command('install', '-d', '-o', $UID, '/run/anna');
write_file('/etc/scpolicyd.conf', "[Policy]\nAction=lock\nThen=logout\nAfter=20s\n");
$ENV{DBUS_SESSION_BUS_ADDRESS} = 'unix:path=/run/anna/bus';
$ENV{$_} = '/run/anna' for 'HOME', 'XDG_RUNTIME_DIR';

start_bus("$top/user/data/org.scpolicyd1.conf");
my $logind = start_logind();
start_journal();
start_pcscd();
my $daemon = start_daemon();
my $witness = start('witness', "$top/build/tests/integration/worker-client", worker_path());
my $desktop_bus = start_as_anna('desktop bus', 'dbus-daemon', '--session', '--nofork', '--print-address',
    "--address=$ENV{DBUS_SESSION_BUS_ADDRESS}");
$desktop_bus->wait_for(qr/^unix:/, 5) or diag('no desktop bus');
my $screen = start_as_anna('screen', 'Xvfb', '-displayfd', '1', '-nolisten', 'tcp', '-screen', '0', '640x240x24');
$ENV{DISPLAY} = ':' . ($screen->wait_for(qr/^\d+$/, 10) // diag('no screen'));

# What a question to the desktop's bus is answered with.
sub desktop_says {
    open(my $output, '-|', @anna, 'busctl', '--user', '--no-legend', @_) or die $!;
    local $/;
    return <$output> // '';
}

sub is_true_soon { return Stage::until_true(5, $_[0]) }

sub start_on_desktop {
    my ($name, @command) = @_;
    my $process = start_as_anna($command[0] =~ s{.*/}{}r, @command);
    is_true_soon(sub { desktop_says('list', '--acquired') =~ /^\Q$name\E /m }) or diag("no $name");
    return $process;
}

# It prints what it shows.
sub start_dunst { return start_on_desktop('org.freedesktop.Notifications', 'dunst', '-print', '-conf', '/dev/null') }

sub shown {
    my ($dunst, $pattern, $why) = @_;
    my $line = $dunst->wait_for($pattern, 10);
    ok($line, $why) or diag($dunst->transcript);
    return $line // '';
}

sub put_in {
    insert($SLOT0);
    my $line = $witness->wait_for(qr/^READER card=present .*slot=0 /, 5) // '';
    return $line =~ s/.*counter=(\d+).*/$1/r;
}

# How many are on the screen.
sub displayed {
    return desktop_says('get-property', 'org.freedesktop.Notifications', '/org/freedesktop/Notifications',
        'org.dunstproject.cmd0', 'displayedLength') =~ /^u (\d+)/ ? $1 : -1;
}

sub none_displayed { return is_true_soon(sub { displayed() == 0 }) }

my $dunst = start_dunst();
my $agent = start_on_desktop('org.scpolicyd1.Notify', build('scpolicyctl'), 'notify');
my $counter = put_in();
session('1', UID => $UID);
session('2', UID => 4002);
record('1', UID => $UID, USER => 'anna', COUNTER => $counter);
record('2', UID => 4002, USER => 'ben', COUNTER => $counter);
$daemon->wait_for(qr/session $_ of user .* is governed/, 5) for 1, 2;

subtest 'one agent a desktop' => sub {
    my $other = start_as_anna('another agent', build('scpolicyctl'), 'notify');
    ok($other->wait_for(qr/runs on this desktop already/, 5), 'a second one says so');
    is($other->end(), 0, 'and ends');
};

# How often the kernel gave it the processor because it had something to do.
sub wakeups {
    open(my $file, '<', '/proc/' . $agent->pid . '/status') or die $!;
    return (grep { /^voluntary_ctxt_switches:/ } <$file>)[0];
}

subtest 'no desktop' => sub {
    local $ENV{DBUS_SESSION_BUS_ADDRESS} = 'unix:path=/nowhere';
    my $lost = start_as_anna('an agent without a desktop', build('scpolicyctl'), 'notify');
    ok($lost->wait_for(qr/no session bus here, run it in a desktop session/, 5), 'it says where it belongs');
};

subtest 'nothing to tell' => sub {
    my $before = wakeups();
    select undef, undef, undef, 2;
    is(wakeups(), $before, 'the agent sleeps');
};

subtest 'the card is pulled' => sub {
    pull($SLOT0);
    shown($dunst, qr/summary: 'Your smart card was removed'/, 'the removal is shown');
    shown($dunst, qr/body: '\Q$Stage::READER\E'/, 'with its reader');
    shown($dunst, qr/summary: 'You will be logged out in 20 s: unlock to stay'/, 'then the countdown');
    shown($dunst, qr/urgency: CRITICAL/, 'which is critical');
    my ($id) = shown($dunst, qr/^\tid: \d+/, 'it has an id') =~ /(\d+)/;
    shown($dunst, qr/summary: 'You will be logged out in 1?\d s: unlock to stay'/, 'it counts down');
    is(shown($dunst, qr/^\tid: \d+/, 'in its place') =~ s/\D//gr, $id, 'the same notification');
    is(displayed(), 1, "there is one on the screen: nothing of ben's");
    unlock($logind, '1');
    shown($dunst, qr/summary: 'This session is not guarded'/, 'unlocked without the card: that is said instead');
    is(displayed(), 1, 'in its place');
    put_in();
    ok(none_displayed(), 'until the card is back');
};

subtest 'pulled again' => sub {
    pull($SLOT0);
    shown($dunst, qr/summary: 'You will be logged out in \d+ s: unlock to stay'/, 'shown again');
    shown($dunst, qr/summary: 'You are being logged out'/, 'nobody unlocks: until the end');
    $logind->say('end 1');
    $logind->say('end 2');
};

subtest 'without a notification daemon, without the daemon' => sub {
    $dunst->end('TERM');
    $counter = put_in();
    session('3', UID => $UID);
    record('3', UID => $UID, USER => 'anna', COUNTER => $counter);
    $daemon->wait_for(qr/session 3 of user .* is governed/, 5);
    pull($SLOT0);
    expect_lock('3', 3);
    $dunst = start_dunst();
    shown($dunst, qr/summary: 'You will be logged out in 1?\d s: unlock to stay'/, 'shown as soon as there is one');
    stop_daemon();
    ok(none_displayed(), 'the daemon ends: nothing is counted down');
    put_in();
    $daemon = start_daemon();
    unlock($logind, '3');
    $daemon->wait_for(qr/session 3 of user .* is governed/, 5);
    select undef, undef, undef, 0.3;
    pull($SLOT0);
    shown($dunst, qr/summary: 'Your smart card was removed'/, 'the next one is heard');
};

is(stop_daemon(), 0, 'the daemon ends well');
unlike($daemon->transcript . $agent->transcript, qr/Sanitizer|runtime error/, 'the sanitizers found nothing');
$desktop_bus->end('TERM');
isnt($agent->end(), -1, 'the agent ends with the desktop');
unlike($agent->transcript, qr/Sanitizer|runtime error/, 'in good order');
done_testing();
