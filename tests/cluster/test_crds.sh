#!/bin/bash
#
# The CRDs as we ship them load into a real API server, admit what users of
# k8gb and ExternalDNS have, and refuse what makes no sense.
#
# needs: eu

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

every_crd_is_established_and_structural() {
	local bad
	bad=$(kc eu get crd -o json | /usr/bin/python3 -c '
import json, sys
fine = {("NamesAccepted", "True"), ("Established", "True"),
        ("KubernetesAPIApprovalPolicyConformant", "True")}
for crd in json.load(sys.stdin)["items"]:
    for c in crd["status"]["conditions"]:
        if (c["type"], c["status"]) not in fine:
            print(crd["metadata"]["name"], c["type"], c["status"], c.get("message"))')
	[ -z "$bad" ] || fail "$bad"
	for crd in gslbs.k8gb.io gslbs.k8gb.absa.oss zonedelegations.k8gb.io \
		dnsendpoints.externaldns.k8s.io gslbpolicies.gslbd.io drains.gslbd.io \
		staticmembers.gslbd.io httproutes.gateway.networking.k8s.io \
		tcproutes.gateway.networking.k8s.io udproutes.gateway.networking.k8s.io; do
		kc eu get crd "$crd" -o name
	done
}

# gslb [API-VERSION] < spec
gslb() {
	printf 'apiVersion: %s\nkind: Gslb\nmetadata: {name: t, namespace: crds}\nspec:\n' \
		"${1:-k8gb.io/v1beta1}"
	sed 's/^/  /'
}

embedded() {
	cat <<-'YAML'
	ingress:
	  ingressClassName: nginx
	  tls: [{hosts: [a.gslb.example.test], secretName: a}]
	  rules:
	  - host: a.gslb.example.test
	    http:
	      paths:
	      - path: /
	        pathType: Prefix
	        backend: {service: {name: web, port: {name: http}}}
	YAML
}

gslb_with_every_field_is_admitted_in_both_groups() {
	local group
	for group in k8gb.io/v1beta1 k8gb.absa.oss/v1beta1; do
		{ embedded; cat <<-'YAML'
		strategy:
		  type: roundRobin
		  dnsTtlSeconds: 0
		  splitBrainThresholdSeconds: 300
		  weight: {eu: 5, us-east-1: 0, ap: 1000}
		YAML
		} | gslb $group | admitted eu
		{ embedded; echo 'strategy: {type: failover, primaryGeoTag: eu}'; } |
			gslb $group | admitted eu
		gslb $group <<-'YAML' | admitted eu
		resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: a, namespace: b}
		strategy: {type: geoip, dnsTtlSeconds: 5}
		YAML
		gslb $group <<-'YAML' | admitted eu
		resourceRef:
		  apiVersion: networking.k8s.io/v1
		  kind: Ingress
		  matchLabels: {app: a}
		  matchExpressions: [{key: tier, operator: In, values: [one, two]}]
		strategy: {type: roundRobin}
		YAML
	done
}

no_field_of_a_gslb_is_dropped() {
	local spec want got
	spec='{"ingress":{"ingressClassName":"nginx","backend":{"service":{"name":"d","port":{"number":80}}},
	 "tls":[{"hosts":["a.gslb.example.test"],"secretName":"s"}],
	 "rules":[{"host":"a.gslb.example.test","http":{"paths":[{"path":"/","pathType":"Prefix",
	  "backend":{"service":{"name":"web","port":{"name":"http"}}}},
	  {"pathType":"Exact","backend":{"resource":{"apiGroup":"x.io","kind":"Bucket","name":"b"}}}]}}]},
	 "resourceRef":{"apiVersion":"v1","kind":"Service","name":"s","namespace":"n","fieldPath":"f",
	  "resourceVersion":"1","uid":"u","matchLabels":{"a":"b"},
	  "matchExpressions":[{"key":"k","operator":"Exists"}]},
	 "strategy":{"type":"roundRobin","weight":{"eu":1},"primaryGeoTag":"eu","dnsTtlSeconds":7,
	  "splitBrainThresholdSeconds":300}}'
	for group in k8gb.io k8gb.absa.oss; do
		kc eu -n crds delete "gslbs.$group" every-field --ignore-not-found
		printf '{"apiVersion":"%s/v1beta1","kind":"Gslb",
			"metadata":{"name":"every-field","namespace":"crds"},"spec":%s}' $group "$spec" |
			kc eu create -f - --validate=strict
		want=$(jq_sorted <<<"$spec")
		got=$(field eu '{.spec}' -n crds "gslbs.$group" every-field | jq_sorted)
		[ "$want" = "$got" ] || fail "wrote $want and read $got"
	done
}

