#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On QEMU's xhci this reader fails now and then while its card is used: pcscd then reports a communication error, which
# is no removal. A real one still is, even in the middle of it.
. "$(dirname "$0")/lib.sh"
vm_boot --usb=xhci
vm_witness
session=$(vm_signin password scpolicy-always)
vm_locker "$session"
ok 'a session is governed' wait_for "test -e /run/scpolicyd/sessions/$session"

guest 'for round in 1 2 3 4; do timeout 5 opensc-tool --name; timeout 5 pkcs11-tool -O; done' > /dev/null 2>&1
ok 'the reader fails' guest "$guest_functions; log_of pcscd | grep -q 'Error communicating to'"
ok 'the daemon calls it a communication error' wait_for "journal_has comm-error $session"
ok 'no Lock came of it' never 'grep -q " lock " /run/witness.out' 3
ok 'no removal either' not journal_has removal "$session"
ok 'the session is not locked' is_unlocked "$session"

guest "systemd-run -q --collect --unit=signin-use sh -c 'while opensc-tool --name; do :; done'"
vm reader-out
ok 'the reader is pulled: the session is locked' wait_for "is_locked $session"
ok 'the probe reported it' journal_has removal "$session" SCPOLICY_SOURCE=probe
done_testing
