#!/bin/bash
#
# ExternalDNS's work against a real API server: Ingress, Service, HTTPRoute
# and DNSEndpoint become records with registry TXT in a zone that gslbd itself
# serves (provider zonedb), follow the objects, and leave foreign ones alone.
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ns=records
heritage='heritage=external-dns,external-dns/owner=me,external-dns/resource'
declare -x zone=example.test

is() { equals "$2" answer eu "$1.$zone" "${3:-A}"; }
registry() { equals "\"$heritage=$2\"" answer eu "$1.$zone" TXT; }

ingress_is_published() {
	is web 192.0.2.1
	registry a-web "ingress/$ns/web"
	equals 'NOERROR aa 1' header eu web.$zone A
}

service_is_published() {
	is lb 192.0.2.2
	registry a-lb "service/$ns/lb"
	equals 77 ttl eu lb.$zone A
}

route_is_published() {
	is route 192.0.2.3
	registry a-route "httproute/$ns/route"
}

dnsendpoint_is_published() {
	is six 2001:db8::6 AAAA
	registry aaaa-six "crd/$ns/direct"
	is alias web.$zone. CNAME
	equals 1 field eu '{.status.observedGeneration}' -n $ns dnsendpoint direct
}

foreign_record_is_left_alone() {
	backend eu $ns taken ready
	ingress eu $ns taken 192.0.2.9
	stays 203.0.113.1 3 answer eu taken.$zone A
	is web 192.0.2.1
}

records_follow_their_objects() {
	load_balancer eu $ns ingress/web 192.0.2.11 192.0.2.12
	is web '192.0.2.11 192.0.2.12'
	kc eu -n $ns annotate --overwrite service lb external-dns.alpha.kubernetes.io/hostname=other.$zone
	is other 192.0.2.2
	is lb ''
	equals 'NXDOMAIN aa 0' header eu lb.$zone A
	equals 'NXDOMAIN aa 0' header eu a-lb.$zone TXT
}

records_of_deleted_objects_go() {
	kc eu -n $ns delete ingress web
	kc eu -n $ns delete httproute route
	is web ''
	is route ''
	equals 'NXDOMAIN aa 0' header eu a-web.$zone TXT
	is six 2001:db8::6 AAAA
}

unaccepted_route_is_not_published() {
	route rejected False
	stays '' 2 answer eu rejected.$zone A
	accept rejected True
	is rejected 192.0.2.3
}

# route NAME ACCEPTED
route() {
	apply eu >/dev/null <<-YAML
	apiVersion: gateway.networking.k8s.io/v1
	kind: HTTPRoute
	metadata: {name: $1, namespace: $ns}
	spec:
	  parentRefs: [{name: gw}]
	  hostnames: [$1.$zone]
	  rules: [{backendRefs: [{name: web, port: 80}]}]
	YAML
	accept "$1" "$2"
}
accept() {
	status eu $ns httproute/"$1" '{"parents":[{"controllerName":"example.test/none",
		"parentRef":{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"gw"},
		"conditions":[{"type":"Accepted","status":"'"$2"'","reason":"Test","message":"",
		"lastTransitionTime":"2026-01-01T00:00:00Z"}]}]}' >/dev/null
}

fresh_namespace $ns eu
grant_role eu
backend eu $ns web ready
ingress eu $ns web 192.0.2.1
backend eu $ns lb ready
kc eu -n $ns patch service lb --type=merge -p '{"metadata":{"annotations":{
	"external-dns.alpha.kubernetes.io/hostname":"lb.'$zone'","external-dns.alpha.kubernetes.io/ttl":"77"}},
	"spec":{"type":"LoadBalancer"}}' >/dev/null
load_balancer eu $ns service/lb 192.0.2.2
apply eu >/dev/null <<YAML
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: $ns}
spec:
  gatewayClassName: none
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {name: direct, namespace: $ns}
spec:
  endpoints:
  - {dnsName: six.$zone, recordType: AAAA, targets: ["2001:db8::6"]}
  - {dnsName: alias.$zone, recordType: CNAME, targets: [web.$zone]}
YAML
status eu $ns gateway/gw '{"addresses":[{"type":"IPAddress","value":"192.0.2.3"}]}' >/dev/null
route route True
cat >"$WORK/zone" <<'ZONE'
$ORIGIN example.test.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
taken IN A 203.0.113.1
ZONE

gslbd_start eu --kubeconfig="$(kubeconfig_of eu gslbd)" --source=ingress --source=service \
	--source=gateway-httproute --source=crd --provider=zonedb --zone=$zone="$WORK/zone" \
	--registry=txt --txt-owner-id=me --policy=sync --domain-filter=$zone --interval=5s --events &&
	started=1
it "gslbd is ready" test "${started:-}" = 1 || exit 1
it "an Ingress is published, with its registry TXT" ingress_is_published
it "a Service is published with its TTL" service_is_published
it "an HTTPRoute is published with its Gateway's address" route_is_published
it "a DNSEndpoint is published" dnsendpoint_is_published
it "a record of somebody else is left alone" foreign_record_is_left_alone
it "records follow their objects" records_follow_their_objects
it "an HTTPRoute is published only once it is accepted" unaccepted_route_is_not_published
it "records of deleted objects go" records_of_deleted_objects_go

drop_namespace eu $ns
all_passed
