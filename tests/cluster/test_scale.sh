#!/bin/bash
#
# Many hosts in one cluster: the start, one change among all, and what it
# costs.  SCALE is the number of Gslbs (1,000).
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=scale
scale=${SCALE:-1000}
last=$((scale - 1))
last_ip=10.0.$((last >> 8)).$((last & 255))

every_host_is_answered() {
	equals $last_ip answer eu h$last.$zone A
	local i
	for ((i = 0; i < scale; i += scale / 20)); do
		equals 10.0.$((i >> 8)).$((i & 255)) answer eu h$i.$zone A
	done
}

one_change_among_many_is_quick() {
	backend eu $ns h$last unready
	took "one of $scale turns unready" '' answer eu h$last.$zone A
	backend eu $ns h$last ready
	took "one of $scale turns ready" $last_ip answer eu h$last.$zone A
	[ "$(tail -1 "$WORK/times" | sed 's/.*: \([0-9]*\) ms/\1/')" -lt 2000 ]
}

every_status_is_written() {
	PATIENCE=60 equals "$scale" healthy
	echo "RSS with $scale Gslbs: $(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$(gslbd_pid eu)/status") MiB" \
		>>"$WORK/times"
}
healthy() { kc eu -n $ns get gslbs.k8gb.io -o json | grep -c '"h[0-9]*\.gslb\.example\.test": "Healthy"'; }

it_rests_afterwards() {
	local before after
	PATIENCE=60 within 60 at_rest || fail "statuses are written on and on"
	before=$(cpu_ticks)
	stays "$(versions)" 5 versions
	after=$(cpu_ticks)
	echo "CPU in 5 s of rest: $(((after - before) * 1000 / $(getconf CLK_TCK))) ms" >>"$WORK/times"
}
versions() { kc eu -n $ns get gslbs.k8gb.io -o 'jsonpath={.items[*].metadata.resourceVersion}' | md5sum; }
at_rest() {
	local before
	before=$(versions)
	sleep 1
	[ "$(versions)" = "$before" ]
}
cpu_ticks() { sed 's/.*) //' "/proc/$(gslbd_pid eu)/stat" | awk '{ print $12 + $13 }'; }

new_hosts_join_the_many() {
	/usr/bin/python3 "$HERE/make-hosts.py" "$KUBECONFIG_EU" $ns 10 "$scale"
	took '10 hosts more' "$(printf '10.0.%d.%d' $(((scale + 9) >> 8)) $(((scale + 9) & 255)))" \
		answer eu h$((scale + 9)).$zone A
}

fresh_namespace $ns eu
grant_role eu
/usr/bin/python3 "$HERE/make-hosts.py" "$KUBECONFIG_EU" $ns "$scale" || exit 2

t0=$(date +%s%N)
gslb_daemon start eu && started=1
echo "ready with $scale Gslbs: $((($(date +%s%N) - t0) / 1000000)) ms" >>"$WORK/times"
it "gslbd is ready with $scale Gslbs" test "${started:-}" = 1 || exit 1
it "every host is answered" every_host_is_answered
it "one change among many is quick" one_change_among_many_is_quick
it "every status is written" every_status_is_written
it "new hosts join the many" new_hosts_join_the_many
it "nothing is written and little is done at rest" it_rests_afterwards

drop_namespace eu $ns
all_passed
