# SPDX-License-Identifier: GPL-2.0-or-later
# What a fleet's Prometheus and Grafana get: the rules are Prometheus's, alert on what they should and on nothing else, and every
# number that rules and dashboard ask for is one that the daemon has, or a rule that is there.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $data = "$top/user/data/fleet";

sub slurp {
    my ($path) = @_;
    open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
    local $/;
    return <$file>;
}

my $rules = slurp("$data/scpolicyd.rules.yml");
my $dashboard = decode_json(slurp("$data/scpolicyd-dashboard.json"));
my %known = map { $_ => 1 } map { slurp("$top/user/$_") =~ /(scpolicyd_\w+)/g } qw(actions/metrics.c ctl/doctor_metrics.c);
my %recorded = map { $_ => 1 } $rules =~ /record: (\S+)/g;
my @asked = map { $_->{expr} } map { @{$_->{targets}} } @{$dashboard->{panels}};
ok(@asked > 10, 'the dashboard asks for something');
for (['rules', $rules =~ s/^\s*#.*$//gmr =~ s/\balert: .*//gr =~ s/\bname: .*//gr], map { ['dashboard', $_] } @asked) {
    my ($who, $text) = @$_;
    for my $name ($text =~ /\b(scpolicyd[_:][\w:]+)/g) {
        ok($known{$name} || $recorded{$name}, "$who: $name is there");
    }
}
my @alerts = $rules =~ /alert: (\S+)/g;
my $cases = slurp("$FindBin::Bin/fleet/rules-test.yml");
like($cases, qr/alertname: $_\b/, "$_ has a case") for @alerts;

is(system("$FindBin::Bin/../../scripts/unpacked prometheus promtool check rules '$data/scpolicyd.rules.yml' > /dev/null"), 0, 'promtool check rules');
is(system("$FindBin::Bin/../../scripts/unpacked prometheus promtool test rules '$FindBin::Bin/fleet/rules-test.yml'"), 0, 'promtool test rules');
done_testing();
