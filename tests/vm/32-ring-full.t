#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The probe reports more than its ring buffer holds while the daemon is stopped. What fits says that a card is in, which is
# no removal. Then the card is removed without a report. A program of ours holds the reader meanwhile, as pcscd does.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_drop_in scpolicyd.service <<'END'
[Service]
WatchdogSec=infinity
END
guest 'systemctl restart scpolicyd'
vm_two_sessions
guest "systemctl stop pcscd.socket pcscd.service
	cd /sys/bus/usb/devices/$(usb_path_of "$card")
	systemd-run -q --collect --unit=signin-changes -p StandardOutput=truncate:/run/signin-changes.out \
		slot-changes \$(printf /dev/bus/usb/%03d/%03d \$(cat busnum devnum)) 132"
ok 'the reader can be had' wait_for 'grep -q ready /run/signin-changes.out'

guest 'systemctl kill -s STOP --kill-who=main scpolicyd'
tries=0
until guest 'grep -q enough /run/signin-changes.out' || [ $((tries += 1)) -gt 12 ]; do vm card-again 33; done
vm card-out
ok 'more slot changes than fit, then the card is out' wait_for '! systemctl is-active -q signin-changes'
empty=$(guest 'tail -n 1 /run/signin-changes.out')
note "slot changes, and how many of them of an empty slot: $empty"
guest 'systemctl start pcscd.socket; systemctl kill -s CONT --kill-who=main scpolicyd'
ok 'the log says how many were lost' wait_for "log_has 'ring buffer was full: [1-9][0-9]* records dropped'"
ok 'every session is compared again' wait_for "journal_has recheck -"
ok_only_card_locked 'lost'
# A slow machine may have shown an empty slot between a card and the next, and the reader may report it to the new pcscd, too.
reported_late() { guest "sed -n '/ lost\\b/,\$p' \$(ls -t /run/scpolicyd/trace-* | head -n 1) | grep -q 'slot-change .*slots=02'"; }
[ "${empty#* }" != 1 ] || reported_late || ok 'lost: found without the probe' not journal_has removal "$card" SCPOLICY_SOURCE=probe
vm card-in
ok_guarded_again 'inserted again'
vm card-out
ok_only_card_locked 'pulled again'
done_testing
