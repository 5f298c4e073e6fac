# SPDX-License-Identifier: GPL-2.0-or-later
package Stage::Relay;
# What ssh makes of a forwarded socket: listens at one path, connects to the other for each connection, and passes the bytes on
# until one end closes. It says what happens, and which connection ends, counted from 1; that it listens, once the other path
# serves.
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes 'sleep';

sub run {
    my ($here, $there, $uid) = @_;
    sleep 0.01 while !IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $there);
    unlink $here;
    my $listener = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $here, Listen => 16) or die "$here: $!";
    chown $uid, $uid, $here;
    chmod 0600, $here;
    $| = 1;
    print "LISTENING\n";
    my ($select, $count, %other, %number) = (IO::Select->new($listener), 0);
    my $close = sub {
        my ($one) = @_;
        my $two = delete $other{$one};
        delete $other{$two};
        $select->remove($one, $two);
        close $_ for $one, $two;
        print "CLOSED\nENDED ", delete $number{$one} // delete $number{$two}, "\n";
    };
    for (;;) {
        for my $ready ($select->can_read) {
            if ($ready == $listener) {
                my $near = $listener->accept or next;
                my $far = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $there);
                print $far ? "CONNECTED\n" : "REFUSED\n";
                close $near, next if !$far;
                ($other{$near}, $other{$far}) = ($far, $near);
                $number{$near} = ++$count;
                $select->add($near, $far);
                next;
            }
            next if !$other{$ready};
            my $size = sysread $ready, my $bytes, 65536;
            $size ? syswrite($other{$ready}, $bytes) : $close->($ready);
        }
    }
}

1;
