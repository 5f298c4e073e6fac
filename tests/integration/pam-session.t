# SPDX-License-Identifier: GPL-2.0-or-later
# The PAM module in libpam with its real helper and a real pcscd. A sign-in by card is recorded whatever limits, signals and
# descriptors the program has that loaded the module, and whichever allocation fails; or it is said why it was not.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use File::Copy 'copy';
use Test::More;

my $READER = $Stage::READER;
my $RECORDS = '/run/scpolicyd/sessions';
my $HELPER = '/usr/libexec/scpolicyd/scpolicyd-pam-helper';
my $TOLD = '/run/told';
my $ID = '3f6d0a52c1e94b7d8a20f4b96e71d5c8';
$ENV{TOLD} = $TOLD;

sub place {
    my ($arguments) = @_;
    my $module = "$FindBin::Bin/../../build/pam_scpolicy.so";
    write_file('/etc/pam.d/scpolicy-test', <<"X");
auth required pam_permit.so
account required pam_permit.so
auth optional $module timeout=4000 $arguments
session required pam_permit.so
session optional $module timeout=4000 $arguments
X
}

sub told {
    open(my $file, '<', $TOLD) or return '';
    local $/;
    return <$file>;
}

# Signs in; the result of pam_open_session().
sub sign_in {
    my ($session, @hostile) = @_;
    unlink $TOLD;
    system(tool('pam-session'), 'scpolicy-test', 'root', $session, @hostile);
    return $? & 127 ? "signal $?" : $? >> 8;
}

own('/etc');
own('/usr/libexec');
mkdir '/usr/libexec/scpolicyd';
copy(build('scpolicyd-pam-helper'), $HELPER) or die $!;
chmod 0755, $HELPER;
my $journal = start_journal();
start_pcscd();
insert(35963);
wait_for_look('NOTE', qr/./);
place('');

my $session = 0;
for my $hostile ('', 'fsize=0', 'nofile=6', 'as=1000000', 'data=0', 'stack=8192', 'cpu=0', 'nice', 'idle', 'umask', 'blocked', 'closed',
    'closed nofile=3', 'fsize=0 nofile=6 as=1000000 data=0 cpu=0 nice umask blocked closed') {
    is(sign_in(++$session, split / /, $hostile), 0, "hostile: '$hostile'");
    is(read_record($session)->{READER}, $READER, "'$hostile': the sign-in is recorded") or diag($journal->transcript(5));
    is(told(), '', "'$hostile': nobody gets a message");
}

# Every allocation of the program fails once while it signs in, libpam's own included.
write_file('/run/no-memory', pack('LL', 0, 0));
my ($nth, $failures, $recorded, @lost, @crashed) = (0, 0, 0);
for (;;) {
    count_down(++$nth);
    my $seen = $journal->count(qr/MESSAGE_ID=$ID/);
    local $ENV{LD_PRELOAD} = tool('no-memory-preload.so');
    local $ENV{NO_MEMORY} = '/run/no-memory';
    local $ENV{NO_MEMORY_WAITS} = 1;
    my $r = sign_in("n$nth");
    last if count_down();
    $failures++;
    push @crashed, "$nth: $r" if $r =~ /signal/;
    if (-e "$RECORDS/n$nth") { $recorded++ }
    # A sign-in that libpam itself could not carry on with is none.
    elsif ($r eq 0 && $journal->count(qr/MESSAGE_ID=$ID/) == $seen && told() eq '') { push @lost, "$nth: $r" }
}
cmp_ok($failures, '>', 20, "$failures allocations of the program failed, each once");
cmp_ok($recorded, '>', $failures / 2, "$recorded sign-ins were recorded");
is("@lost", '', 'none was lost without a word');
is("@crashed", '', 'nothing crashed');

# The helper's, too: from its start to the record.
($nth, $failures, $recorded, @lost) = (0, 0, 0);
for (;;) {
    count_down(++$nth);
    local $ENV{NO_MEMORY} = '/run/no-memory';
    local $ENV{SCPOLICYD_TEST_PRELOAD} = tool('no-memory-preload.so');
    my $reply = ask_helper('record', SESSION => "h$nth", UID => 0, USER => 'root', SERVICE => 'login', LEADER => 4711,
        TIMEOUT => 1000);
    last if count_down();
    $failures++;
    if (-e "$RECORDS/h$nth") { $recorded++ }
    elsif (!$reply->{TEXT} || $reply->{TEXT} =~ /^cannot reach pcscd: Not enough memory/) { push @lost, $nth }
}
# libseccomp 2.5.4 frees twice what it could not allocate a part of: it crashes or hangs. The module runs another helper. In
# libpcsclite 2.3 three allocations are not tried again, which the reply says.
cmp_ok($failures, '>', 100, "$failures allocations of the helper failed, each once");
is($recorded, $failures - @lost, "$recorded sign-ins were recorded: all where the helper answered");
cmp_ok(scalar @lost, '<', $failures / 4, 'what failed is libseccomp, or libpcsclite, in a few places');

# /run is full: for a moment, then for good.
system('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=0755', 'full', '/run/scpolicyd') == 0 or die;
mkdir $RECORDS, 0700;
sub fill { write_file('/run/scpolicyd/filler', 'x' x 65536) }
fill();
is(sign_in('f1'), 0, '/run is full: the sign-in succeeds');
like(told(), qr/^told: Removing your smart card will not lock this session: cannot write the record of session f1: No space left/,
    'its person reads that');
my $entry = expect_entry(2, 'and the administrator', MESSAGE_ID => $ID, SCPOLICY_SESSION => 'f1', SCPOLICY_USER => 'root');
like($entry->{MESSAGE}, qr/not guarded though a card signed in: .*No space left on device/, 'with the reason');
if ((my $pid = fork) == 0) {
    exec tool('pam-session'), 'scpolicy-test', 'root', 'f2';
} else {
    until (glob "$RECORDS/.f2.*") { last if waitpid($pid, 1) }    # it tries
    unlink '/run/scpolicyd/filler';
    waitpid($pid, 0);
    is(read_record('f2')->{READER}, $READER, '/run was full for a moment: the sign-in is recorded');
}

# What is no fault of /run's.
pull(35963);
wait_for_look('TEXT', qr/no card/);
is(sign_in('c1'), 0, 'the card was pulled after its PIN');
like(told(), qr/: there is no card in a reader$/, 'its person reads that');
expect_entry(2, 'and the administrator', MESSAGE_ID => $ID, SCPOLICY_SESSION => 'c1');
place('quiet');
sign_in('c2');
is(told(), '', 'quiet: its person gets no message');
expect_entry(2, 'quiet: but the administrator is', MESSAGE_ID => $ID, SCPOLICY_SESSION => 'c2');
place('token');
sign_in('c3');
is(told(), '', 'no card was used: nobody gets a message');
place('');
sign_in('');
like(told(), qr/: pam_systemd has opened no session$/, 'no session of pam_systemd');

done_testing();
