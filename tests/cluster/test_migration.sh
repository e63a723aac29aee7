#!/bin/bash
#
# From k8gb.absa.oss to k8gb.io: a label on the legacy Gslb asks for the
# canonical one; the host is answered all the way.
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=migration
new=gslbs.k8gb.io
old=gslbs.k8gb.absa.oss

events() { kc eu -n $ns get events -o 'jsonpath={.items[*].reason}'; }
has_event() { [[ " $(events) " == *" $1 "* ]]; }

legacy_object_is_answered_and_told_of() {
	equals 192.0.2.1 answer eu app.$zone A
	within "$PATIENCE" has_event LegacyDeprecated || fail "events: $(events)"
}

label_makes_the_canonical_object() {
	kc eu -n $ns label $old app k8gb.io/migration-requested=true
	equals 'failover eu 7' field eu \
		'{.spec.strategy.type} {.spec.strategy.primaryGeoTag} {.spec.strategy.dnsTtlSeconds}' -n $ns $new app
	equals 'Ingress app' field eu '{.spec.resourceRef.kind} {.spec.resourceRef.name}' -n $ns $new app
	equals 192.0.2.1 field eu '{.metadata.annotations.k8gb\.io/exposed-ip-addresses}' -n $ns $new app
	equals true field eu '{.metadata.labels.k8gb\.io/migrated-to-k8gb-io}' -n $ns $old app
	within "$PATIENCE" has_event LegacyMigrated || fail "events: $(events)"
	stays 192.0.2.1 2 answer eu app.$zone A
}

ingress_no_longer_hangs_on_the_legacy_object() {
	equals '' field eu '{.metadata.ownerReferences[?(@.apiVersion=="k8gb.absa.oss/v1beta1")].name}' \
		-n $ns ingress app
}

legacy_object_can_go() {
	kc eu -n $ns delete $old app --timeout=20s
	stays 192.0.2.1 2 answer eu app.$zone A
	equals Healthy field eu '{.status.serviceHealth.app\.gslb\.example\.test}' -n $ns $new app
}

existing_canonical_object_is_kept() {
	backend eu $ns kept ready
	ingress eu $ns kept 192.0.2.2
	gslb eu $ns kept '{type: roundRobin, dnsTtlSeconds: 3}'
	equals 3 ttl eu kept.$zone A
	api=k8gb.absa.oss/v1beta1 gslb eu $ns kept '{type: roundRobin, dnsTtlSeconds: 99}'
	kc eu -n $ns label $old kept k8gb.io/migration-requested=true
	equals true field eu '{.metadata.labels.k8gb\.io/migrated-to-k8gb-io}' -n $ns $old kept
	equals 3 field eu '{.spec.strategy.dnsTtlSeconds}' -n $ns $new kept
	equals 3 ttl eu kept.$zone A
}

fresh_namespace $ns eu
grant_role eu
backend eu $ns app ready
api=k8gb.absa.oss/v1beta1 annotations='k8gb.io/exposed-ip-addresses: 192.0.2.1' \
	gslb eu $ns app '{type: failover, primaryGeoTag: eu, dnsTtlSeconds: 7}' - <<YAML
ingress:
  rules:
  - host: app.$zone
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: app, port: {name: http}}}}
YAML

gslb_daemon start eu && started=1
it "gslbd is ready" test "${started:-}" = 1 || exit 1
it "a legacy object is answered, and an event tells of its age" legacy_object_is_answered_and_told_of
it "the label makes the canonical object" label_makes_the_canonical_object
it "the Ingress no longer hangs on the legacy object" ingress_no_longer_hangs_on_the_legacy_object
it "the legacy object can go, the host stays" legacy_object_can_go
it "a canonical object that exists is kept as it is" existing_canonical_object_is_kept

for each in $(kc eu -n $ns get $old -o name); do
	kc eu -n $ns patch "$each" --type=merge -p '{"metadata":{"finalizers":null}}' >/dev/null
done
drop_namespace eu $ns
all_passed
