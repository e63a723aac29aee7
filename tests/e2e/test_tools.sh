#!/bin/bash
# The demo's objects as dig, kdig and delv see them: three clients that were not written here.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
for tool in dig kdig delv; do
	command -v $tool >/dev/null || { echo "$tool is not there"; exit 77; }
done
GSLBD=${GSLBD:-build/gslbd}
dir=$(mktemp -d)
trap 'kill $pid 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
bad=0
check() # SENTENCE EXPECTED GOT
{
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		echo "# expected: $2"
		echo "# got: $3"
		bad=1
	fi
}
port=$(/usr/bin/python3 -c 'import sys; sys.path.insert(0, "tests/e2e"); import lib; print(lib.free_ports(1)[0])')
cp -r contrib/demo.d/eu contrib/demo.d/example.test.zone "$dir"
CLUSTER_GEO_TAG=eu DNS_ZONES=example.test:gslb.example.test:5 "$GSLBD" --manifests="$dir/eu" \
	--listen="127.0.0.1:$port" --listen="[::1]:$port" --zone="example.test=$dir/example.test.zone" \
	--nsid=eu --admin="unix:$dir/ctl" 2>"$dir/log" &
pid=$!
d() { dig @127.0.0.1 -p "$port" +norec "$@"; }
for _ in $(seq 300); do
	[ "$(d shop.gslb.example.test A +short +time=1 +tries=1 2>/dev/null)" = 192.0.2.10 ] && break
	kill -0 $pid 2>/dev/null || { cat "$dir/log"; echo "not ok - gslbd runs"; exit 1; }
done
check "dig: a host over UDP" 192.0.2.10 "$(d shop.gslb.example.test A +short)"
check "dig: a host over TCP" 192.0.2.10 "$(d shop.gslb.example.test A +short +tcp)"
check "dig: a host over IPv6" 192.0.2.10 "$(dig @::1 -p "$port" shop.gslb.example.test A +norec +short)"
check "dig: AA is set" "qr aa;" "$(d shop.gslb.example.test A | sed -n 's/^;; flags: \([^;]*;\).*/\1/p')"
check "dig: the letters' case comes back" "SHop.gSLB.eXAMPLE.teST." "$(d SHop.gSLB.eXAMPLE.teST A +noall +question | sed 's/^;//; s/[[:space:]].*//')"
check "dig: another type is no error, with SOA" "NOERROR 1" "$(d shop.gslb.example.test MX | sed -n 's/.*status: \([A-Z]*\),.*/\1/p; s/.*AUTHORITY: \([0-9]*\),.*/\1/p' | tr '\n' ' ' | sed 's/ $//')"
check "dig: a name that is not there" NXDOMAIN "$(d nope.gslb.example.test A | sed -n 's/.*status: \([A-Z]*\),.*/\1/p')"
check "dig: outside every zone" REFUSED "$(d example.org A | sed -n 's/.*status: \([A-Z]*\),.*/\1/p')"
check "dig: EDNS version 1" BADVERS "$(d gslb.example.test SOA +edns=1 +noednsneg | sed -n 's/.*status: \([A-Z]*\),.*/\1/p')"
check "dig: a cookie is good" 1 "$(d shop.gslb.example.test A +cookie | grep -c 'COOKIE: .*(good)')"
check "kdig: a host" 192.0.2.10 "$(kdig @127.0.0.1 -p "$port" +norec shop.gslb.example.test A +short)"
check "kdig: a host over TCP, kept open" 192.0.2.10 "$(kdig @127.0.0.1 -p "$port" +norec +tcp +keepopen shop.gslb.example.test A +short)"
check "kdig: NSID" 1 "$(kdig @127.0.0.1 -p "$port" +norec +nsid shop.gslb.example.test A | grep -c '"eu"')"
check "kdig: a client subnet that does not matter has scope 0" 1 "$(kdig @127.0.0.1 -p "$port" +norec +subnet=198.51.100.0/24 shop.gslb.example.test A | grep -c '198.51.100.0/24/0')"
check "delv: a host, unsigned" 1 "$(delv -i @127.0.0.1 -p "$port" shop.gslb.example.test A 2>/dev/null | grep -c '192\.0\.2\.10')"
check "delv: nothing of this type" 1 "$(delv -i @127.0.0.1 -p "$port" shop.gslb.example.test TXT 2>&1 | grep -qi 'nxrrset\|negative response' && echo 1)"
exit $bad
