"""The parent's delegation, shared by two gslbd: each adds and takes out its own; BIND as the parent by
RFC 2136, and gslbd itself (zonedb).  check-delegation says what a resolver would see."""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(__file__))
import dns.message
import dns.query
import lib
from fleet import ZONE, Cluster, gslb, ingress, right, service, thing

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ZONE_TEXT = "$TTL 300\n@ SOA ns1 host 1 3600 600 604800 60\n@ NS ns1\nns1 A 127.0.0.1\nforeign NS ns.elsewhere.net.\n"
NS = {t: f"gslb-ns-{t}-cloud.example.com." for t in ("eu", "us")}
work = lib.folder()


def parent_get(port, name, rdtype):
    """NS of a delegation are in the authority section of the parent's answer."""
    try:
        r = dns.query.udp(dns.message.make_query(name, rdtype), "127.0.0.1", port=port, timeout=2)
    except Exception:
        return None
    return sorted(x.to_text() for s in r.answer + r.authority for x in s if s.name.to_text() == name + "."
                  and s.rdtype == {"A": 1, "NS": 2}[rdtype])


def becomes(port, name, rdtype, want, sentence, seconds=25):
    good = lib.wait_for(lambda: parent_get(port, name, rdtype) == sorted(want), seconds, 0.05)
    return lib.ok(good, sentence, "" if good else f"{name} {rdtype}: {parent_get(port, name, rdtype)}, expected {want}\n" +
                  "\n".join(c.process.text()[-1500:] for c in clusters.values() if c.process))


def bind(port):
    with open(os.path.join(work, "example.com.zone"), "w") as f:
        f.write(ZONE_TEXT)
    (control,) = lib.free_ports(1)
    conf = os.path.join(work, "named.conf")
    with open(conf, "w") as f:
        f.write(f"""options {{ directory "{work}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; pid-file none; session-keyfile none; dnssec-validation no; allow-new-zones no; }};
controls {{ }};
key "k" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
zone "example.com" {{ type primary; file "example.com.zone"; allow-update {{ key "k"; }}; allow-transfer {{ key "k"; }}; }};
""")
    p = lib.Process([shutil.which("named") or "/usr/sbin/named", "-g", "-c", conf], name="named")
    if not lib.wait_for(lambda: parent_get(port, "ns1.example.com", "A") == ["127.0.0.1"]):
        print(p.text()[-2000:])
    return p


def rfc2136(port):
    return ["--provider=rfc2136", "--rfc2136-host=127.0.0.1", f"--rfc2136-port={port}", "--rfc2136-zone=example.com",
            "--rfc2136-tsig-keyname=k", f"--rfc2136-tsig-secret={SECRET}", "--rfc2136-tsig-secret-alg=hmac-sha256",
            "--rfc2136-tsig-axfr", "--policy=sync", "--interval=2s", "--managed-record-types=A",
            "--managed-record-types=NS", "--domain-filter=example.com", "--mass-delete-share=100"]


def start(parent, args):
    ports = dict(zip(NS, lib.free_ports(2)))
    for tag, ip in (("eu", "192.0.2.1"), ("us", "198.51.100.1")):
        other = "us" if tag == "eu" else "eu"
        c = Cluster(tag, [other], {other: ports[other]}, zones=None, edge=f"127.0.0.1:{parent}", ips=ip,
                    port=ports[tag], args=args(tag) + [f"--txt-owner-id=k8gb-{tag}"], env={"EXTDNS_ENABLED": "true"})
        c.put("zone", thing("k8gb.io/v1beta1", "ZoneDelegation", "cloud-example-com",
                            {"loadBalancedZone": ZONE, "parentZone": "example.com", "dnsZoneNegTTL": 30,
                             "doFinalize": True}, namespace=None))
        c.put("gslb", gslb("app", f"app.{ZONE}", ips=ip))
        c.ready(True)
        clusters[tag] = c


clusters = {}
if shutil.which("named") or os.path.exists("/usr/sbin/named"):
    (parent,) = lib.free_ports(1)
    named = bind(parent)
    start(parent, lambda tag: rfc2136(parent))
    eu, us = clusters["eu"].start(), clusters["us"]
    becomes(parent, NS["eu"][:-1], "A", ["192.0.2.1"], "BIND: the address of eu's name server")
    lib.ok(lib.wait_for(lambda: NS["eu"] in (parent_get(parent, ZONE, "NS") or [])), "BIND: eu's name in the NS set",
           parent_get(parent, ZONE, "NS"))
    us.start()
    becomes(parent, ZONE, "NS", NS.values(), "BIND: two clusters share the NS set")
    becomes(parent, NS["us"][:-1], "A", ["198.51.100.1"], "BIND: and us' address")
    r = dns.query.udp(dns.message.make_query(ZONE, "NS"), "127.0.0.1", port=parent)
    lib.ok([s.ttl for s in r.answer + r.authority if s.rdtype == 2] == [30], "the TTL is NS_RECORD_TTL", r)
    for c in clusters.values():
        right(c, ZONE, NS.values(), f"{c.tag}: the apex NS are those of the parent", "NS")
    st, text = eu.ctl_run("check-delegation")
    lib.ok(ZONE in text and "gslb-ns-us" in text, "check-delegation shows the chain", f"{st}\n{text}")
    st, text = eu.ctl_run("plan")
    lib.ok(st == 0, "plan", text)
    us.drop("zone")
    becomes(parent, ZONE, "NS", [NS["eu"]], "a ZoneDelegation deleted in us takes out us' own name only")
    becomes(parent, NS["us"][:-1], "A", [], "and us' address")
    lib.ok(parent_get(parent, NS["eu"][:-1], "A") == ["192.0.2.1"], "eu's address stays")
    eu.drop("zone")
    becomes(parent, ZONE, "NS", [], "doFinalize and the last member: the delegation is gone")
    lib.ok(parent_get(parent, "foreign.example.com", "NS") == ["ns.elsewhere.net."], "others' records are untouched")
    for c in clusters.values():
        lib.ok(c.stop() == 0, f"{c.tag} ends with status 0")
    named.stop()
