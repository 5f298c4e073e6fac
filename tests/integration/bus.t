# SPDX-License-Identifier: GPL-2.0-or-later
# org.scpolicyd1 on a bus with the real policy: what root, an ordinary user and a member of the group may see and do.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;

my $data = "$FindBin::Bin/../../user/data";
my @service = ('org.scpolicyd1', '/org/scpolicyd1', 'org.scpolicyd1.Manager');
my %who = (                                          # uid, gid and other groups of each
    root => [0, 0], alice => [4001, 4001], bob => [4002, 4002], member => [4003, 4003, 4100]);

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

add_accounts(
    ['alice:x:4001:4001::/:/bin/sh', 'bob:x:4002:4002::/:/bin/sh', 'member:x:4003:4003::/:/bin/sh'],
    ['alice:x:4001:', 'bob:x:4002:', 'member:x:4003:', 'scpolicyd:x:4100:member']);
chmod 0755, '/run';
start_bus("$data/org.scpolicyd1.conf");
my $logind = start_logind();
start_journal();
my $daemon = start_daemon();
session('1', UID => 4001);
session('2', UID => 4002);
record('1', UID => 4001, USER => 'alice');
record('2', UID => 4002, USER => 'bob');
expect_no_lock('\d+', 0.3, 'two people signed in');

subtest 'who sees what' => sub {
    like(ask($_, 'ListSessions'), qr/^aa\{sv\} 2 .*"User" s "alice".*"User" s "bob"/, "$_ sees both sessions")
        for 'root', 'member';
    like(ask('alice', 'ListSessions'), qr/^aa\{sv\} 1 .*"User" s "alice"/, 'alice sees her own');
    unlike(ask('alice', 'ListSessions'), qr/bob/, 'and nothing of bob');
    like(ask('alice', 'GetStatus'), qr/^a\{sv\} .*"Probe" s "none".*"Pcscd" s "down".*"Sessions" u 1 /, 'her own are counted');
    like(ask('root', 'GetStatus'), qr/"Sessions" u 2 /, 'root has all counted');
};

subtest 'reload' => sub {
    like(ask($_, 'Reload'), qr/Access denied/, "not for $_, without polkit") for 'alice', 'member';
    is(ask('root', 'Reload'), '', 'root may');
    expect_entry(2, 'and it is told', SCPOLICY_EVENT => 'config');
};

is(stop_daemon(), 0, 'it ends well');
unlike($daemon->transcript, qr/Sanitizer|runtime error/, 'the sanitizers found nothing');
done_testing();
