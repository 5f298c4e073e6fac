# SPDX-License-Identifier: GPL-2.0-or-later
package Stage::Xrdp;
# Remote desktops on the stage: the real xrdp and xorgxrdp, and xfreerdp on a screen of its own (Xvfb) as the
# client of persons who exist here only. /etc and /tmp are the stage's and end with it.
use strict;
use warnings;
use Cwd 'abs_path';
use Exporter 'import';
use File::Path 'make_path';
use FindBin;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Stage;
use Stage::Process;
use Test::More;

our @EXPORT = qw(start_xrdp connect_client client_ended desktops uid_of);
our %uid = (anna => 4711, ben => 4712);
my $port = 3389;
my ($sesman, $xrdp);

sub run { system(@_) == 0 or die "@_ failed\n" }

# Own, writable /etc and /tmp; the tests themselves may lie below /tmp.
sub own_folders {
    my $top = abs_path("$FindBin::Bin/../..");
    make_path('/run/etc', '/run/top');
    run('cp', '-a', '/etc/.', '/run/etc');
    run('mount', '--bind', '/run/etc', '/etc');
    run('mount', '--bind', $top, '/run/top');
    run('mount', '-t', 'tmpfs', '-o', 'mode=1777', 'tmp', '/tmp');
    return if $top !~ m{^/tmp/};
    make_path($top);
    run('mount', '--bind', '/run/top', $top);
}

sub append {
    my ($path, $line) = @_;
    open(my $file, '>>', $path) or die "$path: $!";
    print $file "$line\n";
    close $file;
}

# Anybody is let in: signing in is not what is tried here.
sub person {
    my ($name, $uid) = @_;
    my $home = "/run/home/$name";
    append('/etc/passwd', join ':', $name, 'x', $uid, $uid, '', $home, '/bin/sh');
    append('/etc/group', "$name:x:$uid:");
    make_path($home);
    chown $uid, $uid, $home;
}

sub uid_of { return $uid{$_[0]} }

# The desktop is one process that reports its start and waits.
sub configure {
    write_file('/etc/pam.d/xrdp-sesman', join '', map { "$_ required pam_permit.so\n" } qw(auth account session));
    write_file('/etc/xrdp/startwm.sh', <<'X', 0755);
#!/bin/sh
echo "$DISPLAY $$" >> ~/desktops
exec sleep 1000
X
    my $openssl = start('openssl', 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=stage',
        '-days', '2', '-keyout', '/etc/xrdp/stage.key', '-out', '/etc/xrdp/stage.pem');
    $openssl->end() == 0 or die('no certificate: ' . $openssl->transcript . "\n");
    write_file('/etc/xrdp/sesman.ini', <<'X');
[Globals]
ListenAddress=127.0.0.1
ListenPort=3350
EnableUserWindowManager=false
DefaultWindowManager=/etc/xrdp/startwm.sh
ReconnectScript=/bin/true
[Security]
MaxLoginRetry=4
[Sessions]
X11DisplayOffset=10
MaxSessions=2
KillDisconnected=false
[Logging]
LogFile=/run/log/xrdp-sesman.log
LogLevel=INFO
EnableSyslog=false
EnableConsole=true
ConsoleLevel=INFO
[Chansrv]
EnableFuseMount=false
[Xorg]
param=/usr/lib/xorg/Xorg
param=-config
param=xrdp/xorg.conf
param=-noreset
param=-nolisten
param=tcp
param=-logfile
param=.xorgxrdp.%s.log
X
    write_file('/etc/xrdp/xrdp.ini', <<"X");
[Globals]
ini_version=1
port=tcp://127.0.0.1:$port
security_layer=tls
certificate=/etc/xrdp/stage.pem
key_file=/etc/xrdp/stage.key
ssl_protocols=TLSv1.2, TLSv1.3
allow_channels=true
max_bpp=24
[Logging]
LogFile=/run/log/xrdp.log
LogLevel=INFO
EnableSyslog=false
EnableConsole=true
ConsoleLevel=INFO
[Xorg]
name=Xorg
lib=libxup.so
username=ask
password=ask
ip=127.0.0.1
port=-1
code=20
X
}

# xrdp 0.9 takes 127.0.0.1 for ::1 where there is IPv6. The sesman of 0.10 has a socket in a directory.
sub answers {
    my ($port, $path) = @_;
    return 1 if $path && IO::Socket::UNIX->new(Peer => $path);
    return grep { IO::Socket::IP->new(PeerHost => $_, PeerPort => $port) } '127.0.0.1', '::1';
}

sub start_xrdp {
    own_folders();
    person($_, $uid{$_}) for sort keys %uid;
    configure();
    $ENV{PATH} .= ':/usr/sbin';
    $sesman = start('xrdp-sesman', 'xrdp-sesman', '--nodaemon');
    Stage::until_true(10, sub { answers(3350, '/run/xrdp/sockdir/sesman.socket') }) or die('xrdp-sesman did not start: ' . $sesman->transcript . "\n");
    $xrdp = start('xrdp', 'xrdp', '--nodaemon');
    my $screen = start('Xvfb', 'Xvfb', '-displayfd', '1', '-screen', '0', '800x600x24', '-nolisten', 'tcp');
    my $display = $screen->wait_for(qr/^\d+$/, 10) // die('Xvfb did not start: ' . $screen->transcript . "\n");
    $ENV{DISPLAY} = ":$display";
    Stage::until_true(10, sub { answers($port) }) or die('xrdp did not start: ' . $xrdp->transcript . "\n");
}

# The person's desktop is on the client's screen when the desktop's X server says so.
sub connect_client {
    my ($name, @options) = @_;
    local $ENV{HOME} = '/run/home';    # where it remembers certificates
    my ($xfreerdp) = grep { -x "/usr/bin/$_" } 'xfreerdp', 'xfreerdp3';
    my $client = start("xfreerdp-$name", $xfreerdp, "/v:127.0.0.1:$port", "/u:$name", '/p:any', '/cert:ignore',
        '/sec:tls', '/size:640x480', @options);
    ok($sesman->wait_for(qr/rdpClientConProcessMsgClientInfo:/, 15), "$name has the desktop before them")
        or diag($client->transcript, $sesman->transcript(20), $xrdp->transcript(20));
    return $client;
}

# Whether the client ended within so many seconds.
sub client_ended {
    my ($client, $seconds) = @_;
    return Stage::until_true($seconds, sub { !$client->hear(0.02) });
}

# What startwm.sh reported about each desktop of the person: "DISPLAY PID".
sub desktops {
    open(my $file, '<', "/run/home/$_[0]/desktops") or return ();
    chomp(my @lines = <$file>);
    return @lines;
}

1;