# Sorted JSON without the default of a field that was not given.
jq_sorted() {
	/usr/bin/python3 -c '
import json, sys
d = json.load(sys.stdin)
d.pop("serviceHealthPolicy", None)
print(json.dumps(d, sort_keys=True))'
}

gslb_that_k8gb_could_not_use_is_refused() {
	{ embedded; echo 'strategy: {type: roundrobin}'; } |
		gslb | refused eu 'type is one of roundRobin, failover, geoip'
	{ embedded; echo 'strategy: {type: failover, weight: {eu: 1}}'; } |
		gslb | refused eu 'weight goes with type roundRobin only'
	{ embedded; echo 'strategy: {type: roundRobin, weight: {eu: 1001}}'; } |
		gslb | refused eu 'less than or equal to 1000'
	{ embedded; echo 'strategy: {type: roundRobin, weight: {eu_1: 1}}'; } |
		gslb | refused eu 'letters, digits and hyphens'
	{ embedded; echo 'strategy: {type: roundRobin, dnsTtlSeconds: -1}'; } |
		gslb | refused eu 'greater than or equal to 0'
	embedded | gslb | refused eu 'spec.strategy: Required'
	echo 'strategy: {type: roundRobin}' | gslb | refused eu 'one of ingress and resourceRef'
	gslb <<-'YAML' | refused eu 'http: Required'
	ingress: {rules: [{host: a.gslb.example.test}]}
	strategy: {type: roundRobin}
	YAML
	{ embedded; printf 'strategy: {type: roundRobin}\nserviceHealthPolicy: Some\n'; } |
		gslb | refused eu 'supported values: "Any", "All"'
}

service_health_policy_is_any_by_default() {
	{ embedded; echo 'strategy: {type: roundRobin}'; } | gslb | apply eu
	equals Any field eu '{.spec.serviceHealthPolicy}' -n crds gslbs.k8gb.io t
}

gslb_status_takes_k8gb_fields_and_conditions() {
	status eu crds gslbs.k8gb.io/t '{"geoTag":"eu","hosts":"a.gslb.example.test, b.gslb.example.test",
	 "serviceHealth":{"a.gslb.example.test":"Healthy"},
	 "healthyRecords":{"a.gslb.example.test":["192.0.2.1"]},
	 "loadBalancer":{"exposedIps":["192.0.2.1"]},
	 "servers":[{"host":"a.gslb.example.test","services":[{"namespace":"crds","name":"web"}]}],
	 "observedGeneration":1,
	 "conditions":[{"type":"Ready","status":"True","reason":"Answered","message":"",
	  "lastTransitionTime":"2026-01-01T00:00:00Z","observedGeneration":1}]}'
	equals 192.0.2.1 field eu '{.status.healthyRecords.a\.gslb\.example\.test[0]}' -n crds gslbs.k8gb.io t
	equals web field eu '{.status.servers[0].services[0].name}' -n crds gslbs.k8gb.io t
	equals True field eu '{.status.conditions[?(@.type=="Ready")].status}' -n crds gslbs.k8gb.io t
}

columns() { kc eu get "$@" -o wide | head -1 | tr -s ' ' | sed 's/ $//'; }
narrow() { kc eu get "$@" | head -1 | tr -s ' ' | sed 's/ $//'; }

gslb_prints_strategy_geotag_and_hosts() {
	equals 'NAME STRATEGY GEOTAG' narrow -n crds gslbs.k8gb.io
	equals 'NAME STRATEGY GEOTAG HOSTS READY' columns -n crds gslbs.k8gb.io
	equals 'NAME STRATEGY GEOTAG' narrow -n crds gslbs.k8gb.absa.oss
}

zone() { # LOAD-BALANCED PARENT NEGTTL
	cat <<-YAML
	apiVersion: k8gb.io/v1beta1
	kind: ZoneDelegation
	metadata: {name: t}
	spec: {loadBalancedZone: $1, parentZone: $2, dnsZoneNegTTL: $3}
	YAML
}

