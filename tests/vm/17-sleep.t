#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The machine sleeps: what is removed meanwhile counts only if it is still gone afterwards.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session
is_asleep() { vm qmp '{"execute":"query-status"}' | grep -q '"suspended"'; }
fall_asleep() {
	vm run --timeout=10 'systemctl suspend' # whose answer may be still on its way then
	comes_to_sleep
}
comes_to_sleep() {
	for try in $(seq $((100 * patience))); do
		! is_asleep || return 0
		sleep 0.2
	done
	return 1
}
wake_up() { vm qmp '{"execute":"system_wakeup"}' > /dev/null; }

# Without "persist" the kernel takes what it finds after sleep for another device, and gives it another address.
usb=/sys/bus/usb/devices/$(usb_path_of "$card")
before=$(guest "echo 0 > $usb/power/persist; cat $usb/devnum")
ok 'it falls asleep' fall_asleep
vm reader-out
vm reader-in
wake_up
ok 'awake: every session is compared again' wait_for "journal_has recheck -" 20
ok_not_removed 'the reader was out and in again' "$card" 6
ok 'and has a new address' guest "[ \$(cat $usb/devnum) != $before ]"

ok 'it falls asleep again' fall_asleep
vm card-out
wake_up
ok_only_card_locked 'the card was pulled'
ok 'and reported once' [ "$(guest "journalctl -q -b -o cat SCPOLICY_EVENT=removal SCPOLICY_SESSION=$card | wc -l")" = 1 ]
vm card-in
ok_guarded_again 'inserted again'
vm reader-out
ok_only_card_locked 'the reader is pulled'
vm all-in
ok_guarded_again 'the reader is back'

# Any program may delay sleep for some seconds. What is removed in them is acted on when the machine is awake again, at the latest.
guest 'systemd-run -q --collect --unit=signin-delay systemd-inhibit --what=sleep --mode=delay --who=tests --why=tests sleep 600'
wait_for 'systemd-inhibit --list | grep -q tests'
guest 'systemctl suspend --no-block'
ok 'sleep is announced' wait_for 'busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager PreparingForSleep | grep -q true'
vm card-out
ok 'and comes' comes_to_sleep
wake_up
ok_only_card_locked 'pulled while sleep was delayed'
done_testing
