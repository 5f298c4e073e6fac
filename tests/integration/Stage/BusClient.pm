# SPDX-License-Identifier: GPL-2.0-or-later
package Stage::BusClient;
# D-Bus clients that no library would let misbehave: as many as wished, that never read, or send anything. Run as a
# process of its own, as the user that become() makes it; speaks to Stage by lines on standard output.
# (https://dbus.freedesktop.org/doc/dbus-specification.html)
use strict;
use warnings;
use IO::Socket::UNIX;
use POSIX ();

my @manager = ('org.scpolicyd1', '/org/scpolicyd1', 'org.scpolicyd1.Manager');
my @driver = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus');

sub become {
    my ($uid, $gid, @groups) = @_;
    $| = 1;
    $) = join ' ', $gid, @groups ? @groups : $gid;
    POSIX::setgid($gid);
    POSIX::setuid($uid);
}

sub align { return $_[0] . "\0" x (-length($_[0]) % $_[1]) }

# Strings are the only arguments there are.
sub message {
    my ($serial, $destination, $path, $interface, $member, @arguments) = @_;
    my ($fields, $body) = ('', '');
    my @field = ([1, 'o', $path], [2, 's', $interface], [3, 's', $member], [6, 's', $destination]);
    for (@field) {
        my ($code, $type, $value) = @$_;
        $fields = align($fields, 8) . pack('C C/a* x V/a* x', $code, $type, $value);
    }
    $fields = align($fields, 8) . pack('C C/a* x C/a* x', 8, 'g', 's' x @arguments) if @arguments;
    $body = align($body, 4) . pack('V/a* x', $_) for @arguments;
    return align(pack('a C C C V V V/a*', 'l', 1, 0, 1, length $body, $serial, $fields), 8) . $body;
}

sub connect_bus {
    my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => '/run/dbus/system_bus_socket') or die "bus: $!\n";
    $socket->syswrite("\0AUTH EXTERNAL " . unpack('H*', $>) . "\r\n");
    sysread($socket, my $answer, 256);
    $answer =~ /^OK/ or die "bus: $answer";
    $socket->syswrite("BEGIN\r\n" . message(1, @driver, 'Hello'));
    return $socket;
}

sub read_bytes {
    my ($socket, $size) = @_;
    my $bytes = '';
    while (length $bytes < $size) {
        sysread($socket, $bytes, $size - length $bytes, length $bytes) or exit 0;
    }
    return $bytes;
}

# The next message: its type, header fields by code, and the strings that its body begins with.
sub receive {
    my ($socket) = @_;
    my $start = read_bytes($socket, 16);
    my ($type, $body_size, $fields_size) = (unpack('C4 V3', $start))[1, 4, 6];
    my $fields = read_bytes($socket, $fields_size + -$fields_size % 8);
    my $body = read_bytes($socket, $body_size);
    my (%field, @strings);
    for (my $at = 0; $at < $fields_size; $at += -$at % 8) {
        my ($code, $kind) = unpack("x$at C C/a", $fields);
        $at += 4;
        my ($value, $size) = $kind eq 'u' ? (unpack("x$at V", $fields), 4)
            : $kind eq 'g' ? (unpack("x$at C/a", $fields), 2 + unpack("x$at C", $fields))
            : (unpack("x$at V/a", $fields), 5 + unpack("x$at V", $fields));
        $field{$code} = $value;
        $at += $size;
    }
    my $at = 0;
    for (split //, ($field{8} // '') =~ s/[^s].*//r) {
        $at += -$at % 4;
        push @strings, unpack("x$at V/a", $body);
        $at += 5 + length $strings[-1];
    }
    return ($type, \%field, @strings);
}

# Subscribes and says what it is told: "SIGNAL path member arguments", "ANSWER name-of-error text".
sub listen_to_signals {
    my (@match) = @_;
    my $socket = connect_bus();
    my $serial = 2;
    syswrite $socket, message($serial++, @driver, 'AddMatch', $_) for @match;
    syswrite $socket, message($serial, @manager, 'Subscribe');
    for (;;) {
        my ($type, $field, @strings) = receive($socket);
        print join(' ', 'SIGNAL', $field->{1}, $field->{3}, @strings), "\n"
            if $type == 4 && ($field->{2} // '') eq 'org.scpolicyd1.Manager';
        print join(' ', 'ANSWER', $field->{4} // 'fine', @strings), "\n" if $type != 4 && $field->{5} == $serial;
    }
}

# One call, and its answer as above. Says ASKED between the two.
sub ask {
    my $socket = connect_bus();
    syswrite $socket, message(2, @manager, @_);
    print "ASKED\n";
    for (;;) {
        my ($type, $field, @strings) = receive($socket);
        next if $type == 4 || $field->{5} != 2;
        print join(' ', 'ANSWER', $field->{4} // 'fine', @strings), "\n";
        return;
    }
}

# So many clients make so many calls each, read nothing, and stay. Says FLOODED.
sub flood {
    my ($clients, $calls, @call) = @_;
    my @sockets = map { connect_bus() } 1 .. $clients;
    for my $n (1 .. $calls) {
        syswrite $_, message($n + 1, @manager, @call) for @sockets;
    }
    print "FLOODED\n";
    sleep 1000;
}

1;
