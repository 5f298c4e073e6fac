#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What each process of the service may still do once it runs: as the kernel says of the process, and as systemd says of the units.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session

# may PID EFFECTIVE PERMITTED BOUNDING: masks of capabilities (1 << number, linux/capability.h); none is inherited by programs.
may() {
	status=$(guest "cat /proc/$1/status")
	for line in "CapInh:	0000000000000000" "CapPrm:	$3" "CapEff:	$2" "CapBnd:	$4" "CapAmb:	0000000000000000" \
		"NoNewPrivs:	1" "Seccomp:	2"; do
		printf '%s\n' "$status" | grep -Fqx "$line" && continue
		note "wanted $line:"
		note "$(printf '%s\n' "$status" | grep -E '^(Name|Cap|NoNew|Seccomp)')"
		return 1
	done
}
filters() { guest "sed -n 's/^Seccomp_filters:	//p' /proc/$1/status"; }
process() { guest "pgrep -x '$1' | head -n 1"; }

none=0000000000000000
dac_override=0000000000000002
sys_chroot=0000000000040000
audit_write=0000000020000000

daemon=$(guest 'systemctl show -P MainPID scpolicyd')
worker=$(process 'scpolicyd-pcsc-')
ok 'the daemon may write to terminals, and let the worker lock itself in' may "$daemon" $dac_override 0000000000040002 $sys_chroot
ok 'the PC/SC worker may nothing' may "$worker" $none $none $sys_chroot
ok 'and has a stricter filter than the daemon' [ "$(filters "$worker")" -gt "$(filters "$daemon")" ]
ok "the audit log's writer may write to it" may "$(process scpolicyd-audit)" $audit_write $audit_write $none

exposed() { guest "systemd-analyze security --no-pager --threshold=$2 $1" > "$top/build/vm/$case_name.$1" || { tail -n 1 "$top/build/vm/$case_name.$1"; return 1; }; }
ok 'the loader is not there any more' guest '! pgrep -x scpolicyd-loade'
ok 'and was: it loaded the probe' log_has 'hearing removals from: probe .fentry., uevent, udev, pcsc'

for unit in scpolicyd scpolicyd-loader; do
	ok "$unit is exposed to 2.0 at most" exposed $unit 20
	note "$(tail -n 1 "$top/build/vm/$case_name.$unit")"
done
done_testing
