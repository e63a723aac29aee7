# shellcheck shell=bash
#
# lib.sh - what the tests against real clusters share; sourced by test_*.sh.
#
#   it "sentence" function    run one test; prints "ok - sentence" or "not ok - …"
#   within SECONDS command    true as soon as the command is; the only place that sleeps
#   equals WANTED command     the command prints exactly this, within $PATIENCE s
#   kc CLUSTER …              kubectl as admin;  apply CLUSTER  reads YAML from stdin
#   gslbd_start NAME …        the daemon on free ports, ready when this returns
#   answer NAME HOST TYPE     what that daemon answers, sorted, on one line
#
# run-tests sets GSLBD, KUBECTL, and KUBECONFIG_EU and KUBECONFIG_US for the
# clusters that the test's "# needs:" line names.

set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export HERE
WORK=$(mktemp -d "${TMPDIR:-/tmp}/gslbd-test.XXXXXX")
PATIENCE=${PATIENCE:-20}
zone=gslb.example.test
failures=0

# --- tests ------------------------------------------------------------------

# A test is a function, run in a subshell where any failing command ends it.
it() {
	local sentence=$1 log=$WORK/it.log rc
	shift
	(
		set -e
		[ -z "${TRACE:-}" ] || set -x
		"$@"
	) >"$log" 2>&1
	rc=$?
	case $rc in
	0) printf 'ok - %s\n' "$sentence" ;;
	77) printf 'ok - %s # SKIP %s\n' "$sentence" "$(tail -1 "$log")" ;;
	*)
		printf 'not ok - %s\n' "$sentence"
		tail -40 "$log" | sed 's/^/# /'
		failures=$((failures + 1))
		;;
	esac
	[ $rc = 0 ] || [ $rc = 77 ]
}

# Last line of a file: its exit status.
all_passed() { [ "$failures" = 0 ]; }

skip() { echo "$*"; exit 77; }
fail() { echo "$*" >&2; return 1; }

# Both ends of a test file: what was started is ended, by its pid.
finish() {
	local file
	for file in "$WORK"/*.pid; do
		[ -f "$file" ] || continue
		file=${file##*/}
		gslbd_stop "${file%.pid}" || true
	done
	[ ! -f "$WORK/times" ] || sed 's/^/# /' "$WORK/times"
	if [ "$failures" != 0 ] || [ -n "${KEEP_LOGS:-}" ]; then
		printf '# logs are in %s\n' "$WORK"
	else
		rm -rf "$WORK"
	fi
}
trap finish EXIT

# --- waiting ----------------------------------------------------------------

within() {
	local limit=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$limit" ] || return 1
		sleep 0.05
	done
}

prints() { [ "$("${@:2}" 2>/dev/null)" = "$1" ]; }

equals() {
	local wanted=$1
	shift
	within "$PATIENCE" prints "$wanted" "$@" && return
	fail "$*: wanted '$wanted' within $PATIENCE s, got '$("$@" 2>&1)'"
}

# The same, and notes the milliseconds it took; "finish" prints them.
took() {
	local label=$1 t0
	t0=$(date +%s%N)
	shift
	equals "$@"
	echo "$label: $((($(date +%s%N) - t0) / 1000000)) ms" >>"$WORK/times"
}

# True if the command prints this all the time for so many seconds.
stays() {
	local wanted=$1 seconds=$2
	shift 2
	if within "$seconds" differs "$wanted" "$@"; then
		fail "$*: wanted '$wanted' all the time, got '$("$@" 2>&1)'"
	fi
}

differs() { [ "$("${@:2}" 2>/dev/null)" != "$1" ]; }

# --- clusters ---------------------------------------------------------------

kubeconfig_of() { # CLUSTER [gslbd]
	local variable=KUBECONFIG_${1^^} file
	file=${!variable:?cluster $1 does not run}
	echo "${file%/*}/${2:-admin}.kubeconfig"
}

# The tool itself, for restart, down, up, compact.
cluster() { "$HERE/cluster" "$@" >&2; }

kc() { "$KUBECTL" --kubeconfig "$(kubeconfig_of "$1")" --cache-dir "$WORK/kubectl-$1" "${@:2}"; }

apply() { kc "$1" apply -f - "${@:2}"; }

# refused CLUSTER TEXT: the API server turns down the YAML on stdin, saying TEXT.
refused() {
	local said
	if said=$(kc "$1" create --dry-run=server -f - 2>&1); then
		fail "admitted: $said"
	fi
	[[ $said == *"$2"* ]] || fail "refused, but not for '$2': $said"
}

admitted() { kc "$1" create --dry-run=server -f - >/dev/null; }

# field CLUSTER JSONPATH WHAT…: one field of one object.
field() { kc "$1" get "${@:3}" -o "jsonpath=$2"; }

# status CLUSTER NAMESPACE KIND/NAME JSON: write the status, as a controller would.
status() {
	kc "$1" -n "$2" patch "$3" --subresource=status --type=merge -p "{\"status\":$4}"
}

