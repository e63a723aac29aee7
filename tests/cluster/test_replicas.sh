#!/bin/bash
#
# Two replicas in one cluster: both answer, one writes; when it goes, the
# other writes.
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=replicas

leader() {
	local replica
	for replica in one two; do
		[ "$(metric $replica 'gslbd_leader ' 2>/dev/null)" != 1 ] || echo $replica
	done
}
one_leads() { [ "$(leader | wc -l)" = 1 ]; }

both_answer() {
	equals 192.0.2.1 answer one app.$zone A
	equals 192.0.2.1 answer two app.$zone A
}

exactly_one_writes() {
	within "$PATIENCE" one_leads || fail "leaders: $(leader)"
	[ "$(kc eu -n k8gb get lease -o name | wc -l)" = 1 ]
	equals Healthy field eu '{.status.serviceHealth.app\.gslb\.example\.test}' -n $ns gslbs.k8gb.io app
}

other_one_takes_over() {
	local before
	before=$(cat "$WORK/leader")
	PATIENCE=60 took 'another leader after a kill' "$([ "$before" = one ] && echo two || echo one)" leader
	backend eu $ns app unready
	equals Unhealthy field eu '{.status.serviceHealth.app\.gslb\.example\.test}' -n $ns gslbs.k8gb.io app
}

released_lease_is_taken_at_once() {
	PATIENCE=10 took 'another leader after SIGTERM' "$(cat "$WORK/leader")" leader
}

fresh_namespace $ns eu
grant_role eu
kc eu -n k8gb delete lease --all >/dev/null
host eu $ns app 192.0.2.1

for replica in one two; do as=$replica gslb_daemon start eu && started+=1; done
it "two replicas are ready" test "${started:-}" = 11 || exit 1
it "both answer" both_answer
it "exactly one writes" exactly_one_writes
first=$(leader)
echo "$first" >"$WORK/leader"
gslbd_stop "$first" KILL
it "the other one takes over when the leader is killed" other_one_takes_over
as=$first gslb_daemon start eu
gslbd_stop "$(leader)"
it "a leader that ends gives the lease away" released_lease_is_taken_at_once

drop_namespace eu $ns
all_passed
