# SPDX-License-Identifier: GPL-2.0-or-later
package Stage;
# What every case here stands on: a machine of its own, made of namespaces. `use Stage;` restarts the test
# in private mount, network and process namespaces with an empty /run, so that the real paths (/run/pcscd,
# /run/scpolicyd, the system bus, the journal's socket) are used and nothing of the host is touched or left
# behind: when the test ends, the kernel ends every process it started.
use strict;
use warnings;
use Exporter 'import';
use FindBin;
use IO::Socket::UNIX;
use IPC::Open2;
use File::Path 'make_path';
use Test::More;
use Time::HiRes qw(sleep time);
use Stage::Process;

our @EXPORT = qw(build tool start worker_path start_pcscd stop_pcscd insert pull write_file boot_id
    start_bus stop_bus own append_file start_logind start_journal start_daemon stop_daemon
    ask_helper wait_for_look count_down read_record session record drop_record expect_lock expect_no_lock expect_entry unlock until_true);

my %pcscd_reader = (                                 # channel: name of the reader that vpcd makes of it
    0x8C7B => 'Virtual PCD', 0x9C7B => 'Other PCD', 0xAC7B => "Odd\x01PCD");
our $READER = 'Virtual PCD 00 00';                   # slot 0, port 35963; slot 1: 'Virtual PCD 00 01', port 35964
our $ATR = '3B80800101';
my $build = "$FindBin::Bin/../../build";
my ($pcscd, $bus, $logind, $journal, $daemon, %cards);

sub command {
    system(@_) == 0 or die "@_ failed\n";
}

BEGIN {
    if (!$ENV{SCPOLICY_STAGE}) {
        plan(skip_all => 'needs root') if $> != 0;
        $ENV{SCPOLICY_STAGE} = 1;
        exec 'unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc',
            $^X, "-I$FindBin::Bin", "$FindBin::Bin/$FindBin::Script", @ARGV or die "unshare: $!";
    }
    # The first process of a namespace gets no signal that it does not handle, and unshare handles none: without this the test
    # would outlive whoever started it.
    $SIG{$_} = sub { exit 1 } for qw(HUP INT TERM);
    command('mount', '-t', 'tmpfs', '-o', 'mode=0755', 'stage', '/run');
    command('ip', 'link', 'set', 'lo', 'up');
    make_path('/run/pcscd', '/run/dbus', '/run/systemd/journal', '/run/lock', '/run/log');
}

# The path of a built program; the sanitized build where there is one.
sub build {
    my ($name) = @_;
    return -x "$build/san/$name" ? "$build/san/$name" : "$build/$name";
}

sub tool { return "$build/tests/integration/$_[0]" }

sub start { return Stage::Process->new(@_) }

sub worker_path { return build('scpolicyd-pcsc-worker') }