# A namespace that is empty at the start of the file and gone at its end.
fresh_namespace() {
	local cluster
	for cluster in "${@:2}"; do
		drop_namespace "$cluster" "$1"
		kc "$cluster" create namespace "$1" >/dev/null
	done
}

# Nobody else does it: the namespace controller does not run.  Collections are
# deleted at once; kubectl would go through a thousand objects one by one.
drop_namespace() {
	local path group
	kc "$1" get namespace "$2" >/dev/null 2>&1 || return 0
	kc "$1" delete namespace "$2" --wait=false >/dev/null
	for path in apis/k8gb.io/v1beta1/gslbs apis/k8gb.absa.oss/v1beta1/gslbs \
		apis/gslbd.io/v1alpha1/{gslbpolicies,staticmembers} \
		apis/externaldns.k8s.io/v1alpha1/dnsendpoints \
		apis/gateway.networking.k8s.io/v1/{http,grpc,tls,tcp,udp}routes \
		apis/gateway.networking.k8s.io/v1/gateways \
		apis/networking.k8s.io/v1/ingresses apis/discovery.k8s.io/v1/endpointslices \
		api/v1/{services,configmaps,secrets,events} apis/coordination.k8s.io/v1/leases; do
		group=${path%/*}
		kc "$1" delete --raw "/$group/namespaces/$2/${path##*/}" >/dev/null 2>&1
	done
	kc "$1" get namespace "$2" -o json |
		/usr/bin/python3 -c 'import json, sys
n = json.load(sys.stdin); n["spec"] = {}; json.dump(n, sys.stdout)' |
		kc "$1" replace --raw "/api/v1/namespaces/$2/finalize" -f - >/dev/null 2>&1
	within 10 gone "$1" namespace "$2"
}

gone() { ! kc "$1" get "${@:2}"; }

# backend CLUSTER NAMESPACE SERVICE ready|unready [ADDRESS]: Service and EndpointSlice.
backend() {
	local ready=true
	[ "$4" = ready ] || ready=false
	apply "$1" >/dev/null <<-YAML
	apiVersion: v1
	kind: Service
	metadata: {name: $3, namespace: $2}
	spec:
	  ports: [{name: http, port: 80}]
	---
	apiVersion: discovery.k8s.io/v1
	kind: EndpointSlice
	metadata:
	  name: $3-1
	  namespace: $2
	  labels: {kubernetes.io/service-name: $3}
	addressType: IPv4
	ports: [{name: http, port: 80, protocol: TCP}]
	endpoints:
	- addresses: ["${5:-10.0.0.1}"]
	  conditions: {ready: $ready, serving: $ready, terminating: false}
	YAML
}

# load_balancer CLUSTER NAMESPACE KIND/NAME ADDRESS…: the status that its controller would write.
load_balancer() {
	local addresses
	addresses=$(printf '{"ip":"%s"},' "${@:4}")
	status "$1" "$2" "$3" "{\"loadBalancer\":{\"ingress\":[${addresses%,}]}}" >/dev/null
}

# ingress CLUSTER NAMESPACE NAME ADDRESS…: for host NAME.$zone, its backend of the same name;
# $annotations go on it.
ingress() {
	apply "$1" >/dev/null <<-YAML
	apiVersion: networking.k8s.io/v1
	kind: Ingress
	metadata: {name: $3, namespace: $2, annotations: {${annotations:-}}}
	spec:
	  rules:
	  - host: ${host_name:-$3.$zone}
	    http:
	      paths:
	      - {path: /, pathType: Prefix, backend: {service: {name: $3, port: {name: http}}}}
	YAML
	load_balancer "$1" "$2" ingress/"$3" "${@:4}"
}

# gslb CLUSTER NAMESPACE NAME STRATEGY [< rest of the spec]: by default for the Ingress of that
# name; $api is its API version, $annotations go on it.
gslb() {
	{
		cat <<-YAML
		apiVersion: ${api:-k8gb.io/v1beta1}
		kind: Gslb
		metadata: {name: $3, namespace: $2, annotations: {${annotations:-}}}
		spec:
		  strategy: $4
		YAML
		if [ "${5:-}" = - ]; then
			sed 's/^/  /'
		else
			echo "  resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: $3}"
		fi
	} | apply "$1" >/dev/null
}

# host CLUSTER NAMESPACE NAME ADDRESS…: backend, Ingress and a roundRobin Gslb.
host() {
	backend "$1" "$2" "$3" ready
	ingress "$@"
	gslb "$1" "$2" "$3" '{type: roundRobin}'
}

# Flow YAML, over several lines if need be, into block lines that can be indented.
as_spec() {
	tr '\t' ' ' |
		/usr/bin/python3 -c 'import sys, yaml; print(yaml.safe_dump(yaml.safe_load(sys.stdin)), end="")'
}

# The role as we ship it, for the user "gslbd" of the cluster's token file.
grant_role() {
	local top=$HERE/../..
	kc "$1" create namespace k8gb --dry-run=client -o yaml | apply "$1" >/dev/null
	apply "$1" >/dev/null <"$top/k8s/rbac.yaml"
	kc "$1" create clusterrolebinding gslbd-test --clusterrole=gslbd --user=gslbd \
		--dry-run=client -o yaml | apply "$1" >/dev/null
}