zone_delegation_lies_below_its_parent() {
	zone gslb.example.test example.test 30 | admitted eu
	zone a.b.c.example.test example.test 0 | admitted eu
	zone example.test example.test 30 | refused eu 'must differ from parentZone'
	zone gslb.example.org example.test 30 | refused eu 'must lie below parentZone'
	zone notexample.test example.test 30 | refused eu 'must lie below parentZone'
	zone gslb.example.test example.test -1 | refused eu 'greater than or equal to 0'
	zone gslb.example.test example.test '"30"' | refused eu 'must be of type integer'
	zone gslb.example.test example.test null | refused eu 'dnsZoneNegTTL: Required'
	zone gslb.example.test example.test 30 | apply eu
	equals false field eu '{.spec.doFinalize}' zd t
	kc eu patch zd t --subresource=status --type=merge \
		-p '{"status":{"dnsServers":[{"name":"gslb-ns-eu-gslb.example.test","address":"192.0.2.53"}]}}'
	equals 192.0.2.53 field eu '{.status.dnsServers[0].address}' zd t
	kc eu delete zd t
}

dnsendpoint_keeps_every_field() {
	kc eu create --validate=strict -f - <<-'YAML'
	apiVersion: externaldns.k8s.io/v1alpha1
	kind: DNSEndpoint
	metadata: {name: t, namespace: crds}
	spec:
	  endpoints:
	  - dnsName: a.example.test
	    recordType: A
	    targets: [192.0.2.1]
	    recordTTL: 60
	    setIdentifier: one
	    labels: {owner: me}
	    providerSpecific: [{name: aws/weight, value: "10"}]
	  - dnsName: b.example.test
	    recordType: TXT
	    targets: ['"x"']
	YAML
	equals '{"owner":"me"}' field eu '{.spec.endpoints[0].labels}' -n crds dnsendpoint t
	equals '60 one aws/weight 10' field eu '{.spec.endpoints[0].recordTTL} {.spec.endpoints[0].setIdentifier} {.spec.endpoints[0].providerSpecific[0].name} {.spec.endpoints[0].providerSpecific[0].value}' -n crds dnsendpoint t
	status eu crds dnsendpoint/t '{"observedGeneration":1}'
	equals 1 field eu '{.status.observedGeneration}' -n crds dnsendpoint t
}

# own KIND < spec
own() {
	printf 'apiVersion: gslbd.io/v1alpha1\nkind: %s\nmetadata: {name: t%s}\nspec:\n' \
		"$1" "$([ "$1" = Drain ] || echo ', namespace: crds')"
	sed 's/^/  /'
}

policy_with_every_field_is_admitted() {
	own GslbPolicy <<-'YAML' | kc eu create --validate=strict -f -
	targetRef: {group: k8gb.io, kind: Gslb, name: shop}
	quorum: Majority
	probes:
	- {name: web, type: HTTPS, port: 8443, interval: 500ms, timeout: 200ms, rise: 1, fall: 2,
	   http: {method: HEAD, path: /healthz, host: shop.example.test,
	          headers: [{name: X-Probe, value: gslbd 1}],
	          expectedStatuses: ["200", 300-399], expectedBody: ok},
	   tls: {serverName: shop.example.test, verify: true}}
	- {name: sql, type: TCP, port: 5432}
	- {name: rpc, type: GRPC, port: 9000, grpc: {service: shop.Shop}}
	- {name: ns, type: DNS, dns: {name: example.test, type: SOA, expectedRcode: NOERROR}}
	tiers:
	- {name: home, geoTags: [eu], minLivePercent: 50}
	- {geoTags: [us, ap], members: [datacentre]}
	failover: {delay: 10s}
	failback: {mode: Automatic, delay: 5m}
	damping: {turns: 5, within: 10m, hold: 10m}
	geography:
	  match: Nearest
	  fence: true
	  sites:
	  - {geoTag: eu, latitude: 52.5, longitude: 13.4, networks: [192.0.2.0/24, "2001:db8::/32"],
	     asns: [64512], countries: [DE], continents: [EU]}
	count: 2
	stickiness: {by: ClientNetwork, ipv4PrefixLength: 24}
	allDown: {answer: Fallback, addresses: [192.0.2.99, "2001:db8::99"]}
	YAML
	equals '{"by":"ClientNetwork","ipv4PrefixLength":24,"ipv6PrefixLength":56}' \
		field eu '{.spec.stickiness}' -n crds gpol t
	equals '10s 2s 2 3' field eu '{.spec.probes[1].interval} {.spec.probes[1].timeout} {.spec.probes[1].rise} {.spec.probes[1].fall}' -n crds gpol t
	status eu crds gpol/t '{"matchedHosts":1,"conditions":[{"type":"Accepted","status":"True",
	 "reason":"Accepted","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}'
	equals 'NAME KIND TARGET HOSTS ACCEPTED AGE' narrow -n crds gslbpolicies
}

