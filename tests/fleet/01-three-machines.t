#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A fleet on loopback, of the parts that people run: node_exporter to Prometheus with our rules, journal-upload to journal-remote, and
# Ansible. office1 and office2 are virtual machines with scpolicyd; office3 is this one, and has none.
#
# It all runs in a network of its own: no port is taken, and nothing outside can be reached. So what has to be downloaded is first.
if [ -z "${SCPOLICY_FLEET:-}" ]; then
	unpacked=$(dirname "$0")/../../scripts/unpacked
	"$unpacked" prometheus prometheus --version > /dev/null 2>&1 &&
		"$unpacked" prometheus-node-exporter prometheus-node-exporter --version > /dev/null 2>&1 &&
		"$(dirname "$0")/../../scripts/vm-image" --set=fleet > /dev/null || exit 1
	# Its pages are looked for below /usr/share.
	export SCPOLICY_FLEET=${SCPOLICYD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/scpolicyd}/unpacked/prometheus/usr/share
	exec unshare --net --mount sh -c 'ip link set lo up &&
		{ [ ! -d "$SCPOLICY_FLEET" ] || mount -t overlay -o "lowerdir=$SCPOLICY_FLEET:/usr/share" fleet /usr/share; } &&
		exec "$0" "$@"' "$0" "$@"
fi
. "$(dirname "$0")/../vm/lib.sh"

work=$top/build/fleet
prometheus=http://127.0.0.1:9090
rm -rf "$work"
mkdir -p "$work/journal" "$work/office3"
trap end_fleet EXIT
trap 'exit 130' INT TERM HUP

# ---- machines and services ----

on() { export VM_NAME="${VM_PREFIX:-case}-$1"; }

services=
service() { # NAME COMMAND...: on this machine
	name=$1
	shift
	"$@" > "$work/$name.log" 2>&1 &
	services="$services $!"
	eval "$name=$!"
}

end_fleet() {
	status=$?
	[ -n "$finished" ] && [ "$failures" -eq 0 ] || status=1
	for machine in office1 office2; do
		on $machine
		[ $status -eq 0 ] || vm journal > "$work/$machine.journal" 2>&1
		vm stop
	done
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$services" ] || kill $services 2> /dev/null
	exit $status
}

# soon SECONDS COMMAND...: on this machine's clock.
soon() {
	soon_end=$(($(date +%s) + $1 * patience))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$soon_end" ] || return 1
		sleep 0.5
	done
}

