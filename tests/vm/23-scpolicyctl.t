#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# scpolicyctl on a whole machine: what it shows about the probe, a real reader and USB device, and about a card that is pulled meanwhile.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_two_sessions

said_has() { printf '%s\n' "$said" | grep -Eq "$1" || { note "$said"; return 1; }; }
says() { # NAME PATTERN COMMAND
	said=$(guest "$3" 2>&1)
	ok "$1" said_has "$2"
}

says 'status: on, by the kernel probe' 'sources: probe \((fentry|kprobe)\), uevent, udev, pcsc' 'scpolicyctl'
says 'sessions: the one that the card opened' "^$card +card +scpolicy-login +guarded +lock" 'scpolicyctl sessions'
is 'sessions: and no other' "$(guest 'scpolicyctl sessions | wc -l')" 2
says 'sessions: another user sees none' '^No session' 'runuser -u password -- scpolicyctl sessions'
says 'readers: the probe listens to it' '^Gemalto.* yes +yes +1-1 ' 'scpolicyctl readers'
says 'explain: where it is' 'on USB: 1-1 \(08e6:4433\)' "scpolicyctl explain $card"
says 'explain: its owner may ask' "^Session $card of card .*scpolicy-login" "runuser -u card -- scpolicyctl explain $card"
says 'simulate: what would be done' "^Session $card, cause card: locked at once" "scpolicyctl simulate $card card"
says 'simulate: and does nothing' '^no$' "loginctl show-session -p LockedHint --value $card"
says 'reload' 'read again' 'scpolicyctl reload'

guest 'systemd-run -q --unit=monitor -p StandardOutput=truncate:/run/monitor.out scpolicyctl monitor'
wait_for 'grep -q listening /run/monitor.out'
vm card-out
ok_only_card_locked 'monitored'
ok 'monitor: the kernel saw it' wait_for "grep -Eq '[+]0[.]0 ms +$card +card +its card was removed .heard by probe' /run/monitor.out"
ok 'monitor: decided and sent' wait_for "grep -Eq ' $card +card +decided [+][0-9.]+ ms, lock sent' /run/monitor.out"
ok 'monitor: verified' wait_for "grep -Eq ' $card +card +lock verified' /run/monitor.out"
ok 'monitor: PC/SC was later' wait_for "grep -Eq ' $card +card +pcsc heard of a removal' /run/monitor.out"
note "$(guest 'cat /run/monitor.out')"

guest 'systemctl stop scpolicyd'
says 'not running: said so, with the remedy' 'does not run; .*systemctl start scpolicyd' 'scpolicyctl'
is 'not running: the exit status' "$(guest 'scpolicyctl 2> /dev/null; echo $?')" 3
ok 'not running: nor started by asking' guest '! systemctl is-active -q scpolicyd'
says 'replay: what the daemon recorded leads to the same' 'all as recorded' 'scpolicyctl replay $(ls -t /run/scpolicyd/trace-* | head -n 1)'
guest 'systemctl start scpolicyd'
ok 'monitor: it goes on over a restart' wait_for "grep -q 'has stopped' /run/monitor.out && tail -n 3 /run/monitor.out | grep -q listening" 20
guest 'systemctl stop monitor; rm /run/monitor.out'
done_testing
