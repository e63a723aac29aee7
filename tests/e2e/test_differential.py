"""The same master files in NSD and in gslbd: the same answers for every owner and type in them, and
for names beside and below them.  Names in answers are compared without case; order within a section
does not matter.  Where the two differ on purpose the reason is stated at the rule."""
import itertools
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(__file__))
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import lib

if not shutil.which("nsd"):
    print("skipped: NSD is missing")
    sys.exit(77)

ZONES = {
    "z.test": """
$ORIGIN z.test.
$TTL 300
@ 3600 IN SOA ns1 admin 7 7200 3600 86400 30
@ NS ns1
@ NS ns2
@ NS ns.other.net.
@ MX 10 mail
@ MX 20 mail2
@ TXT "apex text"
@ CAA 0 issue "ca.test"
@ HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
ns1 A 192.0.2.53
ns2 A 192.0.2.54
ns2 AAAA 2001:db8::54
mail A 192.0.2.25
mail AAAA 2001:db8::25
mail2 A 192.0.2.26
www A 192.0.2.1
www A 192.0.2.2
www AAAA 2001:db8::1
www TXT "one" "two"
WwW2 A 192.0.2.3
alias CNAME www
alias2 CNAME alias
extalias CNAME www.example.net.
toglue CNAME ns.sub
tosub CNAME host.sub
nx CNAME nowhere
nodata CNAME ns1
loop1 CNAME loop2
loop2 CNAME loop1
self CNAME self
toy CNAME www.y.test.
toynx CNAME nx.y.test.
b.c.ent A 192.0.2.3
* TXT "apex wildcard"
*.wild A 192.0.2.4
*.wild MX 10 mail
x.stop.wild A 192.0.2.44
*.cw CNAME www
*.cwx CNAME nowhere2.ent
sub NS ns.sub
sub NS ns1
ns.sub A 192.0.2.5
ns.sub AAAA 2001:db8::5
deep.glue.sub A 192.0.2.55
noglue NS ns.elsewhere.net.
sib NS ns.sub
*.wsub.sub A 192.0.2.99
secsub NS ns1
secsub DS 4711 13 2 1111111111111111111111111111111111111111111111111111111111111111
old DNAME new
old A 192.0.2.66
x.new A 192.0.2.6
old2 DNAME y.test.
svc HTTPS 1 mail alpn=h2
svca HTTPS 0 svc
svcb SVCB 1 mail2 port=8443
_sip._udp SRV 1 2 5060 mail
_x._tcp SRV 1 2 5060 alias
naptr NAPTR 10 20 "s" "SIP+D2U" "" _sip._udp
ptr PTR www
hinfo HINFO "a" "b"
unknown TYPE65280 \\# 4 c00c0102
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
sshfp SSHFP 1 1 123456789abcdef67890123456789abcdef67890
tlsa TLSA 3 1 1 1111111111111111111111111111111111111111111111111111111111111111
rp RP admin www
afsdb AFSDB 1 mail
uri URI 10 1 "ftp://ftp1.example.com/public"
esc\\.aped A 192.0.2.77
sp\\ ace A 192.0.2.78
num\\000ber A 192.0.2.79
""" + "".join(f"big TXT \"{'x' * 200} {i}\"\n" for i in range(5))
    + "".join(f"many A 10.0.0.{i}\n" for i in range(60))
    + "".join(f"d14 NS ns{i:02d}.d14\nns{i:02d}.d14 A 192.0.2.{i}\n" for i in range(14))
    + "".join(f"chain{i} CNAME chain{i + 1}\n" for i in range(10)) + "chain10 A 192.0.2.10\n",
    "y.test": """
$ORIGIN y.test.
$TTL 100
@ SOA ns1.z.test. admin 9 7200 3600 86400 7200
@ NS ns1.z.test.
@ A 198.51.100.1
www A 198.51.100.80
www.sub.z.test. 5 IN A 192.0.2.1
child NS ns1.child
ns1.child A 198.51.100.9
child DS 5 13 2 2222222222222222222222222222222222222222222222222222222222222222
""".replace("www.sub.z.test. 5 IN A 192.0.2.1\n", ""),
    "child.y.test": """
$ORIGIN child.y.test.
$TTL 600
@ SOA ns1 admin 3 7200 3600 86400 60
@ NS ns1
ns1 A 198.51.100.9
a.b.c TXT "deep"
up CNAME www.y.test.
""",
    "2.0.192.in-addr.arpa": """
$ORIGIN 2.0.192.in-addr.arpa.
$TTL 600
@ SOA ns1.z.test. admin.z.test. 3 7200 3600 86400 60
@ NS ns1.z.test.
1 PTR www.z.test.
0/25 NS ns.sub.z.test.
5 CNAME 5.0/25
""",
}
TYPES = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME", "DNAME", "DS", "SRV", "HTTPS", "SVCB",
         "PTR", "CAA", "TYPE65280", "RRSIG", "NSEC"]


