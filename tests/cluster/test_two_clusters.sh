#!/bin/bash
#
# Two API servers, eu and us, each with a gslbd that has only the rights we
# ship, and clients that ask either: every way to declare a host, failover,
# failback, and what is written back.  eu offers 192.0.2.x, us 198.51.100.x;
# x is the same for one host in both.
#
# needs: eu us gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=shop
declare -A net=([eu]=192.0.2 [us]=198.51.100) peer=([eu]=us [us]=eu)

# both WANTED HOST TYPE: either cluster answers so.
both() {
	equals "$1" answer eu "$2.$zone" "${3:-A}"
	equals "$1" answer us "$2.$zone" "${3:-A}"
}

start() { # TAG
	peers=${peer[$1]} gslb_daemon start "$1" \
		--peer="${peer[$1]}=127.0.0.1:$(dns_port "${peer[$1]}")"
}

write_objects() { # TAG
	local tag=$1 n=${net[$1]} name v6=2001:db8:1::8
	[ "$tag" = eu ] || v6=2001:db8:2::8
	for name in rr fo route old nat ann six own; do backend "$tag" $ns $name ready; done

	ingress "$tag" $ns fo "$n.2"
	gslb "$tag" $ns fo '{type: failover, primaryGeoTag: eu}'

	apply "$tag" >/dev/null <<-YAML
	apiVersion: gateway.networking.k8s.io/v1
	kind: Gateway
	metadata: {name: gw, namespace: $ns}
	spec:
	  gatewayClassName: none
	  listeners: [{name: http, protocol: HTTP, port: 80}]
	---
	apiVersion: gateway.networking.k8s.io/v1
	kind: HTTPRoute
	metadata: {name: route, namespace: $ns, labels: {app: route}}
	spec:
	  parentRefs: [{name: gw}]
	  hostnames: [route.$zone]
	  rules: [{backendRefs: [{name: route, port: 80}]}]
	YAML
	status "$tag" $ns gateway/gw "{\"addresses\":[{\"type\":\"IPAddress\",\"value\":\"$n.3\"}]}" >/dev/null
	gslb "$tag" $ns route '{type: roundRobin}' - <<-'YAML'
	resourceRef:
	  apiVersion: gateway.networking.k8s.io/v1
	  kind: HTTPRoute
	  matchLabels: {app: route}
	YAML

	backend "$tag" $ns lb ready
	kc "$tag" -n $ns patch service lb --type=merge -p '{"spec":{"type":"LoadBalancer"}}' >/dev/null
	load_balancer "$tag" $ns service/lb "$n.4"
	annotations="k8gb.io/hostname: lb.$zone" gslb "$tag" $ns lb '{type: roundRobin}' - <<-'YAML'
	resourceRef: {apiVersion: v1, kind: Service, name: lb}
	YAML

	ingress "$tag" $ns old "$n.5"
	api=k8gb.absa.oss/v1beta1 gslb "$tag" $ns old '{type: roundRobin}'

	ingress "$tag" $ns nat 10.1.2.3
	annotations="k8gb.io/exposed-ip-addresses: '$n.6,$n.66'" \
		gslb "$tag" $ns nat '{type: roundRobin}'

	annotations='k8gb.io/strategy: roundRobin' ingress "$tag" $ns ann "$n.7"

	ingress "$tag" $ns six "$n.8" $v6
	gslb "$tag" $ns six '{type: roundRobin}'

	ingress "$tag" $ns rr "$n.1"
	gslb "$tag" $ns rr '{type: roundRobin, dnsTtlSeconds: 5}'

	gslb "$tag" $ns own '{type: roundRobin}' - <<-YAML
	ingress:
	  ingressClassName: nginx
	  rules:
	  - host: own.$zone
	    http:
	      paths:
	      - {path: /, pathType: Prefix, backend: {service: {name: own, port: {name: http}}}}
	YAML
}

embedded_ingress_is_written_and_owned() {
	local tag
	for tag in eu us; do
		equals "own.$zone" field $tag '{.spec.rules[0].host}' -n $ns ingress own
		equals nginx field $tag '{.spec.ingressClassName}' -n $ns ingress own
		equals gslb field $tag '{.metadata.labels.app\.k8gb\.io/managed-by}' -n $ns ingress own
		equals 'Gslb own true' field $tag \
			'{.metadata.ownerReferences[0].kind} {.metadata.ownerReferences[0].name} {.metadata.ownerReferences[0].controller}' \
			-n $ns ingress own
		load_balancer $tag $ns ingress/own "${net[$tag]}.9"
	done
	both '192.0.2.9 198.51.100.9' own
}

