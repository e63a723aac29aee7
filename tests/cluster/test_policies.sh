#!/bin/bash
#
# The kinds of gslbd.io: members outside Kubernetes, drains, and policies for
# probes, tiers, failback, count and the answer when all are down.  One
# cluster; the members are addresses of loopback, so that probes reach them.
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=policies
web=$(free_port)

# member NAME HOST < spec without the target
member() {
	{
		cat <<-YAML
		apiVersion: gslbd.io/v1alpha1
		kind: StaticMember
		metadata: {name: $1, namespace: $ns}
		spec:
		  hosts: [$2.$zone]
		YAML
		sed 's/^/  /'
	} | apply eu >/dev/null
}

# policy NAME < spec
policy() {
	{
		printf 'apiVersion: gslbd.io/v1alpha1\nkind: GslbPolicy\n'
		printf 'metadata: {name: %s, namespace: %s}\nspec:\n' "$1" $ns
		printf '  targetRef: {kind: Gslb, name: %s}\n' "$1"
		sed 's/^/  /'
	} | apply eu >/dev/null
}

# drain NAME < spec
drain() {
	{
		printf 'apiVersion: gslbd.io/v1alpha1\nkind: Drain\nmetadata: {name: %s}\nspec:\n' "$1"
		printf '  reason: a test\n  author: tests\n'
		sed 's/^/  /'
	} | apply eu >/dev/null
}

undrain() { kc eu delete drain "$1" >/dev/null; }
is() { equals "$2" answer eu "$1.$zone" A; }
serve() { spawn "web-$1" /usr/bin/python3 -m http.server --bind "$1" --directory "$WORK/www" "$web"; }

static_member_is_answered() {
	is plain 127.0.0.1
	echo '{geoTag: dc, addresses: [127.0.0.2, "2001:db8::2"]}' | as_spec | member dc plain
	is plain '127.0.0.1 127.0.0.2'
	equals 2001:db8::2 answer eu plain.$zone AAAA
	kc eu -n $ns delete staticmember dc
	is plain 127.0.0.1
}
static_member_of_a_later_tier_waits() {
	echo '{geoTag: dc, addresses: [127.0.0.2], tier: 1}' | as_spec | member dc plain
	backend eu $ns plain unready
	is plain 127.0.0.2
	backend eu $ns plain ready
	is plain 127.0.0.1
	echo '{geoTag: dc, addresses: [127.0.0.2]}' | as_spec | member dc plain
	kc eu -n $ns patch staticmember dc --type=merge -p '{"spec":{"tier":0}}'
	is plain '127.0.0.1 127.0.0.2'
}

drain_takes_members_out() {
	echo '{what: {geoTag: dc}}' | as_spec | drain d
	is plain 127.0.0.1
	undrain d
	is plain '127.0.0.1 127.0.0.2'
	echo "{what: {hosts: [plain.$zone], addresses: [127.0.0.1]}}" | as_spec | drain d
	is plain 127.0.0.2
	undrain d
	echo "{what: {member: $ns/dc}}" | as_spec | drain d
	is plain 127.0.0.1
	undrain d
	echo '{what: {geoTag: eu, hosts: ["*.example.org"]}}' | as_spec | drain d
	is plain '127.0.0.1 127.0.0.2'
	undrain d
}

at() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; }

drain_keeps_to_its_times() {
	printf '{what: {geoTag: dc}, until: "%s"}' "$(at '-1 hour')" | as_spec | drain over
	printf '{what: {geoTag: dc}, from: "%s"}' "$(at '+1 hour')" | as_spec | drain early
	is plain '127.0.0.1 127.0.0.2'
	printf '{what: {geoTag: dc}, from: "%s", until: "%s"}' "$(at '+3 seconds')" "$(at '+6 seconds')" |
		as_spec | drain now
	is plain 127.0.0.1
	is plain '127.0.0.1 127.0.0.2'
	kc eu delete drain over early now
}

last_live_member_is_not_drained() {
	echo "{what: {hosts: [plain.$zone]}}" | as_spec | drain all
	stays '127.0.0.1 127.0.0.2' 2 answer eu plain.$zone A
	echo "{what: {hosts: [plain.$zone]}, force: true}" | as_spec | drain all
	is plain ''
	undrain all
	is plain '127.0.0.1 127.0.0.2'
}

count_limits_an_answer() {
	echo '{count: 1}' | as_spec | policy plain
	equals 1 answers plain
	kc eu -n $ns delete gslbpolicy plain
	is plain '127.0.0.1 127.0.0.2'
}
answers() { answer eu "$1.$zone" A | wc -w; }

same_client_gets_the_same_member() {
	local first n
	echo '{count: 1, stickiness: {by: ClientNetwork}}' | as_spec | policy plain
	equals 1 answers plain
	first=$(answer eu plain.$zone A)
	for ((n = 0; n < 20; n++)); do
		[ "$(answer eu plain.$zone A)" = "$first" ] || fail "another member at query $n"
	done
	kc eu -n $ns delete gslbpolicy plain
}

