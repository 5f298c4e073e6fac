# SPDX-License-Identifier: GPL-2.0-or-later
# The loader of the probe never answers: the daemon starts all the same, keeps its connections to the bus, and guards.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Socket;
use Stage;
use Test::More;

my $SLOT0 = 35963;
socket(my $loader, AF_UNIX, SOCK_SEQPACKET, 0) or die $!;
bind($loader, pack_sockaddr_un('/run/scpolicyd-loader.socket')) && listen($loader, 1) or die $!;
start_bus();
start_logind();
start_journal();
start_pcscd();
insert($SLOT0);
my $daemon = start_daemon();
like($daemon->transcript, qr/no kernel probe: Connection timed out/, 'it has waited for the loader, and says so');
session('1');
wait_for_look('NOTE', qr/./);    # the card is in
record('1');
ok($daemon->wait_for(qr/session 1 of user \w+ is governed/, 10), 'a session is governed') or diag($daemon->transcript);
pull($SLOT0);
expect_lock('1', 10, 'and locked when its card is removed');
is(stop_daemon(), 0, 'the daemon ends well');
done_testing();