round_robin_answers_both_clusters() { both '192.0.2.1 198.51.100.1' rr; }
failover_answers_the_primary() { both 192.0.2.2 fo; }
http_route_is_answered() { both '192.0.2.3 198.51.100.3' route; }
service_is_answered() { both '192.0.2.4 198.51.100.4' lb; }
legacy_group_is_answered() { both '192.0.2.5 198.51.100.5' old; }
exposed_addresses_replace_status() { both '192.0.2.6 192.0.2.66 198.51.100.6 198.51.100.66' nat; }
annotated_ingress_is_answered() { both '192.0.2.7 198.51.100.7' ann; }

both_families_are_answered() {
	both '192.0.2.8 198.51.100.8' six
	both '2001:db8:1::8 2001:db8:2::8' six AAAA
}

answers_are_authoritative() {
	equals 'NOERROR aa 2' header eu rr.$zone A
	equals 'NOERROR aa 0' header eu rr.$zone AAAA
	equals 'NOERROR aa 0' header eu rr.$zone TXT
	equals 'NXDOMAIN aa 0' header us nobody.$zone A
	equals 'REFUSED - 0' header us example.org A
	equals 'NOERROR aa 2' header us RR.gSLB.example.test A +tcp
}

ttl_is_that_of_the_gslb() {
	equals 5 ttl eu rr.$zone A
	equals 30 ttl us fo.$zone A
}

local_targets_are_served() {
	equals 192.0.2.1 answer eu localtargets-rr.$zone A
	equals 198.51.100.1 answer us localtargets-rr.$zone A
	equals 198.51.100.2 answer us localtargets-fo.$zone A
	equals 5 ttl us localtargets-rr.$zone A
}

apex_names_both_clusters() {
	local tag
	for tag in eu us; do
		equals 'gslb-ns-eu-gslb.example.test. gslb-ns-us-gslb.example.test.' answer $tag $zone NS
		equals 'NOERROR aa 1' header $tag $zone SOA
	done
}

health() { field "$1" "{.status.serviceHealth.$2\\.gslb\\.example\\.test}" -n $ns gslbs.k8gb.io "$2"; }
records() { field "$1" "{.status.healthyRecords.$2\\.gslb\\.example\\.test}" -n $ns gslbs.k8gb.io "$2"; }
event_about() { kc "$1" -n $ns get events -o "jsonpath={.items[?(@.involvedObject.name==\"$2\")].reason}"; }
has_event() { [[ " $(event_about "$1" "$2") " == *"$3"* ]]; }

status_is_written_back() {
	local tag
	for tag in eu us; do
		equals Healthy health $tag rr
		equals '["192.0.2.1","198.51.100.1"]' records $tag rr
		equals '["192.0.2.2"]' records $tag fo
		equals "$tag rr.$zone [\"${net[$tag]}.1\"]" field $tag \
			'{.status.geoTag} {.status.hosts} {.status.loadBalancer.exposedIps}' -n $ns gslbs.k8gb.io rr
		equals "rr.$zone $ns/rr" field $tag \
			'{.status.servers[0].host} {.status.servers[0].services[0].namespace}/{.status.servers[0].services[0].name}' \
			-n $ns gslbs.k8gb.io rr
		equals yes observed $tag rr
		equals Healthy field $tag "{.status.serviceHealth.old\\.gslb\\.example\\.test}" \
			-n $ns gslbs.k8gb.absa.oss old
	done
}

observed() {
	field "$1" '{.metadata.generation}={.status.observedGeneration}' -n $ns gslbs.k8gb.io "$2" |
		awk -F= '$1 == $2 { print "yes" }'
}

# The versions of all Gslbs stay the same for two seconds.
settled() {
	local now
	now=$(field eu '{.items[*].metadata.resourceVersion}' -n $ns gslbs.k8gb.io)
	! within 2 differs "$now" field eu '{.items[*].metadata.resourceVersion}' -n $ns gslbs.k8gb.io
}

status_is_at_rest() {
	local before
	# what the case before changed may still be on its way to the status
	within 30 settled || fail "the status is written again and again"
	before=$(field eu '{.items[*].metadata.resourceVersion}' -n $ns gslbs.k8gb.io)
	stays "$before" 5 field eu '{.items[*].metadata.resourceVersion}' -n $ns gslbs.k8gb.io
}

primary_unready_moves_to_the_secondary() {
	backend eu $ns fo unready
	took "failover, primary's own cluster" 198.51.100.2 answer eu fo.$zone A
	backend eu $ns fo ready
	both 192.0.2.2 fo
	backend eu $ns fo unready
	took "failover, the other cluster" 198.51.100.2 answer us fo.$zone A
	both 198.51.100.2 fo
	equals '' answer eu localtargets-fo.$zone A
}

