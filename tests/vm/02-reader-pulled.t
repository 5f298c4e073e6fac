#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The reader is removed with the card in it: by hand, then by software, which unbinds its driver first.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions
# QEMU's reader may report "card out" just before it is removed; then the disconnect only agrees.
reader_heard() { journal_has removal "$card" SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=probe ||
	journal_has heard "$card" SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=probe; }

vm reader-out
ok_only_card_locked 'pulled'
ok 'the probe reported the reader' reader_heard
ok 'udev agreed' wait_for "journal_has heard $card SCPOLICY_CAUSE=reader SCPOLICY_SOURCE=udev"

vm reader-in
ok_guarded_again 'inserted again'
guest 'for id in /sys/bus/usb/devices/*/idVendor; do
	if grep -q 08e6 "$id"; then echo 1 > "${id%/*}/remove"; fi; done'
ok_only_card_locked 'switched off'
ok 'the kernel reported it' journal_has removal "$card" SCPOLICY_CAUSE=reader
vm reader-out
done_testing
