# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyctl compliance on machines that are directories: each rule passes where it should, and fails with the file and
# line, or with the owner and mode, that an auditor needs. oscap reads what it writes, and runs it as an SCE check.
use strict;
use warnings;
use File::Temp 'tempdir';
use FindBin;
use JSON::PP;
use Test::More;

use lib "$FindBin::Bin/doctor";
use Machine;

plan(skip_all => 'needs root') if $> != 0;

my %rule;

sub examine {
    my $json = qx('$ctl' compliance --json --root='$root' 2>&1);
    my $status = $? >> 8;
    my $all = eval { decode_json($json) } or BAIL_OUT("no JSON: $json");
    %rule = map { $_->{id} => $_ } @{$all->{rules}};
    return $status;
}

# The exit status follows from the results.
sub rule_is {
    my ($name, $id, $result, $evidence) = @_;
    my $status = examine();
    is($rule{$id}{result}, $result, "$name: $id") or diag($rule{$id}{evidence});
    like($rule{$id}{evidence}, $evidence, "$name: its evidence");
    is($status, (grep { $_->{result} =~ /^(?:fail|unknown)$/ } values %rule) ? 1 : 0, "$name: exit status");
}

start_machine();
sub well {
    healthy();
    put('/etc/scpolicyd.conf', "[Policy]\nWhenCannotLock=logout\nAction=lock\n");
}

well();
is(examine(), 0, 'a machine that is well: exit status');
is(join(' ', map { "$_=$rule{$_}{result}" } sort keys %rule),
    'all-connections=pass daemon-runs=notchecked last-removal=notchecked probe-attached=notchecked removal-locks=pass '
    . 'sign-ins-recorded=pass users-cannot-override=pass', 'a machine that is well: results');
like($rule{'removal-locks'}{evidence}, qr{^a new session: Action=lock \(/\S*/etc/scpolicyd\.conf:3\)$}, 'the line that decides');
for my $id ('removal-locks', 'all-connections') {
    my %answers = map { $_ => 1 } @{$rule{$id}{answers}};
    ok($answers{$_}, "$id answers $_") for 'RHEL-08-020050', 'RHEL-09-271045', 'AC-11';
}
is((grep { /^(?:RHEL-10-700730|UBTU-24-200042)$/ } @{$rule{'users-cannot-override'}{answers}}), 2, 'and the later items');
my @lines = split /\n/, scalar(qx('$ctl' compliance --root='$root'));
is(scalar(@lines), 1 + keys %rule, 'as text: one line for each rule');
like($lines[3], qr/^removal-locks +A session that .* removed +pass +a new session: /, 'id, title, result, evidence');

# ---- policy

put('/etc/scpolicyd.conf.d/50-none.conf', "[Policy]\nAction=none\n");
rule_is('policy does nothing', 'removal-locks', 'fail', qr{a new session: Action=none \(\S+50-none\.conf:2\)});
put('/etc/scpolicyd.conf.d/50-none.conf', "[Rule boss]\nUser=boss\nAction=none\n");
rule_is('a rule does nothing', 'removal-locks', 'fail', qr{\[Rule boss\]: Action=none \(\S+50-none\.conf:3\)});
put('/etc/scpolicyd.conf.d/50-none.conf', "[Rule lost]\nCause=pcsc-lost\nAction=none\n");
rule_is('not on a removal', 'removal-locks', 'pass', qr{Action=lock});
put('/etc/scpolicyd.conf.d/50-none.conf', "[Policy]\nAction=none\nThen=logout\nAfter=1min\n");
rule_is('policy acts later', 'removal-locks', 'fail', qr{Action=none});
put('/etc/scpolicyd.conf.d/50-none.conf', "[Policy]\nAction=explode\n");
rule_is('the configuration is wrong', 'removal-locks', 'fail', qr{50-none\.conf:2: key Action=});