else:
    print("# BIND is missing")

# the parent in gslbd itself
clusters = {}
file = os.path.join(work, "parent.zone")
with open(file, "w") as f:
    f.write(ZONE_TEXT)
(parent,) = lib.free_ports(1)
start(parent, lambda tag: ["--provider=zonedb", f"--zone=example.com={file}", f"--listen=127.0.0.1:{parent}",
                           f"--tsig-key=hmac-sha256:k:{SECRET}", "--allow-update=key:k=example.com",
                           "--allow-transfer=key:k", "--interval=2s", "--managed-record-types=A",
                           "--managed-record-types=NS", "--mass-delete-share=100"] if tag == "eu" else rfc2136(parent))
for c in clusters.values():
    c.start()
becomes(parent, ZONE, "NS", NS.values(), "zonedb: eu writes it itself, us by RFC 2136")
becomes(parent, NS["eu"][:-1], "A", ["192.0.2.1"], "zonedb: eu's address")
becomes(parent, NS["us"][:-1], "A", ["198.51.100.1"], "zonedb: us' address")
ok = lib.wait_for(lambda: clusters["eu"].metric(f'gslbd_delegation_ok{{zone="{ZONE}"}}') == 1)
lib.ok(ok, "gslbd_delegation_ok says that the parent has it", clusters["eu"].ctl_run("metrics", "delegation")[1])
for c in clusters.values():
    c.stop()

# a provider without a world
clusters = {}
c = clusters["eu"] = Cluster("eu", edge="127.0.0.1:1", ips="192.0.2.1", args=[
    "--provider=inmemory", "--inmemory-zone=example.com", "--managed-record-types=A", "--managed-record-types=NS", "--dry-run"])
c.put("gslb", gslb("app", f"app.{ZONE}", ips="192.0.2.10"))
c.ready(True)
c.start()
st, text = c.ctl_run("plan")
lib.ok(st == 0 and ZONE in text and "gslb-ns-eu" in text, "plan shows what a dry run would do", text)
c.stop()


# where the name server's own address comes from
def planned(want, sentence, c):
    def line():
        return [x for x in c.ctl_run("plan")[1].splitlines() if "gslb-ns-eu" in x and "recordType=A " in x]
    good = lib.wait_for(lambda: any(f"targets={want} " in x for x in line()) if want else not line(), 10, 0.1)
    lib.ok(good, sentence, c.ctl_run("plan")[1])


def coredns(address, **labels):
    return service("coredns", None, "k8gb", "LoadBalancer", [address], {"app.kubernetes.io/name": "coredns", **labels})


for env, first, second, want in (
        ({}, ingress("src", "x.example.org", ["192.0.2.201"], labels={"k8gb.io/ip-source": "true"}),
         ingress("src", "x.example.org", ["192.0.2.202"], labels={"k8gb.io/ip-source": "true"}), "Ingress"),
        ({"COREDNS_SERVICE_TYPE": "LoadBalancer"}, coredns("192.0.2.201"), coredns("192.0.2.202"), "Service")):
    c = Cluster("eu", edge="127.0.0.1:1", env=env, args=[
        "--provider=inmemory", "--inmemory-zone=example.com", "--managed-record-types=A", "--managed-record-types=NS",
        "--dry-run"])
    metrics = {"app.kubernetes.io/component": "metrics"}
    c.put("gslb", gslb("app", f"app.{ZONE}", ips="192.0.2.10"), first)
    c.put("noise", ingress("noise", "y.example.org", ["192.0.2.203"]),
          *(coredns("192.0.2.204", **metrics) if want == "Ingress" else []))
    c.ready(True)
    c.start()
    planned("192.0.2.201", f"the name server's address is that of the {want}", c)
    c.put("gslb", gslb("app", f"app.{ZONE}", ips="192.0.2.10"), second)
    planned("192.0.2.202", f"the {want}'s new address is followed", c)
    c.put("gslb", gslb("app", f"app.{ZONE}", ips="192.0.2.10"))
    planned(None, f"without the {want} there is none", c)
    c.stop()
    c.env["CLUSTER_EXPOSED_IPS"] = "192.0.2.1"
    c.put("src", first)
    c.start()
    planned("192.0.2.1", f"CLUSTER_EXPOSED_IPS beats the {want}", c)
    c.stop()
lib.done()