def start(folder):
    nsd_port, our_port = lib.free_ports(2)
    conf = [f"""server:
 server-count: 1
 ip-address: 127.0.0.1@{nsd_port}
 username: ""
 zonesdir: "{folder}"
 database: ""
 pidfile: "{folder}/nsd.pid"
 xfrdfile: "{folder}/xfrd"
 zonelistfile: "{folder}/zonelist"
 logfile: "{folder}/nsd.log"
 minimal-responses: yes
 refuse-any: no
 rrl-ratelimit: 0
remote-control:
 control-enable: no
"""]
    args = [lib.GSLBD, f"--listen=127.0.0.1:{our_port}", "--rate-limit=0", "--no-rotate"]
    for origin, text in ZONES.items():
        path = os.path.join(folder, origin.replace("/", "_"))
        lib.write(path, text)
        conf.append(f"zone:\n name: {origin}\n zonefile: {path}\n")
        args.append(f"--zone={origin}={path}")
    lib.write(folder + "/nsd.conf", "".join(conf))
    nsd = lib.Process(["nsd", "-d", "-c", folder + "/nsd.conf"], name="nsd")
    ours = lib.Process(args, name="gslbd")
    for port, p in ((nsd_port, nsd), (our_port, ours)):
        if not lib.wait_for(lambda port=port: answers(port)):
            lib.ok(False, "both servers answer", p.text())
            lib.done()
    return nsd_port, our_port


def answers(port):
    try:
        r = dns.query.udp(dns.message.make_query("z.test", "SOA"), "127.0.0.1", timeout=0.3,
                          port=port)
        return r.rcode() == 0
    except Exception:
        return False


def ask(port, name, rdtype, tcp, edns, dnssec=False):
    q = dns.message.make_query(name, rdtype, use_edns=0 if edns else False,
                               payload=1232, want_dnssec=dnssec)
    q.flags = 0
    try:
        if tcp:
            return dns.query.tcp(q, "127.0.0.1", timeout=3, port=port)
        return dns.query.udp(q, "127.0.0.1", timeout=3, port=port, ignore_unexpected=True)
    except Exception as e:
        raise RuntimeError(f"{name} {rdtype} port {port} tcp={tcp} edns={edns}: {e!r}") from e


def names():
    """Every owner, its ancestors, and names beside and below each."""
    seen = set()
    for origin, text in ZONES.items():
        zone = dns.name.from_text(origin)
        owner = zone
        for line in text.split("\n"):
            if not line or line.startswith("$"):
                continue
            first = line.split(" ")[0] if not line.startswith("sp\\") else "sp\\ ace"
            owner = dns.name.from_text(first, zone) if first != "@" else zone
            n = owner
            while n.is_subdomain(zone):
                seen.add(n)
                n = n.parent()
    for n in list(seen):
        for label in ("zzz", "0", "*", "a.b", "*.x"):
            try:
                seen.add(dns.name.from_text(label, n))
            except dns.name.NameTooLong:
                pass
    seen.add(dns.name.from_text("test"))
    seen.add(dns.name.from_text("www.example.net"))
    return sorted(seen)


def section(rrsets):
    return sorted((str(r.name).lower(), r.ttl, dns.rdatatype.to_text(r.rdtype),
                   tuple(sorted(x.to_text().lower() for x in r))) for r in rrsets)


def view(r):
    return {
        "rcode": r.rcode(),
        "flags": dns.flags.to_text(r.flags),
        "answer": section(r.answer),
        "authority": section(r.authority),
        "additional": section(r.additional),
    }


def expected_difference(name, rdtype, theirs, ours):
    """Rules where we differ from NSD 4.6 on purpose; None if OURS is wrong."""
    if rdtype in ("MX", "SRV", "HTTPS", "SVCB") and not theirs["additional"]:
        return "NSD's minimal-responses leave out the hosts' addresses, ours has them"
    if ours["flags"] == theirs["flags"] + " TC" and theirs["authority"] == ours["authority"]:
        return "RFC 9471: NSD says nothing when some of the needed glue does not fit"
    return None


def main():
    folder = lib.folder()
    nsd_port, our_port = start(folder)
    wrong = {}
    excused = {}
    cases = 0
    for name, rdtype, (tcp, edns) in itertools.product(
            names(), TYPES, ((False, True), (True, True), (False, False))):
        if (tcp or not edns) and rdtype not in ("A", "TXT", "NS", "MX", "DS"):
            continue
        cases += 1
        t = view(ask(nsd_port, name, rdtype, tcp, edns))
        o = view(ask(our_port, name, rdtype, tcp, edns))
        if t != o:
            why = expected_difference(name, rdtype, t, o)
            if why and all(t[k] == o[k] for k in ("rcode", "answer", "authority")):
                excused[why] = excused.get(why, 0) + 1
                continue
            wrong[(str(name), rdtype, "tcp" if tcp else "udp" if edns else "plain")] = (t, o)
    for why, n in excused.items():
        print(f"# {n} answers differ on purpose: {why}")
    detail = ""
    for key, (t, o) in list(wrong.items())[:int(os.environ.get("SHOW", "12"))]:
        detail += " ".join(key) + "\n"
        for k in t:
            if t[k] != o[k]:
                detail += f"  {k}: nsd {t[k]}\n  {k}: us  {o[k]}\n"
    lib.ok(not wrong, f"{cases} questions have NSD's answer ({len(wrong)} differ)", detail)
    lib.done()


main()
