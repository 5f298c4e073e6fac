# SPDX-License-Identifier: GPL-2.0-or-later
# The Ansible role writes a policy that scpolicyctl reads as it was meant, and changes nothing the second time. What it does to a
# running machine (package, services, reload) is not tried here.
use strict;
use warnings;
use File::Path 'make_path';
use File::Temp 'tempdir';
use FindBin;
use JSON::PP;
use Test::More;

plan(skip_all => 'needs root') if $> != 0;

my $top = "$FindBin::Bin/../..";
my $root = tempdir(CLEANUP => 1);
my $work = tempdir(CLEANUP => 1);
make_path("$root/etc");
$ENV{HOME} = $work;
$ENV{ANSIBLE_ROLES_PATH} = "$top/packaging/ansible";

sub play {
    my ($variables) = @_;
    open(my $file, '>', "$work/play.yml") or die $!;
    print $file encode_json([{hosts => 'localhost', connection => 'local', gather_facts => JSON::PP::false, roles => ['scpolicyd'],
        vars => {scpolicyd_root => $root, %$variables}}]);
    close $file;
    my $said = qx(ansible-playbook -i localhost, '$work/play.yml' 2>&1);
    is($?, 0, 'it runs') or diag($said);
    my ($changed) = $said =~ /changed=(\d+)/;
    return $changed;
}

my %variables = (scpolicyd_policy => {WhenCannotLock => 'logout'},
    scpolicyd_rules => [{name => 'night', settings => {Group => 'operators', Action => 'none'}}]);
isnt(play(\%variables), 0, 'it writes the policy');
is(play(\%variables), 0, 'and no other the second time');
my $json = qx('$top/build/scpolicyctl' compliance --json --root='$root');
my %rule = map { $_->{id} => $_ } @{decode_json($json)->{rules}};
is($rule{'all-connections'}{result}, 'pass', '[Policy] is read');
like($rule{'removal-locks'}{evidence}, qr{\[Rule night\]: Action=none \(\S+/50-ansible\.conf:\d+\)}, 'and so is the rule');
is(play({}), 1, 'without settings, the defaults are back');
$json = qx('$top/build/scpolicyctl' compliance --json --root='$root');
%rule = map { $_->{id} => $_ } @{decode_json($json)->{rules}};
is($rule{'removal-locks'}{result}, 'pass', 'which lock');
done_testing();