policy_for() { printf 'hosts: ["*.gslb.example.test"]\n'; cat; }

policy_that_contradicts_itself_is_refused() {
	echo 'count: 1' | own GslbPolicy | refused eu 'exactly one of targetRef and hosts'
	echo 'targetRef: {kind: Gslb, name: a}' | policy_for | own GslbPolicy |
		refused eu 'exactly one of targetRef and hosts'
	echo 'hosts: ["a.*.test"]' | own GslbPolicy | refused eu 'hosts[0]'
	echo 'probes: [{name: a, type: TCP}]' | policy_for | own GslbPolicy |
		refused eu 'this type has no port of its own'
	echo 'probes: [{name: a, type: TCP, port: 80, http: {path: /}}]' | policy_for | own GslbPolicy |
		refused eu 'http goes with type HTTP or HTTPS'
	echo 'probes: [{name: a, type: HTTP, tls: {verify: true}}]' | policy_for | own GslbPolicy |
		refused eu 'tls goes with type'
	echo 'probes: [{name: a, type: DNS}]' | policy_for | own GslbPolicy |
		refused eu 'type DNS needs dns'
	echo 'probes: [{name: a, type: HTTP, interval: 1s, timeout: 2s}]' | policy_for | own GslbPolicy |
		refused eu 'must end before the next begins'
	echo 'probes: [{name: a, type: HTTP, interval: 1ms, timeout: 1ms}]' | policy_for | own GslbPolicy |
		refused eu 'interval is at least 100ms'
	echo 'probes: [{name: a, type: HTTP, interval: soon}]' | policy_for | own GslbPolicy |
		refused eu 'interval'
	echo 'probes: [{name: a, type: HTTP}, {name: a, type: HTTPS}]' | policy_for | own GslbPolicy |
		refused eu 'Duplicate value'
	echo 'tiers: [{minLivePercent: 1}]' | policy_for | own GslbPolicy |
		refused eu 'a tier names geoTags or members'
	echo 'failback: {mode: Manual, delay: 5m}' | policy_for | own GslbPolicy |
		refused eu 'a delay goes with mode Automatic only'
	echo 'allDown: {answer: Fallback}' | policy_for | own GslbPolicy |
		refused eu 'go with answer Fallback'
	echo 'allDown: {answer: All, addresses: [192.0.2.1]}' | policy_for | own GslbPolicy |
		refused eu 'go with answer Fallback'
	echo 'allDown: {answer: Fallback, addresses: [nowhere]}' | policy_for | own GslbPolicy |
		refused eu 'spec.allDown.addresses[0]'
	echo 'geography: {match: Field}' | policy_for | own GslbPolicy |
		refused eu 'match Field needs fields'
	echo 'geography: {match: Nearest, sites: [{geoTag: eu}]}' | policy_for | own GslbPolicy |
		refused eu 'needs latitude and longitude'
	echo 'geography: {match: Map, sites: [{geoTag: eu, networks: [192.0.2.0/33]}]}' |
		policy_for | own GslbPolicy | refused eu 'networks[0]'
	echo 'stickiness: {by: ClientNetwork, ipv4PrefixLength: 33}' | policy_for | own GslbPolicy |
		refused eu 'less than or equal to 32'
}

