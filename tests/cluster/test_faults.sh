#!/bin/bash
#
# What the API server can do to us: be killed, forget old resourceVersions,
# lose a CRD, take our rights away, be away when we start.  The answers stay,
# and what changed meanwhile is true soon after.
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=faults

start() { # start|spawn
	mkdir -p "$WORK/state"
	gslb_daemon "$1" eu --state-dir="$WORK/state"
}

address() { load_balancer eu $ns ingress/"$1" "$2"; }

is() { equals "$2" answer eu "$1.$zone" A; }
still() { stays "$2" "${3:-2}" answer eu "$1.$zone" A; }

hosts_are_answered() {
	is one 192.0.2.1
	is two 192.0.2.2
	is old 192.0.2.3
}

answers_stay_while_it_is_down() {
	cluster down eu
	still one 192.0.2.1 3
	equals 'NOERROR aa 1' header eu two.$zone A
}

changes_get_through_after_it_is_back() {
	cluster up eu
	address one 192.0.2.11
	took 'change seen after the API server came back' 192.0.2.11 answer eu one.$zone A
	is two 192.0.2.2
	backend eu $ns two unready
	is two ''
	backend eu $ns two ready
	is two 192.0.2.2
}

quick_restarts_do_no_harm() {
	local n
	for n in 1 2 3; do
		cluster restart eu
		address one 192.0.2.2$n
	done
	took 'change seen after three restarts' 192.0.2.23 answer eu one.$zone A
	address one 192.0.2.1
	is one 192.0.2.1
}

# While gslbd stands still, the API server forgets what happened: its watch
# cache by a restart, etcd's history by compaction.  Every watch that gslbd
# takes up again is answered 410, and only a new list tells what is gone.
what_changed_behind_its_back_is_found() {
	local pid
	pid=$(gslbd_pid eu)
	host eu $ns gone 192.0.2.9
	is gone 192.0.2.9
	kill -STOP "$pid"
	kc eu -n $ns delete gslbs.k8gb.io gone
	kc eu -n $ns delete ingress gone
	address two 192.0.2.22
	host eu $ns new 192.0.2.8
	cluster restart eu
	cluster compact eu
	kill -CONT "$pid"
	took 'relist after 410' 192.0.2.22 answer eu two.$zone A
	is new 192.0.2.8
	equals 'NXDOMAIN aa 0' header eu gone.$zone A
	is one 192.0.2.1
	[ "$(metric eu 'gslbd_watch_restarts_total.*reason="expired"')" -gt 0 ] ||
		fail "no watch was answered 410"
	address two 192.0.2.2
	is two 192.0.2.2
}

deleted_crd_takes_its_hosts_only() {
	kc eu delete crd gslbs.k8gb.io
	took 'hosts gone after their CRD' 'NXDOMAIN aa 0' header eu one.$zone A
	still old 192.0.2.3
	address old 192.0.2.33
	is old 192.0.2.33
}

recreated_crd_is_watched_again() {
	kc eu create -f "$HERE/../../k8s/crds/gslb.yaml"
	kc eu wait --for=condition=Established --timeout=30s crd/gslbs.k8gb.io
	within "$PATIENCE" host eu $ns one 192.0.2.1
	took 'host answered after the CRD came back' 192.0.2.1 answer eu one.$zone A
	host eu $ns two 192.0.2.2
	is two 192.0.2.2
	is old 192.0.2.33
}

answers_stay_without_rights() {
	revoke_role eu
	cluster restart eu
	equals no can_list
	still one 192.0.2.1 3
	address one 192.0.2.12
	still one 192.0.2.1
}
can_list() { kc eu auth can-i list gslbs.k8gb.io --as gslbd; }

rights_given_back_are_used() {
	grant_role eu
	took 'change seen after the rights came back' 192.0.2.12 answer eu one.$zone A
	address one 192.0.2.1
	is one 192.0.2.1
}

last_good_state_is_served() {
	equals 'NOERROR aa 1' header eu one.$zone A
	is one 192.0.2.1
	is old 192.0.2.33
	! gslbd_is_ready eu || fail "ready, though nothing is synced"
}

late_api_server_is_found() {
	cluster up eu
	within "$PATIENCE" gslbd_is_ready eu || fail "not ready: $(tail -3 "$WORK/eu.log")"
	address one 192.0.2.13
	took 'change seen after a start without API server' 192.0.2.13 answer eu one.$zone A
}

fresh_namespace $ns eu
grant_role eu
host eu $ns one 192.0.2.1
host eu $ns two 192.0.2.2
api=k8gb.absa.oss/v1beta1 host eu $ns old 192.0.2.3

start start && started=1
it "gslbd is ready" test "${started:-}" = 1 || exit 1
it "its hosts are answered" hosts_are_answered
it "answers stay while the API server is down" answers_stay_while_it_is_down
it "changes get through after the API server is back" changes_get_through_after_it_is_back
it "three restarts of the API server do no harm" quick_restarts_do_no_harm
it "what changed behind our back is found by a relist (410)" what_changed_behind_its_back_is_found
it "a deleted CRD takes its own hosts and no others" deleted_crd_takes_its_hosts_only
it "a recreated CRD is watched again" recreated_crd_is_watched_again
it "answers stay while our rights are gone" answers_stay_without_rights
it "rights given back are used" rights_given_back_are_used
gslbd_stop eu KILL
cluster down eu
start spawn
it "a start without API server serves the last good state" last_good_state_is_served
it "an API server that comes later is found" late_api_server_is_found

cluster up eu
drop_namespace eu $ns
all_passed
