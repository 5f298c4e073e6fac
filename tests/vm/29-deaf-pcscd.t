#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Readers that the daemon or pcscd has missed. One that was not authorised when the daemon started (USBGuard) is located once
# it is. A pcscd that has failed to take a new reader stays deaf to it for ever: that is reported with its remedy, and
# HealPcscd=yes restarts pcscd.
. "$(dirname "$0")/lib.sh"
vm_boot

usb=$(guest 'dirname $(grep -l 08e6 /sys/bus/usb/devices/*/idVendor)')
guest "echo 0 > $usb/authorized"
ok 'not authorised: pcscd has no reader' wait_for '! timeout 8 card-atr' 30
guest 'systemctl restart scpolicyd'
guest "echo 1 > $usb/authorized"
ok 'authorised: pcscd reads its card' wait_for 'timeout 8 card-atr' 60
ok 'the daemon knows where it is' wait_for "scpolicyctl readers --json | grep -q '\"usb_path\" *: *\"${usb##*/}\"'" 30
vm_one_session
vm reader-out
ok_only_card_locked 'the reader is pulled'
ok 'the probe reported it first' journal_has removal "$card" SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=probe
vm reader-in
ok_guarded_again 'the reader is plugged in'

# pcscd tries a new reader once. What keeps its driver from being loaded is gone then, but pcscd does not try again.
deaf='pcscd .* USB port'
driver=$(guest 'ls /usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Linux/libccid.so')
vm reader-out
ok 'the reader is pulled again: locked' wait_for "is_locked $card"
guest "mount --bind /dev/null $driver"
vm reader-in
ok 'pcscd cannot load its driver' wait_for 'log_of pcscd | grep -q "hotplug_libudev.*failed\|RFLoadReader\|RFAddReader\|DYN_Load"' 60
guest "umount $driver"
ok 'pcscd is deaf to the reader: the journal says so' wait_for "log_has '$deaf'" 60
ok 'and so does status' guest "scpolicyctl status | grep -q '$deaf'"
ok 'and so does doctor, with the remedy' guest "scpolicyctl doctor | grep -A4 '$deaf' | grep -q 'systemctl restart pcscd'"
ok 'nothing restarts it' not log_has 'it is restarted'

vm_policy <<'X'
[Policy]
HealPcscd=yes
X
ok 'HealPcscd=yes: pcscd is restarted and reads the card' wait_for 'timeout 8 card-atr' 90
ok 'the session is guarded again' wait_for "journal_has restored $card" 30
ok 'status has no more of it' wait_for "! scpolicyctl status | grep -q '$deaf'" 60
done_testing
