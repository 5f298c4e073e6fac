# SPDX-License-Identifier: GPL-2.0-or-later
package Stage::Notify;
# The service manager's end of sd_notify(3): prints what arrives.
use strict;
use warnings;
use IO::Socket::UNIX;
use Socket;

sub listen {
    $| = 1;
    my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ENV{NOTIFY_SOCKET}) or die $!;
    print "LISTENING\n";
    while (defined $socket->recv(my $text, 8192)) {
        print "$text\n";
    }
}

1;
