# SPDX-License-Identifier: GPL-2.0-or-later
package Stage::Process;
# A process of the stage whose lines are heard and which may be spoken to. What it says goes to a file: a pipe would be
# full some time while nobody listens, and hold the process up.
use strict;
use warnings;
use IO::Handle;
use POSIX qw(_exit WNOHANG);
use Time::HiRes qw(sleep time);

my @all;

sub new {
    my ($class, $name, @command) = @_;
    pipe(my $in_read, my $in_write) or die $!;
    my $file = "/run/said-by-$$-" . @all;
    open(my $out_write, '>>', $file) or die "$file: $!";
    open(my $out_read, '<', $file) or die "$file: $!";
    unlink $file;
    my $pid = fork // die $!;
    if ($pid == 0) {
        open(STDIN, '<&', $in_read);
        open(STDOUT, '>&', $out_write);
        open(STDERR, '>&', $out_write);
        $SIG{$_} = 'DEFAULT' for qw(INT QUIT);    # a shell has what runs in its background ignore them
        no warnings 'exec';
        exec @command;
        print STDERR "$command[0]: $!\n";
        _exit(127);    # not die: the stage's other processes are not this one's to end
    }
    close $_ for $in_read, $out_write;
    $in_write->autoflush(1);
    my $self = bless {
        name => $name, pid => $pid, in => $in_write, out => $out_read, rest => '',
        lines => [], next => 0, since => time}, $class;
    push @all, $self;
    return $self;
}

sub pid { return $_[0]{pid} }

sub say {
    my ($self, $line) = @_;
    local $SIG{PIPE} = 'IGNORE';
    print { $self->{in} } "$line\n";
}

sub has_ended {
    my ($self) = @_;
    $self->{status} = $? if !defined $self->{status} && waitpid($self->{pid}, WNOHANG) == $self->{pid};
    return defined $self->{status};
}

# Takes in what was said, waiting for so many seconds if nothing was; false at its end.
sub hear {
    my ($self, $seconds) = @_;
    my ($end, $text) = (time + $seconds, '');
    for (;;) {
        my $is_last = $self->has_ended;
        1 while sysread($self->{out}, $text, 65536, length $text);
        last if length $text;
        return !$is_last if $is_last || time >= $end;
        sleep 0.01;
    }
    $self->{rest} .= $text;
    while ($self->{rest} =~ s/^([^\n]*)\n//) {
        push @{$self->{lines}}, $1;
        push @{$self->{stamps}}, time - $self->{since};
    }
    return 1;
}

# How much slower than a quiet machine a busy one may be: nothing that is waited for fails before.
use constant PATIENCE => 12;

# The next line that matches. On a quiet machine it comes within so many seconds; lines before it are passed over.
sub wait_for {
    my ($self, $pattern, $seconds) = @_;
    return $self->wait_briefly($pattern, PATIENCE * $seconds);
}

# The same, for what should not come: so many seconds, and no more.
sub wait_briefly {
    my ($self, $pattern, $seconds) = @_;
    my $end = time + $seconds;
    for (;;) {
        while ($self->{next} < @{$self->{lines}}) {
            my $line = $self->{lines}[$self->{next}++];
            return $line if $line =~ $pattern;
        }
        return undef if time >= $end || !$self->hear($end - time);
    }
}

# How often a line matched since the start.
sub count {
    my ($self, $pattern) = @_;
    $self->hear(0);
    return scalar grep { $_ =~ $pattern } @{$self->{lines}};
}

# What was said, or its last lines, with the seconds from the start to when it was heard here.
sub transcript {
    my ($self, $last) = @_;
    $self->hear(0);
    my $count = @{$self->{lines}};
    my $first = $last && $count > $last ? $count - $last : 0;
    return join "\n", "--- $self->{name}",
        map { sprintf '%8.3f %s', $self->{stamps}[$_], $self->{lines}[$_] } $first .. $count - 1;
}

# Ends the process and returns its wait status; it has 30 s to obey.
sub end {
    my ($self, $signal) = @_;
    return $self->{status} if defined $self->{status};
    kill $signal, $self->{pid} if $signal;
    my $end = time + 30;
    sleep 0.01 while !$self->has_ended && time < $end;
    return $self->{status} if defined $self->{status};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return $self->{status} = $?;
}

END {
    my $status = $?;
    for my $process (@all) {
        next if defined $process->{status};
        kill 'KILL', $process->{pid};
        waitpid $process->{pid}, 0;
    }
    $? = $status;
}

1;