failover_is_written_back() {
	equals Unhealthy health eu fo
	equals Healthy health us fo
	equals '["198.51.100.2"]' records eu fo
	equals '["198.51.100.2"]' records us fo
}

failover_is_told_by_an_event() {
	within "$PATIENCE" has_event eu fo Failover || fail "no event: $(event_about eu fo)"
	within "$PATIENCE" has_event us fo Failover || fail "no event: $(event_about us fo)"
}

primary_ready_again_takes_over() {
	backend eu $ns fo ready
	took "failback, the other cluster" 192.0.2.2 answer us fo.$zone A
	both 192.0.2.2 fo
}

failback_is_written_back() {
	equals Healthy health eu fo
	equals '["192.0.2.2"]' records us fo
}

round_robin_drops_an_unready_cluster() {
	backend us $ns rr unready
	both 192.0.2.1 rr
	backend us $ns rr ready
	both '192.0.2.1 198.51.100.1' rr
}

nobody_healthy_is_nodata() {
	backend eu $ns rr unready
	backend us $ns rr unready
	both '' rr
	equals 'NOERROR aa 0' header eu rr.$zone A
	equals 'NOERROR aa 0' header us rr.$zone A
	equals "$zone." soa_owner eu rr.$zone
	backend eu $ns rr ready
	backend us $ns rr ready
	both '192.0.2.1 198.51.100.1' rr
}
soa_owner() { ask "$1" "$2" A +noall +authority | awk '$4 == "SOA" { print tolower($1) }'; }

missing_service_takes_its_cluster_out() {
	kc eu -n $ns delete service route >/dev/null
	kc eu -n $ns delete endpointslice route-1 >/dev/null
	both 198.51.100.3 route
}

missing_service_is_not_found() {
	equals NotFound health eu route
}

service_that_comes_back_is_answered() {
	backend eu $ns route ready
	both '192.0.2.3 198.51.100.3' route
}

changed_load_balancer_is_seen() {
	load_balancer eu $ns ingress/old 192.0.2.50 192.0.2.51
	both '192.0.2.50 192.0.2.51 198.51.100.5' old
	load_balancer eu $ns ingress/old 192.0.2.5
	both '192.0.2.5 198.51.100.5' old
}

changed_gateway_address_is_seen() {
	status us $ns gateway/gw '{"addresses":[{"type":"IPAddress","value":"198.51.100.33"}]}'
	both '192.0.2.3 198.51.100.33' route
	status us $ns gateway/gw '{"addresses":[{"type":"IPAddress","value":"198.51.100.3"}]}'
	both '192.0.2.3 198.51.100.3' route
}

changed_annotation_is_seen() {
	kc eu -n $ns annotate --overwrite gslbs.k8gb.io nat k8gb.io/exposed-ip-addresses=192.0.2.67
	both '192.0.2.67 198.51.100.6 198.51.100.66' nat
	kc eu -n $ns annotate gslbs.k8gb.io nat k8gb.io/exposed-ip-addresses-
	both '10.1.2.3 198.51.100.6 198.51.100.66' nat
}

changed_strategy_is_seen() {
	kc eu -n $ns patch gslbs.k8gb.io six --type=merge \
		-p '{"spec":{"strategy":{"type":"failover","primaryGeoTag":"us"}}}'
	kc us -n $ns patch gslbs.k8gb.io six --type=merge \
		-p '{"spec":{"strategy":{"type":"failover","primaryGeoTag":"us"}}}'
	both 198.51.100.8 six
	both 2001:db8:2::8 six AAAA
}

health_policy_all_wants_every_service() {
	backend eu $ns two-b ready
	kc eu -n $ns patch httproute route --type=merge \
		-p '{"spec":{"rules":[{"backendRefs":[{"name":"route","port":80},{"name":"two-b","port":80}]}]}}'
	backend eu $ns two-b unready
	both '192.0.2.3 198.51.100.3' route
	kc eu -n $ns patch gslbs.k8gb.io route --type=merge -p '{"spec":{"serviceHealthPolicy":"All"}}'
	both 198.51.100.3 route
	backend eu $ns two-b ready
	both '192.0.2.3 198.51.100.3' route
}

object_that_cannot_be_used_harms_no_other() {
	gslb eu $ns lost '{type: roundRobin}'
	both '192.0.2.1 198.51.100.1' rr
	load_balancer eu $ns ingress/old 192.0.2.52
	both '192.0.2.52 198.51.100.5' old
}