probe_takes_out_what_does_not_answer() {
	echo '{geoTag: dc, addresses: [127.0.0.2]}' | as_spec | member probed-dc probed
	is probed '127.0.0.1 127.0.0.2'
	printf '{probes: [{name: web, type: HTTP, port: %s, interval: 200ms, timeout: 100ms,
		rise: 1, fall: 2, http: {path: /}}]}' "$web" | as_spec | policy probed
	is probed 127.0.0.1
}

probe_takes_back_what_answers() { is probed '127.0.0.1 127.0.0.2'; }

probe_wants_the_status_and_the_body() {
	printf '{probes: [{name: web, type: HTTP, port: %s, interval: 200ms, timeout: 100ms,
		rise: 1, fall: 2, http: {path: /nowhere, expectedStatuses: ["404"]}}]}' "$web" |
		as_spec | policy probed
	is probed '127.0.0.1 127.0.0.2'
	printf '{probes: [{name: web, type: HTTP, port: %s, interval: 200ms, timeout: 100ms,
		rise: 1, fall: 2, http: {path: /ok, expectedBody: fine}}], allDown: {answer: Fallback,
		addresses: [192.0.2.99]}}' "$web" | as_spec | policy probed
	is probed '127.0.0.1 127.0.0.2'
	echo bad >"$WORK/www/ok"
	is probed 192.0.2.99
}

all_down_answers_as_the_policy_says() {
	local want
	while read -r answer want; do
		printf '{probes: [{name: web, type: HTTP, port: %s, interval: 200ms, timeout: 100ms,
			rise: 1, fall: 2, http: {path: /ok, expectedBody: fine}}],
			allDown: {answer: %s}}' "$web" "$answer" | as_spec | policy probed
		is probed "$want"
	done <<-'LIST'
	NoData
	All 127.0.0.1 127.0.0.2
	LIST
	echo fine >"$WORK/www/ok"
	is probed '127.0.0.1 127.0.0.2'
}

tiers_fail_over_in_order() {
	echo '{geoTag: dc, addresses: [127.0.0.2]}' | as_spec | member tiered-dc tiered
	echo '{geoTag: far, addresses: [127.0.0.3]}' | as_spec | member tiered-far tiered
	echo '{tiers: [{geoTags: [eu]}, {geoTags: [dc]}, {members: [tiered-far]}]}' | as_spec | policy tiered
	is tiered 127.0.0.1
	backend eu $ns tiered unready
	is tiered 127.0.0.2
	echo '{what: {geoTag: dc}}' | as_spec | drain dc
	is tiered 127.0.0.3
	undrain dc
	is tiered 127.0.0.2
	backend eu $ns tiered ready
	is tiered 127.0.0.1
}

manual_failback_stays() {
	echo '{tiers: [{geoTags: [eu]}, {geoTags: [dc]}], failback: {mode: Manual}}' | as_spec | policy tiered
	is tiered 127.0.0.1
	backend eu $ns tiered unready
	is tiered 127.0.0.2
	backend eu $ns tiered ready
	stays 127.0.0.2 3 answer eu tiered.$zone A
	echo '{tiers: [{geoTags: [eu]}, {geoTags: [dc]}]}' | as_spec | policy tiered
	kc eu -n $ns patch gslbpolicy tiered --type=merge -p '{"spec":{"failback":null}}'
	is tiered 127.0.0.1
}

failback_waits_for_its_delay() {
	echo '{tiers: [{geoTags: [eu]}, {geoTags: [dc]}], failback: {delay: 4s}}' | as_spec | policy tiered
	backend eu $ns tiered unready
	is tiered 127.0.0.2
	backend eu $ns tiered ready
	stays 127.0.0.2 2 answer eu tiered.$zone A
	is tiered 127.0.0.1
}

fresh_namespace $ns eu
kc eu delete drain --all >/dev/null
grant_role eu
for name in plain probed tiered; do host eu $ns $name 127.0.0.1; done
mkdir -p "$WORK/www"
echo fine >"$WORK/www/ok"
serve 127.0.0.1

gslb_daemon start eu && started=1
it "gslbd is ready" test "${started:-}" = 1 || exit 1
it "a StaticMember is answered, and gone when it is deleted" static_member_is_answered
it "a StaticMember of a later tier waits" static_member_of_a_later_tier_waits
it "a Drain takes out what it names" drain_takes_members_out
it "a Drain keeps to its times" drain_keeps_to_its_times
it "the last live member is drained by force only" last_live_member_is_not_drained
it "count limits an answer" count_limits_an_answer
it "with stickiness a client gets the same member" same_client_gets_the_same_member
it "a probe takes out what does not answer" probe_takes_out_what_does_not_answer
serve 127.0.0.2
it "a probe takes back what answers" probe_takes_back_what_answers
it "a probe looks at status and body" probe_wants_the_status_and_the_body
it "all down is answered as the policy says" all_down_answers_as_the_policy_says
it "tiers fail over in order" tiers_fail_over_in_order
it "manual failback stays" manual_failback_stays
it "failback waits for its delay" failback_waits_for_its_delay

kc eu delete drain --all >/dev/null
drop_namespace eu $ns
all_passed
