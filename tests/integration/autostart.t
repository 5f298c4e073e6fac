# SPDX-License-Identifier: GPL-2.0-or-later
# The desktops start the agent: systemd's generator, through which Plasma and GNOME start such files, makes a unit of ours.
use strict;
use warnings;
use File::Copy 'copy';
use File::Path 'make_path';
use File::Temp 'tempdir';
use FindBin;
use Test::More;

my $GENERATOR = '/usr/lib/systemd/user-generators/systemd-xdg-autostart-generator';
my $top = "$FindBin::Bin/../..";

for my $desktop ('KDE', 'GNOME', 'ubuntu:GNOME', 'XFCE', 'sway') {
    my $directory = tempdir(CLEANUP => 1);
    make_path("$directory/autostart", "$directory/out");
    copy("$top/user/data/scpolicyctl-notify.desktop", "$directory/autostart") or die $!;
    local %ENV = (PATH => "$top/build:$ENV{PATH}", HOME => $directory, XDG_CONFIG_HOME => "$directory/none",
        XDG_CONFIG_DIRS => $directory, XDG_CURRENT_DESKTOP => $desktop, SYSTEMD_LOG_TARGET => 'console', SYSTEMD_LOG_LEVEL => 'debug');
    my $said = qx('$GENERATOR' $directory/out $directory/out $directory/out 2>&1);
    my ($unit) = glob "$directory/out/xdg-desktop-autostart.target.wants/*notify\@autostart.service";
    ok($unit && -e $unit, "$desktop: there is a unit") or diag($said);
}
done_testing();
