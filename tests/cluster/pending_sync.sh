#!/bin/bash
#
# Objects of a real API server into BIND by RFC 2136 (TSIG, transfers): many at
# once, one changed among them, one that BIND refuses, and the rest afterwards.
# RECORDS is their number (1,000).
#
# needs: eu gslbd

# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone=gslb.example.test
ns=sync
records=${RECORDS:-1000}
last=$((records - 1))
address_of() { echo "10.$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))"; }

bind_answer() { dig @127.0.0.1 -p "$(dns_port bind)" +short +tries=1 +time=2 "$1$zone" "${2:-A}"; }
serial() { bind_answer '' SOA | cut -d' ' -f3; }
names() {
	dig @127.0.0.1 -p "$(dns_port bind)" -y "hmac-sha256:k:$secret" +noall +answer $zone AXFR | grep -c 'IN[[:space:]]A[[:space:]]10\.'
}
rss() { awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$(gslbd_pid eu)/status"; }
milliseconds() { echo $((($(date +%s%N) - $1) / 1000000)); }

start() {
	gslbd_start eu --kubeconfig="$(kubeconfig_of eu gslbd)" --source=ingress --source=crd --provider=rfc2136 \
		--rfc2136-host=127.0.0.1 --rfc2136-port="$(dns_port bind)" --rfc2136-zone=$zone --rfc2136-axfr \
		--rfc2136-tsig-keyname=k --rfc2136-tsig-secret="$secret" --rfc2136-tsig-secret-alg=hmac-sha256 \
		--txt-owner-id=me --txt-prefix=_x. --events --events-emit=RecordDeleted --interval=1h --lost-targets-hold=0s
}

all_land() {
	local t0
	t0=$(date +%s%N)
	start
	PATIENCE=60 equals "$(address_of $last)" bind_answer h$last.
	PATIENCE=60 equals "$records" names
	echo "$records objects from nothing, gslbd's start with it: $(milliseconds "$t0") ms, RSS $(rss) MiB" >>"$WORK/times"
	equals '"heritage=external-dns,external-dns/owner=me,external-dns/resource=ingress/sync/h0"' bind_answer _x.a-h0. TXT
}

change_is_quick() {
	load_balancer eu $ns ingress/h0 192.0.2.1
	took "one changed among $records, kubectl with it" 192.0.2.1 bind_answer h0.
}

refused_record_is_told_of_on_its_object() {
	ingress eu $ns refused 192.0.2.2
	within "$PATIENCE" has_event refused RecordError || fail "$(kc eu -n $ns get events)"
	ingress eu $ns good 192.0.2.3
	equals 192.0.2.3 bind_answer good.
	status eu $ns ingress/good '{"loadBalancer":{"ingress":[]}}'
	within "$PATIENCE" has_event good RecordDeleted || fail "$(kc eu -n $ns get events)"
	equals '' bind_answer refused.
	kc eu -n $ns delete ingress refused
}
has_event() {
	kc eu -n $ns get events -o json | jq -e --arg name "$1" --arg reason "$2" \
		'.items[] | select(.involvedObject.name == $name and .reason == $reason)'
}

restart_writes_nothing() {
	local before t0
	before=$(serial)
	gslbd_stop eu
	t0=$(date +%s%N)
	start
	within 20 verified || fail "no full pass"
	echo "a verifying pass, gslbd's start with it: $(milliseconds "$t0") ms, RSS $(rss) MiB" >>"$WORK/times"
	equals "$before" serial
}
verified() {
	curl -fsS -m 2 "http://127.0.0.1:$(admin_port eu)/metrics" |
		awk '/^external_dns_controller_no_op_runs_total/ { n = $NF } END { exit !(n > 0) }'
}

records_go_with_their_objects() {
	kc eu -n $ns delete ingress h0
	equals '' bind_answer h0.
	equals '' bind_answer _x.a-h0. TXT
}

command -v named >/dev/null || { it "BIND is installed" skip "no named"; exit; }
secret=c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0
cat >"$WORK/$zone.zone" <<ZONE
\$ORIGIN $zone.
\$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
ZONE
cat >"$WORK/named.conf" <<CONF
key "k" { algorithm hmac-sha256; secret "$secret"; };
options { directory "$WORK"; listen-on port $(dns_port bind) { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
	recursion no; notify no; session-keyfile none; };
controls { };
zone "$zone" { type primary; file "$zone.zone"; allow-transfer { key k; };
	update-policy { deny k name refused.$zone ANY; grant k zonesub ANY; }; };
CONF
chmod 777 "$WORK"
spawn bind named -g -c "$WORK/named.conf"
fresh_namespace $ns eu
grant_role eu
/usr/bin/python3 "$HERE/make-hosts.py" "$KUBECONFIG_EU" $ns "$records" 0 records || exit 2
within 10 serial

it "$records objects become records" all_land || exit 1
it "one change among them is quick" change_is_quick
it "a record that is refused is told of on its object, and stops no other" refused_record_is_told_of_on_its_object
it "after a restart nothing is written" restart_writes_nothing
it "records go with their objects" records_go_with_their_objects

drop_namespace eu $ns
all_passed
