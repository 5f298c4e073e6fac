# SPDX-License-Identifier: GPL-2.0-or-later
# The stand-ins themselves: a case that passes because they are deaf proves nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use Test::More;

my @SESSION = qw(org.freedesktop.login1 /org/freedesktop/login1/session/_33 org.freedesktop.login1.Session);
my @MANAGER = qw(org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager);

sub busctl { return join '', qx(busctl --system @_ 2>&1) }

start_bus();
my $logind = start_logind();
my $journal = start_journal();

session('3', UID => 1001, LEADER => 77);
session('c4');
like(busctl('call', @MANAGER, 'ListSessions'), qr/^a\(susso\) 2 "3" 1001/, 'sessions are listed');
like(busctl('call', @MANAGER, 'GetSession', 's', 'c4'), qr{"/org/freedesktop/login1/session/c4"}, 'and found');
like(busctl('call', @MANAGER, 'GetSession', 's', '9'), qr/No session '9' known/, 'others are not');
like(busctl('get-property', @SESSION, 'Leader'), qr/^u 77$/, 'a property');
like(busctl('get-property', @SESSION, 'LockedHint'), qr/^b false$/, 'unlocked at first');
like(busctl('call', @SESSION[0, 1], 'org.freedesktop.DBus.Properties', 'GetAll', 's', $SESSION[2]),
    qr/"Id" s "3" "User" \(uo\) 1001 /, 'all properties');
busctl('call', @MANAGER, 'LockSession', 's', '3');
expect_lock('3', 2, 'LockSession is heard');
select(undef, undef, undef, 0.1);
like(busctl('get-property', @SESSION, 'LockedHint'), qr/^b true$/, 'and obeyed');
$logind->say('unlock 3');
$logind->say('deaf 3');
select(undef, undef, undef, 0.1);
like(busctl('get-property', @SESSION, 'LockedHint'), qr/^b false$/, 'unlocked by hand');
busctl('call', @MANAGER, 'LockSession', 's', '3');
expect_lock('3', 2, 'a deaf session is asked');
expect_no_lock('c4', 0.2, 'the other was never touched');
like(busctl('get-property', @SESSION, 'LockedHint'), qr/^b false$/, 'and does not obey');
$logind->say('end 3');
select(undef, undef, undef, 0.1);
like(busctl('get-property', @SESSION, 'LockedHint'), qr/Unknown object|No such/, 'an ended session is gone');

my $logger = start('logger', 'logger', '--journald');
$logger->say($_) for 'MESSAGE=plain', 'SCPOLICY_EVENT=removal', 'SCPOLICY_READER=a|b';
close $logger->{in};
my $entry = expect_entry(2, 'an entry is read', SCPOLICY_EVENT => 'removal');
is($entry->{MESSAGE}, 'plain', 'with its fields');
is($entry->{SCPOLICY_READER}, 'a?b', 'kept apart');
done_testing();
