# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyctl metrics of a daemon that saw one removal: the text is read by the rules of OpenMetrics 1.0, and counts
# what happened.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP;
use Stage;
use Test::More;

# Reads a page; what breaks the format ends up in @wrong. The samples, by name and labels as written.
my @wrong;
my %suffixes = (counter => ['_total'], gauge => [''], histogram => ['_bucket', '_count', '_sum']);

sub read_labels {
    my ($text) = @_;
    my %label;
    while ($text =~ s/\A,?([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"//) {
        push @wrong, "label $1 twice" if exists $label{$1};
        $label{$1} = $2;
    }
    push @wrong, "labels: $text" if $text ne '';
    return \%label;
}

sub read_sample {
    my ($line, $family, $type) = @_;
    my ($name, $labels, $value) = $line =~ /\A([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\z/
        or return push @wrong, "no sample: $line";
    push @wrong, "$name is none of $family" if !grep { $name eq $family . $_ } @{$suffixes{$type // ''} // []};
    push @wrong, "value: $line" if $value !~ /\A(?:NaN|[+-]?(?:Inf|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))\z/;
    push @wrong, "a count below zero: $line" if $type ne 'gauge' && $value < 0;
    return ($name, read_labels($labels // ''), $value);
}

# Within one set of other labels, buckets rise with their bound, and the last is +Inf and the count.
sub check_histogram {
    my ($name, @samples) = @_;
    my (%below, %bound, %infinite, %count);
    for (@samples) {
        my ($sample, $label, $value) = @$_;
        my $set = join ',', map { "$_=$label->{$_}" } grep { $_ ne 'le' } sort keys %$label;
        $count{$set} = $value if $sample eq "${name}_count";
        next if $sample ne "${name}_bucket";
        push @wrong, "$name\{$set}: bounds" if $label->{le} ne '+Inf' && $label->{le} <= ($bound{$set} // 0);
        push @wrong, "$name\{$set}: not cumulative" if $value < ($below{$set} // 0);
        ($bound{$set}, $below{$set}) = ($label->{le}, $value);
        $infinite{$set} = $value if $label->{le} eq '+Inf';
    }
    is_deeply(\%infinite, \%count, "$name: +Inf is the count");
}

sub read_page {
    my ($page) = @_;
    my (%samples, %family, $family, %of);
    @wrong = ();
    push @wrong, 'no # EOF at the very end' if $page !~ s/^# EOF\n\z//m;
    for my $line (split /\n/, $page) {
        if (my ($what, $name, $text) = $line =~ /\A# (TYPE|UNIT|HELP) (\S+) (.+)\z/) {
            push @wrong, "$name comes in pieces" if ($family // '') ne $name && $family{$name};
            push @wrong, "$what of $name twice, or after its samples" if $family{$name}{$what} || $of{$name};
            $family{$family = $name}{$what} = $text;
            push @wrong, "unit $text is not the end of $name" if $what eq 'UNIT' && $name !~ /_\Q$text\E\z/;
            push @wrong, "help: $text" if $what eq 'HELP' && $text =~ /\\[^\\"n]|(?<!\\)"/;
        } elsif ($line =~ /\A[^#\s]/ && defined $family) {
            my ($name, $label, $value) = read_sample($line, $family, $family{$family}{TYPE});
            push @{$of{$family}}, [$name, $label, $value];
            my $key = $line =~ s/ \S+\z//r;
            push @wrong, "twice: $key" if exists $samples{$key};
            $samples{$key} = $value;
        } else {
            push @wrong, "line: $line";
        }
    }
    for (sort keys %family) {
        push @wrong, "$_ has no TYPE or HELP" if !$family{$_}{TYPE} || !$family{$_}{HELP};
        check_histogram($_, @{$of{$_}}) if $family{$_}{TYPE} eq 'histogram';
    }
    is_deeply(\@wrong, [], 'by the rules of OpenMetrics');
    return \%samples;
}

sub page {
    my $page = join '', qx(${\build('scpolicyctl')} metrics);
    is($?, 0, 'scpolicyctl metrics');
    return read_page($page);
}

start_bus();
start_logind();
start_journal();
start_daemon();
my $witness = start('witness', "$FindBin::Bin/../../build/tests/integration/worker-client", worker_path());
start_pcscd();
insert(35963);
$witness->wait_for(qr/^READER card=present .*slot=0 /, 5);
session('1');
record('1', COUNTER => 1);
expect_no_lock('1', 0.5, 'set up');

my $before = page();
is($before->{'scpolicyd_sessions'}, 1, 'one session is governed');
is($before->{'scpolicyd_removals_total{cause="card",source="pcsc"}'}, 0, 'nothing was removed');
pull(35963);
expect_lock('1', 5);
expect_entry(5, 'it is over', SCPOLICY_EVENT => 'outcome', SCPOLICY_SESSION => '1');
my $after = page();
is($after->{'scpolicyd_removals_total{cause="card",source="pcsc"}'}, 1, 'the removal');
is($after->{'scpolicyd_actions_total{action="lock"}'}, 1, 'the action');
is($after->{'scpolicyd_outcomes_total{action="lock",outcome="verified"}'}, 1, 'the outcome');
is($after->{'scpolicyd_action_latency_seconds_count{action="lock"}'}, 1, 'its latency');
cmp_ok($after->{'scpolicyd_action_latency_seconds_sum{action="lock"}'}, '>', 0, 'which is some time');
is($after->{'scpolicyd_reader_latency_seconds_count{model="unknown"}'}, 1, 'its latency by model: the stand-in reader is not on USB');
is_deeply([grep { !/^scpolicyd_reader_latency/ } sort keys %$after], [sort keys %$before], 'else the same samples as before');

my $json = decode_json(join '', qx(${\build('scpolicyctl')} metrics --json));
is(scalar(@{$json->{metrics}}), scalar(keys %$after), 'as JSON, none is left out: the text has every one');

my $refused = qx(setpriv --reuid=4001 --regid=4001 --clear-groups ${\build('scpolicyctl')} metrics 2>&1);
isnt($?, 0, 'not for everybody');
like($refused, qr/^scpolicyctl: [^\n]+\n\z/, 'in one line');
done_testing();
