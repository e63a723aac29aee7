#!/bin/bash
#
# Zones: named by DNS_ZONES and by ZoneDelegation objects that come and go at
# run time; which zone a host belongs to; hosts that belong to none.
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=zones

# delegation NAME ZONE PARENT
delegation() {
	apply eu >/dev/null <<-YAML
	apiVersion: k8gb.io/v1beta1
	kind: ZoneDelegation
	metadata: {name: $1}
	spec: {loadBalancedZone: $2, parentZone: $3, dnsZoneNegTTL: 17}
	YAML
}

negative_ttl() { ask eu "$1" A +noall +authority | awk '$4 == "SOA" { print $2 }'; }

configured_zone_has_an_object() {
	equals "$zone example.test 30" field eu \
		'{.spec.loadBalancedZone} {.spec.parentZone} {.spec.dnsZoneNegTTL}' zd gslb-example-test
}

zone_is_served_as_soon_as_it_is_declared() {
	equals 'REFUSED - 0' header eu cloud.example.org SOA
	delegation cloud cloud.example.org example.org
	took 'zone served after its ZoneDelegation' 'NOERROR aa 1' header eu cloud.example.org SOA
	equals gslb-ns-eu-cloud.example.org. answer eu cloud.example.org NS
	equals 17 negative_ttl nobody.cloud.example.org
	equals 30 negative_ttl nobody.$zone
}

waiting_host_is_answered_by_its_new_zone() {
	host_name=app.cloud.example.net host eu $ns waiting 192.0.2.2
	equals 'REFUSED - 0' header eu app.cloud.example.net A
	delegation net cloud.example.net example.net
	equals 192.0.2.2 answer eu app.cloud.example.net A
}

longest_zone_wins() {
	host_name=app.deep.$zone host eu $ns deep 192.0.2.3
	equals 192.0.2.3 answer eu app.deep.$zone A
	delegation deep deep.$zone $zone
	equals 'NOERROR aa 1' header eu deep.$zone SOA
	equals 192.0.2.3 answer eu app.deep.$zone A
	equals 17 negative_ttl nobody.deep.$zone
}

names_match_by_labels() {
	host_name=notgslb.example.test host eu $ns likely 192.0.2.4
	host_name=$zone.example.edu host eu $ns suffix 192.0.2.5
	host eu $ns sound 192.0.2.6
	equals 192.0.2.6 answer eu sound.$zone A
	equals 'REFUSED - 0' header eu notgslb.example.test A
	equals 'REFUSED - 0' header eu $zone.example.edu A
}

foreign_host_leaves_the_others_of_its_object() {
	backend eu $ns both ready
	apply eu >/dev/null <<-YAML
	apiVersion: networking.k8s.io/v1
	kind: Ingress
	metadata: {name: both, namespace: $ns}
	spec:
	  rules:
	  - {host: elsewhere.example.edu, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: both, port: {name: http}}}}]}}
	  - {host: both.$zone, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: both, port: {name: http}}}}]}}
	YAML
	load_balancer eu $ns ingress/both 192.0.2.7
	gslb eu $ns both '{type: roundRobin}'
	equals 192.0.2.7 answer eu both.$zone A
}

object_wins_over_configuration() {
	kc eu patch zd gslb-example-test --type=merge -p '{"spec":{"dnsZoneNegTTL":11}}'
	equals 11 negative_ttl nobody.$zone
}

deleted_zone_is_no_longer_served() {
	kc eu delete zd cloud --timeout=20s
	equals 'REFUSED - 0' header eu cloud.example.org SOA
	kc eu delete zd deep --timeout=20s
	equals 'NXDOMAIN aa 0' header eu nobody.deep.$zone A
	equals 192.0.2.3 answer eu app.deep.$zone A
}

fresh_namespace $ns eu
grant_role eu
kc eu delete zd --all --wait=false >/dev/null 2>&1
gslb_daemon start eu && started=1
it "gslbd is ready" test "${started:-}" = 1 || exit 1
it "a zone of DNS_ZONES has an object" configured_zone_has_an_object
it "a zone is served as soon as its ZoneDelegation is there" zone_is_served_as_soon_as_it_is_declared
it "a host that waited is answered by its new zone" waiting_host_is_answered_by_its_new_zone
it "the longest zone wins, data of the host kept" longest_zone_wins
it "names match by labels, not by letters" names_match_by_labels
it "a foreign host leaves the others of its object" foreign_host_leaves_the_others_of_its_object
it "an object wins over the configuration" object_wins_over_configuration
it "a deleted zone is no longer served" deleted_zone_is_no_longer_served

for each in $(kc eu get zd -o name); do
	kc eu patch "$each" --type=merge -p '{"metadata":{"finalizers":null}}' >/dev/null
done
kc eu delete zd --all --timeout=10s >/dev/null
drop_namespace eu $ns
all_passed