object_that_cannot_be_used_is_told_so() {
	within "$PATIENCE" not_ready eu lost || fail "$(field eu '{.status}' -n $ns gslbs.k8gb.io lost)"
	within "$PATIENCE" prints_any event_about eu lost || fail "no event about the Gslb"
}
prints_any() { [ -n "$("$@" 2>/dev/null)" ]; }
not_ready() { [[ $(field "$1" '{.status.conditions[*].status}' -n $ns gslbs.k8gb.io "$2") == *False* ]]; }

deleted_gslb_leaves_its_cluster_only() {
	kc eu -n $ns delete gslbs.k8gb.io lb
	equals 198.51.100.4 answer us lb.$zone A
	equals 'NXDOMAIN aa 0' header eu lb.$zone A
	annotations="k8gb.io/hostname: lb.$zone" gslb eu $ns lb '{type: roundRobin}' - <<-'YAML'
	resourceRef: {apiVersion: v1, kind: Service, name: lb}
	YAML
	both '192.0.2.4 198.51.100.4' lb
}

silent_peer_keeps_its_place() {
	stays '192.0.2.1 198.51.100.1' 3 answer eu rr.$zone A
	backend eu $ns rr unready
	equals 198.51.100.1 answer eu rr.$zone A
}

long_silent_peer_is_left_out() {
	backend eu $ns rr ready
	equals 192.0.2.1 answer eu rr.$zone A
}

peer_is_heard_again() {
	backend eu $ns rr unready
	both 198.51.100.1 rr
	backend eu $ns rr ready
	both '192.0.2.1 198.51.100.1' rr
	backend us $ns rr unready
	both 192.0.2.1 rr
}

sigterm_ends_cleanly() {
	ATTACHED=1 start eu
	kill -TERM "$(gslbd_pid eu)"
	wait "$(gslbd_pid eu)"
}

for tag in eu us; do
	fresh_namespace $ns $tag
	grant_role $tag
	write_objects $tag
done
start eu && start us && started=1
it "gslbd is ready on both clusters with the rights we ship" test "${started:-}" = 1 || exit 1
it "roundRobin answers with both clusters" round_robin_answers_both_clusters
it "failover answers with the primary" failover_answers_the_primary
it "a host of an HTTPRoute is answered with its Gateway's address" http_route_is_answered
it "a Service of type LoadBalancer is answered" service_is_answered
it "a Gslb of the legacy group is answered" legacy_group_is_answered
it "exposed-ip-addresses replace the status" exposed_addresses_replace_status
it "an annotated Ingress without a Gslb is answered" annotated_ingress_is_answered
it "IPv4 and IPv6 are answered" both_families_are_answered
it "answers are authoritative, also the empty ones" answers_are_authoritative
it "the TTL is that of the Gslb" ttl_is_that_of_the_gslb
it "localtargets- names have this cluster's own" local_targets_are_served
it "the apex names both clusters' name servers" apex_names_both_clusters
it "an embedded Ingress is written, owned and answered" embedded_ingress_is_written_and_owned
it "the status of a Gslb is written back" status_is_written_back
it "an unready primary moves the host to the secondary" primary_unready_moves_to_the_secondary
it "failover is seen in the status in both clusters" failover_is_written_back
it "failover is told by an event in both clusters" failover_is_told_by_an_event
it "a primary that is ready again takes over" primary_ready_again_takes_over
it "failback is seen in the status in both clusters" failback_is_written_back
it "roundRobin leaves an unready cluster out" round_robin_drops_an_unready_cluster
it "a host with nobody healthy is NODATA" nobody_healthy_is_nodata
it "a missing Service takes its cluster out" missing_service_takes_its_cluster_out
it "and its health is NotFound" missing_service_is_not_found
it "a Service that comes back is answered" service_that_comes_back_is_answered
it "a load balancer's new address is answered" changed_load_balancer_is_seen
it "a Gateway's new address is answered" changed_gateway_address_is_seen
it "a changed annotation is seen" changed_annotation_is_seen
it "a changed strategy is seen" changed_strategy_is_seen
it "serviceHealthPolicy All wants every Service" health_policy_all_wants_every_service
it "a Gslb that cannot be used harms no other" object_that_cannot_be_used_harms_no_other
it "and is told so, by condition and event" object_that_cannot_be_used_is_told_so
it "a Gslb deleted in one cluster leaves that cluster only" deleted_gslb_leaves_its_cluster_only
it "the status is left alone while nothing changes" status_is_at_rest
gslbd_stop us KILL
it "a peer that fell silent keeps its place for a while" silent_peer_keeps_its_place
it "a peer silent for longer is left out" long_silent_peer_is_left_out
start us
it "and is heard again after its restart" peer_is_heard_again
gslbd_stop eu
it "SIGTERM ends gslbd with status 0" sigterm_ends_cleanly

for tag in eu us; do drop_namespace $tag $ns; done
all_passed