revoke_role() { kc "$1" delete clusterrolebinding gslbd-test >/dev/null; }

# --- the daemon -------------------------------------------------------------

free_port() {
	/usr/bin/python3 - <<'PY'
import random, socket
while True:
    port = random.randrange(20000, 30000)
    try:
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", port))
        break
    except OSError:
        pass
print(port)
PY
}

# Port of a daemon by name, chosen when first asked for: a peer can be told
# of it before the daemon runs.
dns_port() {
	[ -f "$WORK/$1.port" ] || free_port >"$WORK/$1.port"
	cat "$WORK/$1.port"
}

admin_port() {
	[ -f "$WORK/$1.admin" ] || free_port >"$WORK/$1.admin"
	cat "$WORK/$1.admin"
}

# spawn NAME COMMAND…: in the background until the file ends, or gslbd_stop NAME.
spawn() {
	local name=$1
	shift
	"$@" >>"$WORK/$name.log" 2>&1 </dev/null &
	disown $!
	echo $! >"$WORK/$name.pid"
}

# The same for a load-balanced cluster: gslb_daemon start|spawn CLUSTER ARG…, with the rights we
# ship.  $zones, $peers (tags) and $as (a name for the daemon, if not that of the cluster).
gslb_daemon() {
	local how=gslbd_$1 tag=$2
	shift 2
	CLUSTER_GEO_TAG=$tag EXT_GSLB_CLUSTERS_GEO_TAGS=${peers:-} POD_NAMESPACE=k8gb \
		DNS_ZONES=${zones-example.test:$zone:30} \
		"$how" "${as:-$tag}" --kubeconfig="$(kubeconfig_of "$tag" gslbd)" "$@"
}

# gslbd_start NAME ARG…: environment for it may stand before the call.
gslbd_start() {
	local name=$1
	gslbd_spawn "$@"
	within 30 gslbd_is_ready_or_gone "$name"
	gslbd_is_ready "$name" && return
	fail "gslbd $name is not ready: $(tail -5 "$WORK/$name.log")"
}

# The same without waiting: for a start that cannot become ready yet.
gslbd_spawn() {
	local name=$1 pid dns admin
	shift
	# Not on the command's own line: that is expanded in the child, too late.
	dns=$(dns_port "$name")
	admin=$(admin_port "$name")
	"$GSLBD" --listen="127.0.0.1:$dns" --admin="127.0.0.1:$admin" "$@" >>"$WORK/$name.log" 2>&1 </dev/null &
	pid=$!
	# With ATTACHED the caller waits for its exit status; else the shell
	# would tell of each one that a test kills.
	[ -n "${ATTACHED:-}" ] || disown "$pid"
	echo "$pid" >"$WORK/$name.pid"
}

gslbd_is_ready() { curl -fsS -m 2 "http://127.0.0.1:$(admin_port "$1")/readyz" >/dev/null 2>&1; }
gslbd_runs() { kill -0 "$(gslbd_pid "$1")" 2>/dev/null; }
gslbd_is_ready_or_gone() { gslbd_is_ready "$1" || ! gslbd_runs "$1"; }

gslbd_pid() { cat "$WORK/$1.pid"; }

# metric NAME REGEX: sum of the daemon's series that match.
metric() {
	curl -fsS -m 2 "http://127.0.0.1:$(admin_port "$1")/metrics" |
		awk -v want="$2" '$0 ~ "^" want { n += $NF } END { print n + 0 }'
}

# gslbd_stop NAME [SIGNAL]
gslbd_stop() {
	local pid
	pid=$(cat "$WORK/$1.pid" 2>/dev/null) || return 0
	rm -f "$WORK/$1.pid"
	kill -"${2:-TERM}" "$pid" 2>/dev/null || return 0
	within 10 pid_is_gone "$pid" || kill -KILL "$pid" 2>/dev/null
}

# A child that nobody has waited for yet stays as a zombie.
pid_is_gone() { ! grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null; }

# --- DNS --------------------------------------------------------------------

ask() { dig @127.0.0.1 -p "$(dns_port "$1")" +norec +tries=1 +time=2 "${@:2}"; }

answer() { ask "$1" "$2" "$3" +short "${@:4}" | sort | tr '\n' ' ' | sed 's/ $//'; }

# "NOERROR aa 2" - rcode, whether AA is set, number of answers.
header() {
	ask "$1" "$2" "$3" "${@:4}" | awk '
		/status:/ { rcode = $0; sub(/.*status: /, "", rcode); sub(/,.*/, "", rcode) }
		/^;; flags:/ {
			line = $0; aa = "-"
			split(line, part, ";")
			if (part[3] ~ / aa( |$)/) aa = "aa"
			sub(/.*ANSWER: /, "", line); sub(/,.*/, "", line)
			answers = line
		}
		END { print rcode, aa, answers }'
}

ttl() { ask "$1" "$2" "$3" +noall +answer | awk '{ print $2; exit }'; }