sub write_file {
    my ($path, $text, $mode) = @_;
    open(my $file, '>', $path) or die "$path: $!";
    print $file $text;
    close $file;
    chmod($mode // 0644, $path);
}

sub boot_id {
    open(my $file, '<', '/proc/sys/kernel/random/boot_id') or die $!;
    my $id = <$file>;
    $id =~ s/[-\n]//g;
    return $id;
}

# ---- pcscd, readers, cards -------------------------------------------------------------------------------

# The real pcscd with virtual readers: of the channels named, by default the one of ports 35963 and 35964.
# start_pcscd(usb => ...): the readers tell a USB address, 1:2.
sub start_pcscd {
    my $driver = @_ && $_[0] eq 'usb' ? (shift, tool('usb-driver.so'))[1] : '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
    my @channels = @_ ? @_ : (0x8C7B);
    my $conf = join '', map { sprintf <<'X', $pcscd_reader{$_}, $_, $driver, $_ } @channels;
FRIENDLYNAME "%s"
DEVICENAME /dev/null:0x%X
LIBPATH %s
CHANNELID 0x%X
X
    write_file('/run/reader.conf', $conf);
    local $ENV{LD_PRELOAD} = tool('pcscd-preload.so');
    # There is no polkit here, and since 2.0 pcscd asks it about root, too.
    my @options = grep { qx(pcscd --help 2>&1) =~ /$_/ } '--disable-polkit';
    $pcscd = start('pcscd', 'pcscd', '--foreground', @options, '--config', '/run/reader.conf');
    until_true(5, sub { connects('/run/pcscd/pcscd.comm') }) or diag('pcscd did not start');
    return $pcscd;
}

sub stop_pcscd {
    my ($signal) = @_;
    $pcscd->end($signal // 'TERM');
    undef $pcscd;
}

# A card into the reader at `port`; the caller waits for what it expects of that.
sub insert {
    my ($port, $atr) = @_;
    $cards{$port} = start("card-$port", tool('virtual-card'), $port, $atr // $ATR);
}

sub pull {
    my ($port) = @_;
    (delete $cards{$port})->end('KILL');
}

sub until_true {
    my ($seconds, $condition) = @_;
    my $end = time + Stage::Process::PATIENCE * $seconds;
    while (time < $end) {
        return 1 if $condition->();
        sleep 0.01;
    }
    return 0;
}

# A socket file may be there before anybody listens, or after.
sub connects {
    my ($path) = @_;
    return IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path);
}

# ---- the PAM module's helper ------------------------------------------------------------------------------

# Sends FIELD => value pairs, or a text as it is. The reply as a hash. Killed at its time limit, as the module does.
sub ask_helper {
    my ($verb, @request) = @_;
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';    # the leak checker needs ptrace
    my %given = @request == 1 ? () : @request;
    my $text = @request == 1 ? $request[0] : exists $given{TIMEOUT} ? '' : "TIMEOUT=20000\n";
    for (my $i = 0; $i + 1 < @request; $i += 2) { $text .= "$request[$i]=$request[$i + 1]\n" }
    # A library to preload goes with the build that has no sanitizer.
    my $preload = $ENV{SCPOLICYD_TEST_PRELOAD};
    my @command = $preload ? ('env', "LD_PRELOAD=$preload", "$build/scpolicyd-pam-helper") : build('scpolicyd-pam-helper');
    my $pid = open2(my $out, my $in, @command, $verb);
    print $in $text;
    close $in;
    local $SIG{ALRM} = sub { kill 'KILL', $pid };
    alarm(($given{TIMEOUT} // 20000) / 1000 + 1);
    my %reply = map { chomp; split /=/, $_, 2 } <$out>;
    alarm(0);
    waitpid($pid, 0);
    return \%reply;
}

# The allocation that fails next, counted down by tests/integration's preloaded allocator; without an argument, what is left.
sub count_down {
    my ($count) = @_;
    open(my $file, '+<', '/run/no-memory') or die $!;
    my $left = 0;
    if (defined $count) { syswrite $file, pack('L', $count) } else { sysread $file, $left, 4 }
    return defined $count ? $count : unpack 'L', $left;
}

# Waits until the helper's answer to "look" has this field, or a text that matches.
sub wait_for_look {
    my ($field, $pattern) = @_;
    return until_true(30, sub { (ask_helper('look')->{$field} // '') =~ $pattern }) || die "the helper never had $field\n";
}

sub read_record {
    my ($id) = @_;
    open(my $file, '<', "/run/scpolicyd/sessions/$id") or return {};
    return {map { chomp; split /=/, $_, 2 } <$file>};
}

# ---- bus, logind, journal --------------------------------------------------------------------------------

# What the system bus of a real machine allows (/usr/share/dbus-1/system.conf), and root everything.
my $system_policy = <<'X';
  <policy context="default">
    <allow user="*"/><deny own="*"/>
    <deny send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <policy user="root">
    <allow own="*"/><allow send_destination="*"/>
  </policy>
X

my $open_policy = <<'X';
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
X

# Without an argument everybody may do everything; with one, that file says who may what to its service.
sub start_bus {
    my ($policy) = @_;
    my $rules = $policy ? "$system_policy<include>$policy</include>\n" : $open_policy;
    write_file('/run/dbus/stage.conf', <<"X");
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
$rules
  <limit name="max_connections_per_user">2000</limit>
</busconfig>
X
    $bus = start('dbus-daemon', 'dbus-daemon', '--nofork', '--config-file=/run/dbus/stage.conf');
    until_true(5, sub { connects('/run/dbus/system_bus_socket') }) or diag('no bus');
    return $bus;
}

# Makes a directory, such as /etc, writable: only this test sees the changes.
sub own {
    my ($folder) = @_;
    my $copy = '/run/own' . $folder =~ tr{/}{-}r;
    make_path($copy, "$copy-work");
    command('mount', '-t', 'overlay', '-o', "lowerdir=$folder,upperdir=$copy,workdir=$copy-work", 'overlay', $folder);
}

sub append_file {
    my ($path, @lines) = @_;
    open(my $file, '>>', $path) or die "$path: $!";
    print $file map { "$_\n" } @lines;
    close $file;
}

sub stop_bus { $bus->end('TERM') }

sub start_logind {
    $logind = start('fake-logind', tool('fake-logind'));
    $logind->wait_for(qr/^READY/, 5) or diag('fake logind did not start');
    return $logind;
}

sub start_journal {
    $journal = start('journal-sink', tool('journal-sink'));
    $journal->wait_for(qr/^READY/, 5) or diag('journal sink did not start');
    return $journal;
}

# ---- the daemon, sessions and their records --------------------------------------------------------------

# Starts the daemon, of build() or in the folder named, with its worker from there and waits until it says READY=1.
sub start_daemon {
    my $folder = $_[0] // build('scpolicyd') =~ s{/[^/]*$}{}r;
    local $ENV{SCPOLICYD_LIBEXECDIR} = $folder;
    local $ENV{NOTIFY_SOCKET} = '/run/notify';
    unlink $ENV{NOTIFY_SOCKET};
    my $notify = start('notify', $^X, "-I$FindBin::Bin", '-MStage::Notify', '-e', 'Stage::Notify::listen()');
    $notify->wait_for(qr/^LISTENING/, 5);
    $daemon = start('scpolicyd', "$folder/scpolicyd");
    $notify->wait_for(qr/READY=1/, 10) or diag('the daemon did not become ready');
    $notify->end('KILL');
    return $daemon;
}

sub stop_daemon { $daemon->end($_[0] // 'TERM') }

# A session that logind knows, of user UID and process LEADER; other fields are its properties (Type, Seat, ...).
sub session {
    my ($id, %field) = @_;
    my ($uid, $leader) = (delete $field{UID} // 1000, delete $field{LEADER} // $$);
    $logind->say(join ' ', 'session', $id, $uid, $leader, map { "$_=$field{$_}" } sort keys %field);
    $logind->wait_for(qr/^SESSION \Q$id\E$/, 2) or diag("no session $id");
}

# Its login record; named fields replace or, undefined, leave out the usual ones. `spoil` gets the path of
# the file before it is put in place.
sub record {
    my ($id, %field) = @_;
    my $spoil = delete $field{spoil};
    my %all = (
        SESSION => $id, BOOT_ID => boot_id(), UID => 1000, USER => 'card', SERVICE => 'login',
        LEADER => $$, READER => $READER, SLOT => 0, ATR => $ATR, COUNTER => 1,
        PCSC_SOCKET => '/run/pcscd/pcscd.comm', %field);
    make_path('/run/scpolicyd/sessions', {mode => 0700}) if !-d '/run/scpolicyd/sessions';
    write_file("/run/scpolicyd/.$id",
        join('', map { "$_=$all{$_}\n" } grep { defined $all{$_} } sort keys %all), 0600);
    $spoil->("/run/scpolicyd/.$id") if $spoil;
    rename("/run/scpolicyd/.$id", "/run/scpolicyd/sessions/$id") or die $!;
}

sub drop_record { unlink "/run/scpolicyd/sessions/$_[0]" }

# Somebody unlocks it by hand. A person is no faster: what unlocks within a second of the lock is a locker that ended.
sub unlock {
    my ($logind, $id) = @_;
    select(undef, undef, undef, 1.1);
    $logind->say("unlock $id");
}

sub expect_lock {
    my ($id, $seconds, $why) = @_;
    my $heard = $logind->wait_for(qr/^LockSession \Q$id\E$/, $seconds);
    ok($heard, $why // "session $id is locked") or show();
}

# Nothing was asked for sessions whose id matches since the last look, nor is within `seconds`.
sub expect_no_lock {
    my ($id, $seconds, $why) = @_;
    my $heard = $logind->wait_briefly(qr/^(LockSession|TerminateSession|KillSession) $id$|^(Lock|Terminate)Sessions$/, $seconds);
    ok(!$heard, $why // "session $id is left alone") or show();
}

# A journal entry whose fields all match; returns it as a hash.
sub expect_entry {
    my ($seconds, $why, %field) = @_;
    my $all = join '', map { "(?=.*(?:^|\\|)$_=\Q$field{$_}\E(?:\\||\$))" } sort keys %field;
    my $line = $journal->wait_for(qr/^$all/, $seconds);
    ok($line, $why) or show();
    return $line ? {map { split /=/, $_, 2 } split /\|/, $line} : {};
}

# On a failure: what everybody said last.
sub show {
    diag($_->transcript(12)) for grep { defined } $daemon, $logind, $journal;
}

1;