well();
put('/etc/scpolicyd.conf', "[Policy]\nAction=lock\n");
rule_is('nothing locks ssh', 'all-connections', 'fail',
    qr{ssh: Action=lock \(\S+:2\), which nothing can carry out there, and WhenCannotLock=warn; remote desktop: Action=lock \(});
put('/etc/scpolicyd.conf', "[Policy]\nAction=lock\n[Rule text]\nSession=tty\nAction=logout\n");
rule_is('a rule for it', 'all-connections', 'pass', qr{ssh: Action=logout \(\S+:5\)});
put('/etc/scpolicyd.conf', "[Policy]\nAction=logout\n[Rule away]\nSession=remote\nAction=none\n");
rule_is('remote sessions stay', 'all-connections', 'fail', qr{desktop: Action=logout .*remote desktop: Action=none \(\S+:5\)});

# ---- files

my %writable = map { $_ => 1 } '/etc', '/usr/sbin/scpolicyd', '/etc/pam.d/common-auth';
for my $path (sort keys %writable) {
    well();
    rule_is('well', 'users-cannot-override', 'pass', qr{\Q$path\E: owner root, mode 0\d+}) if $path ne '/etc';
    my $mode = (stat "$root$path")[2] & 07777;
    chmod($mode | 022, "$root$path") or die $!;
    rule_is("$path is writable", 'users-cannot-override', 'fail', qr{\Q$path\E: owner root, mode 07[0-7]{2}|\Q$path\E: owner root, mode 0666});
    chmod($mode, "$root$path") or die $!;
}
well();
chown(1000, -1, "$root/usr/sbin/scpolicyd") or die $!;
rule_is('it is a user\'s', 'users-cannot-override', 'fail', qr{/usr/sbin/scpolicyd: owner 1000, mode 0755});
well();
drop('/usr/sbin/scpolicyd');
rule_is('it is not there', 'users-cannot-override', 'fail', qr{scpolicyd is not installed});

# ---- the doctor's findings

well();
put('/etc/pam.d/common-session', debian('common-session'));
rule_is('no session line', 'sign-ins-recorded', 'fail', qr{/etc/pam\.d/common-session:\d+});
well();
drop('/etc/pam.d/common-auth');
put('/etc/pam.d/common-auth', debian('common-auth'));
rule_is('no cards', 'sign-ins-recorded', 'notapplicable', qr{no PAM service takes smart cards});

# ---- XCCDF

sub slurp_file {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/;
    return scalar <$file>;
}

well();
my $scratch = tempdir(CLEANUP => 1);
is(system("'$ctl' compliance --xccdf-results '$scratch/results.xml' --root='$root' > /dev/null") >> 8, 0, 'it is written');
my $xml = slurp_file("$scratch/results.xml");
examine();
for my $id (sort keys %rule) {
    like($xml, qr{<Rule id="xccdf_org\.scpolicyd_rule_$id"}, "$id is in it");
    like($xml, qr{<rule-result idref="xccdf_org\.scpolicyd_rule_$id"[^>]*>\s*<result>$rule{$id}{result}</result>}, "… with its result");
}
like($xml, qr{<score [^>]*>100\.00</score>}, 'and a score');
put('/etc/scpolicyd.conf', "[Policy]\nAction=lo<&\"ck\n");
is(system("'$ctl' compliance --xccdf-results='$scratch/odd.xml' --root='$root' > /dev/null") >> 8, 1, 'a rule fails: exit status');
unlike(slurp_file("$scratch/odd.xml"), qr{lo<&}, 'text is escaped');
is(system("'$ctl' compliance --xccdf-results '$scratch/no/where.xml' --root='$root' > /dev/null 2> '$scratch/errors'") >> 8, 1,
    'where nothing can be written: exit status');
like(slurp_file("$scratch/errors"), qr{^scpolicyctl: .*/no/where\.xml: No such file or directory$}m, '… and why');

my $benchmark = slurp("$top/user/data/scap/scpolicyd-xccdf.xml");
is(join(' ', sort $benchmark =~ /<Rule id="xccdf_org\.scpolicyd_rule_([a-z-]+)"/g), join(' ', sort keys %rule),
    'the benchmark for oscap has the same rules');
like($benchmark, qr{<title>\Q$_->{title}\E</title>}, "… and the title of $_->{id}") for values %rule;

for my $file ("$scratch/results.xml", "$scratch/odd.xml", "$top/user/data/scap/scpolicyd-xccdf.xml") {
    is(system("oscap xccdf validate '$file' > '$scratch/said' 2>&1"), 0, "oscap: $file is valid") or diag(slurp_file("$scratch/said"));
}
well();
put('/etc/scpolicyd.conf', "[Policy]\nAction=lock\n");
my $check = slurp("$top/user/data/scap/scpolicyd-sce") =~ s{\$\(scpolicyctl compliance}{\$('$ctl' compliance --root='$root'}r;
for ([scpolicyd => $check], ['scpolicyd-sce' => $check], ['scpolicyd-xccdf.xml' => $benchmark]) {
    open(my $file, '>', "$scratch/$_->[0]") or die $!;
    print $file $_->[1];
    close $file;
    chmod(0755, "$scratch/$_->[0]");
}
system("cd '$scratch' && oscap xccdf eval --profile xccdf_org.scpolicyd_profile_default --results sce.xml "
    . "scpolicyd-xccdf.xml > said 2>&1");
my %said = slurp_file("$scratch/sce.xml") =~ m{<rule-result idref="xccdf_org\.scpolicyd_rule_(\S+?)".*?<result>(\w+)</result>}sg;
examine();
is_deeply(\%said, {map { $_ => $rule{$_}{result} } keys %rule}, 'oscap runs the check: the same results');
is($said{'all-connections'} . $said{'removal-locks'}, 'failpass', 'among them one that fails and one that passes');
done_testing();