boot() { # NAME NUMBER
	on "$1"
	vm start --set=fleet --overlay="$top/tests/vm/overlay" --forward="910$2-9100,220$2-22" || bail_out "no machine to run on"
	guest "hostname $1
		for link in /sys/class/net/e*; do name=\${link##*/}; done
		busybox ip link set \$name up && busybox ip address add 10.0.2.15/24 dev \$name && busybox ip route add default via 10.0.2.2
		printf '[Upload]\nURL=http://10.0.2.2:19532\n' > /etc/systemd/journal-upload.conf
		install -d -m 0700 /root/.ssh" || bail_out "no network in $1"
	# By itself it gives up for good when nobody has answered for a few seconds (scripts/FLEET.md).
	vm_drop_in systemd-journal-upload.service fleet <<-'END'
		[Unit]
		StartLimitIntervalSec=0
		[Service]
		Restart=on-failure
		RestartSec=5s
	END
	guest -i 'cat > /root/.ssh/authorized_keys && systemctl start ssh prometheus-node-exporter systemd-journal-upload' < "$work/key.pub"
	fresh_state || bail_out "$1 does not start as it should"
}

journal_remote() {
	service remote /lib/systemd/systemd-journal-remote --listen-http=127.0.0.1:19532 --output="$work/journal" --split-mode=host
}

configure_prometheus() {
	# An alert that waits is one that a test would wait for.
	sed 's/interval: 1m/interval: 2s/; s/for: [0-9]*m/for: 2s/' "$top/user/data/fleet/scpolicyd.rules.yml" > "$work/rules.yml"
	cat > "$work/prometheus.yml" <<-END
		global: {scrape_interval: 10s, scrape_timeout: 10s, evaluation_interval: 2s}
		rule_files: [rules.yml]
		scrape_configs:
		  - job_name: node
		    static_configs:
		      - {targets: ['127.0.0.1:9101'], labels: {instance: office1}}
		      - {targets: ['127.0.0.1:9102'], labels: {instance: office2}}
		      - {targets: ['127.0.0.1:9103'], labels: {instance: office3}}
	END
}

# ---- what is asked of them ----

asked() { "$top/scripts/unpacked" prometheus promtool query instant $prometheus "$1"; }
answers() { asked "$1" | grep -q "$2"; }              # QUERY PATTERN
instances() { asked "$1" | grep -o 'instance="[^"]*"' | sort -u | tr -d '\n'; }
says() { [ "$(instances "$1")" = "$2" ]; }            # QUERY INSTANCES
arrived() { # HOST FIELD=VALUE...
	journal_host=$1
	shift
	[ -n "$(journalctl -q --no-pager --directory="$work/journal" -o cat "_HOSTNAME=$journal_host" "$@" 2> /dev/null)" ]
}
numbers() { guest 'systemctl start scpolicyd-metrics.service scpolicyd-doctor.service'; } # as the timers do

# A page of Prometheus's own, as a person sees it, and whether it says what it should.
chromium() {
	command chromium --headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync \
		--user-data-dir="$work/chromium" --window-size=1300,900 --virtual-time-budget=20000 "$@" 2>> "$work/chromium.log"
}
picture() { # NAME URL PATTERN
	chromium --screenshot="$work/$1.png" "$2" > /dev/null && chromium --dump-dom "$2" > "$work/$1.html" && grep -q "$3" "$work/$1.html"
}

ssh-keygen -q -t ed25519 -N '' -f "$work/key"
journal_remote
boot office1 1
boot office2 2
configure_prometheus
service exporter "$top/scripts/unpacked" prometheus-node-exporter prometheus-node-exporter --web.listen-address=127.0.0.1:9103 \
	--collector.textfile.directory="$work/office3"
service server "$top/scripts/unpacked" prometheus prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" \
	--web.listen-address=127.0.0.1:9090

# ---- one policy for all ----

cat > "$work/inventory" <<END
[office]
office1 ansible_port=2201
office2 ansible_port=2202
[office:vars]
ansible_host=127.0.0.1
ansible_user=root
ansible_ssh_private_key_file=$work/key
ansible_ssh_common_args='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'
END
cat > "$work/play.yml" <<'END'
- hosts: office
  gather_facts: false
  roles:
    - role: scpolicyd
      vars:
        scpolicyd_package: ''
        scpolicyd_metrics: true
        scpolicyd_policy: {WhenCannotLock: logout}
        scpolicyd_rules: [{name: kiosk, settings: {Group: kiosk, Action: logout}}]
END
play() {
	HOME=$work ANSIBLE_ROLES_PATH=$top/packaging/ansible ANSIBLE_TIMEOUT=120 \
		ansible-playbook -i "$work/inventory" "$work/play.yml" > "$work/play.log" 2>&1
}
changed() { sed -n "s/^$1 .*changed=\([0-9]*\).*/\1/p" "$work/play.log"; }

ok 'Ansible: the role runs on both' play
[ $failures -eq 0 ] || tail -n 30 "$work/play.log" | sed 's/^/# /'
for machine in office1 office2; do
	ok "Ansible: $machine has changed" [ "$(changed $machine)" -gt 0 ]
	on $machine
	ok "Ansible: $machine has the policy in force" wait_for \
		'scpolicyctl compliance --json | grep -q "Rule kiosk.*50-ansible.conf"' 20
	ok "Ansible: $machine sends its numbers" guest 'systemctl is-active -q scpolicyd-metrics.timer && systemctl is-enabled -q scpolicyd'
done
ok 'Ansible: the role runs again' play
is 'Ansible: and changes nothing' "$(changed office1) $(changed office2)" '0 0'

# ---- which machines are protected ----

for machine in office1 office2; do
	on $machine
	numbers
done
ok 'Prometheus: three machines are there' soon 60 says 'up == 1' 'instance="office1"instance="office2"instance="office3"'
ok 'Prometheus: two of them run scpolicyd' soon 60 says 'scpolicyd:known' 'instance="office1"instance="office2"'
ok 'Prometheus: the third does not' soon 60 says 'up == 1 unless on (instance) scpolicyd_build_info' 'instance="office3"'
ok 'Prometheus: none is degraded' says 'scpolicyd_degraded > 0' ''

# ---- a removal ----

on office1
vm_one_session
vm card-out
ok 'office1: the card is removed, and its session is locked' wait_for "is_locked $card" 20
ok 'office1: the lock is verified' wait_for "journal_has outcome $card SCPOLICY_OUTCOME=verified" 20
# Something for its doctor to find.
old_rule=/etc/udev/rules.d/85-lock.rules
guest "echo 'ACTION==\"remove\", RUN+=\"/usr/bin/loginctl lock-sessions\"' > $old_rule"
numbers
guest "rm $old_rule"
ok 'Prometheus: the removal is counted, there alone' soon 60 says 'sum by (instance) (scpolicyd_removals_total) == 1' 'instance="office1"'
ok 'Prometheus: and its lock, verified' soon 60 says 'scpolicyd_outcomes_total{outcome="verified"} == 1' 'instance="office1"'
ok 'Prometheus: and how long it took' soon 60 answers 'sum(scpolicyd_action_latency_seconds_count)' '=> 1 '
ok 'Prometheus: by the model of its reader' soon 60 answers 'sum by (model) (scpolicyd_reader_latency_seconds_count)' 'model="08e6:4433"'
ok 'Prometheus: what the doctor finds there, alone' soon 60 says 'scpolicyd_doctor_finding{id="old-udev-rule"} == 1' 'instance="office1"'
ok 'Prometheus: that the doctor looked at both' soon 60 says 'scpolicyd_doctor_findings{severity="fault"} == 0' 'instance="office1"instance="office2"'
ok 'the journal of office1 has arrived, with the removal' soon 60 arrived office1 SCPOLICY_EVENT=removal
ok 'and with what came of it' soon 60 arrived office1 SCPOLICY_EVENT=outcome SCPOLICY_OUTCOME=verified
ok 'of office2 nothing of the kind has' not arrived office2 SCPOLICY_EVENT=removal

# ---- nobody takes the journal for a while ----

kill "$remote"
vm_begin_anew
vm card-in
ok 'journal-remote is down: the card is back' wait_for "journal_has restored $card" 60
ok 'what happened then has not arrived' not arrived office1 SCPOLICY_EVENT=restored
journal_remote
ok 'it is up again: what happened meanwhile arrives' soon 60 arrived office1 SCPOLICY_EVENT=restored

# ---- a daemon stops ----

on office2
guest 'systemctl stop scpolicyd.service; systemctl start scpolicyd-metrics.service'
ok 'office2: its daemon is stopped, and an alert fires' soon 60 says 'ALERTS{alertname="ScpolicydDown", alertstate="firing"}' 'instance="office2"'
ok 'the journal of office2 says so' soon 60 arrived office2 _SYSTEMD_UNIT=init.scope UNIT=scpolicyd.service
ok 'a picture of the alert' soon 60 picture alerts $prometheus/classic/alerts 'Firing (1)'
ok 'a picture of the machines without a daemon' soon 60 picture unprotected \
	"$prometheus/classic/graph?g0.expr=up%20%3D%3D%201%20unless%20on%20(instance)%20scpolicyd_build_info&g0.tab=1" 'instance="office3"'
ok 'office2 is one of them' grep -q 'instance="office2"' "$work/unprotected.html"
ok 'office1 is not' not grep -q 'instance="office1"' "$work/unprotected.html"
guest 'systemctl start scpolicyd.service'
wait_for 'systemctl start scpolicyd-metrics.service' 60
ok 'it runs again: the alert ends' soon 60 says 'ALERTS{alertname="ScpolicydDown"}' ''
on office1
guest 'cat /var/lib/prometheus/node-exporter/scpolicyd.prom' > "$work/scpolicyd.prom"
ok 'what a fleet costs a Prometheus' "$top/scripts/fleet-size" "$work/scpolicyd.prom" 10 1
done_testing
