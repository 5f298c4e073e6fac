#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The core cases on Debian's reference policy, enforcing, with our policy module: make check-systems PART=selinux runs this,
# with the module in build/systems/scpolicyd.pp. No denial may name scpolicyd.
. "$(dirname "$0")/../vm/lib.sh"
vm_boot --set=selinux --append='security=selinux selinux=1 enforcing=0'

# What the build laid over the image has no labels yet, and what runs by now has the wrong domain.
guest -i 'cat > /root/scpolicyd.pp' < "$top/build/systems/scpolicyd.pp"
# The tests' own programs run in init's domains, and are not what is tested.
guest --timeout=400 'echo "(typepermissive init_t) (typepermissive initrc_t)" > /root/harness.cil
	semodule -i /root/scpolicyd.pp /root/harness.cil && restorecon -RF /usr /etc /run' || bail_out 'the module cannot be installed'
guest --timeout=60 'systemctl stop scpolicyd scpolicyd-loader.socket pcscd pcscd.socket
	rm -rf /run/scpolicyd; systemctl daemon-reload; systemctl start pcscd.socket scpolicyd; setenforce 1'
is 'SELinux is' "$(guest getenforce)" Enforcing

note "$(guest 'ls -Z /usr/sbin/scpolicyd /usr/libexec/scpolicyd/*; grep -H . /sys/fs/selinux/policy_capabilities/nnp* /sys/fs/selinux/enforce')"
domain_of() { guest "ps -eo label,args | grep '[/]$1' | head -n 1 | cut -d: -f3"; }
wait_for 'pgrep -f scpolicyd-pcsc-worker' 30
is 'the daemon has its domain' "$(domain_of scpolicyd)" scpolicyd_t
is 'and the worker' "$(domain_of libexec/scpolicyd/scpolicyd-pcsc-worker)" scpolicyd_worker_t
is 'the directory has its type' "$(guest 'stat -c %C /run/scpolicyd | cut -d: -f3')" scpolicyd_runtime_t
ok 'the probe is attached' wait_for "log_has 'hearing removals from: probe'"

denials() { guest "{ cat /var/log/audit/audit.log; journalctl -q -b -o cat _TRANSPORT=audit; } 2> /dev/null | grep 'denied.*scpolicyd' | sort -u"; }
note "$(denials)"
vm_two_sessions
vm_settle
vm card-out
ok_only_card_locked 'card pulled'
vm card-in
ok_guarded_again 'inserted again'
vm reader-out
ok_only_card_locked 'reader pulled'

said=$(denials)
note "$said"
ok 'nothing was denied to scpolicyd' [ -z "$said" ]
done_testing
