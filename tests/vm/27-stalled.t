#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A neighbour that stops answering keeps nobody's removal from being acted on; the bus and logind get it when they go on.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session

halt() { guest "pkill -STOP -x '$1'"; }
go_on() { guest "pkill -CONT -x '$1'"; }

back() {
	vm card-in
	wait_for card-atr 20
	unlock "$card"
	wait_for "is_unlocked $card && scpolicyctl sessions --json | grep -q guarded"
	vm_begin_anew
}

for neighbour in polkitd systemd-udevd pcscd scpolicyd-pcsc-; do
	halt $neighbour
	vm card-out
	ok "$neighbour does not answer: locked" wait_for "is_locked $card"
	go_on $neighbour
	back
done

# Its queue holds 512 entries (max_dgram_qlen), so what follows waits in the daemon.
halt systemd-journal
guest 'for entry in $(seq 600); do busctl call -q org.scpolicyd1 /org/scpolicyd1 org.scpolicyd1.Manager Reload || exit; done' > /dev/null
vm card-out
ok 'the journal does not read: locked' wait_for "is_locked $card"
go_on systemd-journal
ok 'the journal has the removal when it reads again' wait_for "journal_has removal $card SCPOLICY_CAUSE=card" 20
ok 'nothing was dropped' guest 'scpolicyctl status --json | grep -Eq "\"dropped\": *0"'
back

for neighbour in systemd-logind dbus-daemon; do
	halt $neighbour
	vm card-out
	guest 'sleep 1'
	go_on $neighbour
	ok "$neighbour goes on: locked" wait_for "is_locked $card"
	back
done
done_testing