drain_says_what_and_why() {
	own Drain <<-'YAML' | kc eu create --validate=strict -f -
	what: {geoTag: eu, hosts: [shop.gslb.example.test, "*.eu.gslb.example.test"]}
	from: 2026-01-01T22:00:00Z
	until: 2026-01-02T04:00:00+01:00
	reason: new switch
	author: ops@example.test
	YAML
	equals false field eu '{.spec.force}' drain t
	kc eu patch drain t --subresource=status --type=merge \
		-p '{"status":{"state":"Active","drainedMembers":2}}'
	equals 'NAME GEOTAG HOSTS STATE UNTIL REASON AGE' narrow gdrain
	kc eu delete drain t
	printf 'what: {member: crds/datacentre}\nreason: x\n' | own Drain | admitted eu
	printf 'what: {addresses: [192.0.2.1, "2001:db8::1"]}\nreason: x\n' | own Drain | admitted eu
	printf 'what: {}\nreason: x\n' | own Drain | refused eu 'say what to drain'
	printf 'what: {geoTag: eu}\n' | own Drain | refused eu 'spec.reason: Required'
	printf 'what: {geoTag: "e u"}\nreason: x\n' | own Drain | refused eu 'spec.what.geoTag'
	printf 'what: {addresses: [eu]}\nreason: x\n' | own Drain | refused eu 'spec.what.addresses[0]'
	printf 'what: {geoTag: eu}\nreason: x\nfrom: 2026-01-02T00:00:00Z\nuntil: 2026-01-01T00:00:00Z\n' |
		own Drain | refused eu 'until must be later than from'
	printf 'what: {geoTag: eu}\nreason: x\nuntil: tomorrow\n' | own Drain | refused eu 'spec.until'
}

static_member_has_addresses_or_a_hostname() {
	own StaticMember <<-'YAML' | kc eu create --validate=strict -f -
	targetRef: {kind: Gslb, name: shop}
	geoTag: datacentre
	addresses: [192.0.2.7, "2001:db8::7"]
	weight: 0
	tier: 2
	probeAddress: 10.0.0.7
	YAML
	status eu crds smember/t '{"health":"Healthy","addresses":["192.0.2.7"]}'
	equals 'NAME GEOTAG ADDRESSES HOSTNAME WEIGHT HEALTH AGE' narrow -n crds staticmembers
	kc eu -n crds delete smember t
	printf 'hosts: [a.example.test]\ngeoTag: dc\nhostname: lb.example.net\n' |
		own StaticMember | admitted eu
	printf 'hosts: [a.example.test]\ngeoTag: dc\n' |
		own StaticMember | refused eu 'exactly one of addresses and hostname'
	printf 'hosts: [a.example.test]\ngeoTag: dc\nhostname: a.b\naddresses: [192.0.2.1]\n' |
		own StaticMember | refused eu 'exactly one of addresses and hostname'
	printf 'geoTag: dc\nhostname: a.b\n' |
		own StaticMember | refused eu 'exactly one of targetRef and hosts'
	printf 'hosts: [a.example.test]\nhostname: a.b\n' |
		own StaticMember | refused eu 'spec.geoTag: Required'
	printf 'hosts: [a.example.test]\ngeoTag: dc\naddresses: [192.0.2.256]\n' |
		own StaticMember | refused eu 'spec.addresses[0]'
	printf 'hosts: [a.example.test]\ngeoTag: dc\naddresses: [192.0.2.1]\nweight: 1001\n' |
		own StaticMember | refused eu 'less than or equal to 1000'
}

fresh_namespace crds eu
kc eu delete zd,drain t --ignore-not-found >/dev/null 2>&1

it "every CRD is established and structural" every_crd_is_established_and_structural
it "a Gslb with every field is admitted in both groups" gslb_with_every_field_is_admitted_in_both_groups
it "no field of a Gslb is dropped" no_field_of_a_gslb_is_dropped
it "a Gslb that k8gb could not use is refused" gslb_that_k8gb_could_not_use_is_refused
it "serviceHealthPolicy is Any by default" service_health_policy_is_any_by_default
it "a Gslb's status takes k8gb's fields and conditions" gslb_status_takes_k8gb_fields_and_conditions
it "kubectl prints a Gslb's strategy, geo tag and hosts" gslb_prints_strategy_geotag_and_hosts
it "a ZoneDelegation lies below its parent" zone_delegation_lies_below_its_parent
it "a DNSEndpoint keeps every field" dnsendpoint_keeps_every_field
it "a GslbPolicy with every field is admitted" policy_with_every_field_is_admitted
it "a GslbPolicy that contradicts itself is refused" policy_that_contradicts_itself_is_refused
it "a Drain says what and why" drain_says_what_and_why
it "a StaticMember has addresses or a hostname" static_member_has_addresses_or_a_hostname

drop_namespace eu crds
all_passed
