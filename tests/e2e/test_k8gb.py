"""k8gb's truth tables on the wire: three real gslbd, every state of their health, every strategy; the
table's rows with its known defects mended (a host without members is NODATA, a mistyped primary is told)."""
import itertools
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib
from fakes import mmdb
from fleet import ZONE, Cluster, gslb, right

IPS = {"eu": ["192.0.2.10", "192.0.2.11"], "us-east-1": ["198.51.100.20"], "za": ["203.0.113.30"]}
US = "us-east-1"  # k8gb's plugin breaks on hyphens in tags; we must not
HOSTS = {  # name: (strategy, more)
    "rr": ("roundRobin", {}),
    "geo": ("geoip", {}),
    "fo": ("failover", {"primaryGeoTag": "eu"}),
    "fous": ("failover", {"primaryGeoTag": US}),
    "typo": ("failover", {"primaryGeoTag": "europe"}),
    "noprim": ("failover", {}),
    "wrr": ("roundRobin", {"weight": {"eu": 60, US: 40, "za": 0}}),
    "half": ("roundRobin", {"weight": {"eu": 1}}),
}


def fleet(tags, **more):
    ports = dict(zip(tags, lib.free_ports(len(tags))))
    out = {}
    for t in tags:
        others = [o for o in tags if o != t]
        c = Cluster(t, others, {o: ports[o] for o in others}, port=ports[t], ips="127.0.0.1",
                    args=["--peer-grace=2s", "--edge-dns-servers=127.0.0.1:1"], **more)
        for name, (strategy, rest) in HOSTS.items():
            c.put(name, gslb(name, f"{name}.{ZONE}", strategy, ips=IPS[t], dnsTtlSeconds=17, **rest))
        c.ready(True)
        out[t] = c
    for c in out.values():
        c.start()
    return out


def union(tags):
    return sorted(ip for t in tags for ip in IPS[t])


def expected(name, alive):
    if name in ("fo", "fous"):
        first = "eu" if name == "fo" else US
        return union([first] if first in alive else alive)
    return union(alive)


def table(clusters):
    """Every combination of healthy clusters, asked of every cluster."""
    tags = list(clusters)
    for states in itertools.product([True, False], repeat=len(tags)):
        alive = [t for t, s in zip(tags, states) if s]
        for t, s in zip(tags, states):
            clusters[t].ready(s)
        wrong = []
        for name in HOSTS:
            if name in ("wrr", "half"):
                continue
            want = expected(name, alive)
            for t in tags:
                if not clusters[t].becomes(f"{name}.{ZONE}", want):
                    wrong.append(f"{t}: {name} is {clusters[t].get(f'{name}.{ZONE}')}, expected {want}")
        for t, s in zip(tags, states):
            if not clusters[t].becomes(f"localtargets-rr.{ZONE}", IPS[t] if s else []):
                got = clusters[t].get(f"localtargets-rr.{ZONE}")
                if s or got != ["NXDOMAIN"]:
                    wrong.append(f"{t}: localtargets-rr is {got}")
        lib.ok(not wrong, f"{len(tags)} clusters, healthy {alive or 'none'}: each strategy as in k8gb's table",
               "\n".join(wrong))


def shares(c, name, n=3000, **more):
    """How often each address came first in N answers, and the sizes of the answers."""
    first, sizes = {}, set()
    for _ in range(n):
        r = c.ask(f"{name}.{ZONE}", **more)
        ips = [x.to_text() for s in r.answer for x in s] if r else []
        sizes.add(len(ips))
        for ip in ips[:1]:
            first[ip] = first.get(ip, 0) + 1
    return first, sizes


def everybody_dead(c):
    r = c.ask(f"rr.{ZONE}")
    lib.ok(r.rcode() == 0 and not r.answer and len(r.authority) == 1 and r.authority[0].rdtype == 6 and
           r.authority[0][0].minimum == 30,
           "nobody healthy: NODATA with the SOA and the zone's negative TTL", r)


three = fleet(["eu", US, "za"])
table(three)
everybody_dead(three["eu"])
for c in three.values():
    c.ready(True)
for c in three.values():
    for name in HOSTS:
        if name not in ("wrr", "half"):
            right(c, f"{name}.{ZONE}", expected(name, list(three)), f"{c.tag}: {name} is back when all are healthy")
r = three["za"].ask(f"rr.{ZONE}")
lib.ok(r.answer and r.answer[0].ttl == 17, "the TTL is dnsTtlSeconds", r)

# a mistyped primary is not silent
said = [three["eu"].ctl_run("explain", f"{n}.{ZONE}")[1] for n in ("typo", "noprim", "fo")]
lib.ok("europe" in said[0], "a primary that names no cluster is told in explain", said[0])

# weights: shares of answers; 0 only if nothing else; a tag without a weight does not stop the rest
first, sizes = shares(three[US], "wrr")
n = sum(first.values())
eu = sum(first.get(ip, 0) for ip in IPS["eu"])
lib.ok(abs(eu / n - 0.6) < 0.05, "weights 60/40 with a hyphenated tag: that share of answers begins with each", first)
lib.ok(IPS["za"][0] not in first, "weight 0 is not given while others live", first)
three["eu"].ready(False)
three[US].ready(False)
right(three["za"], f"wrr.{ZONE}", IPS["za"], "weight 0 is given when nothing else lives")
right(three["eu"], f"wrr.{ZONE}", IPS["za"], "the same at a cluster that is down itself")
for c in three.values():
    c.ready(True)
lib.wait_for(lambda: set(three["eu"].get(f"rr.{ZONE}")) == set(union(three)))
first, _ = shares(three["eu"], "half", 500)
lib.ok(first and set(first) <= set(union(three)) and set(first) & set(IPS["eu"]),
       "weights for one tag alone: the name is answered", first)

# a dead process: the last known stays for the grace, then goes; and comes back
three["za"].process.stop(9)
lib.ok(three["eu"].stays(f"rr.{ZONE}", union(three), 1.0), "a killed peer stays for the grace")
right(three["eu"], f"rr.{ZONE}", union(["eu", US]), "and leaves after the grace")
said = three["eu"].ctl_run("explain", f"rr.{ZONE}")[1]
lib.ok("za" in said and ("ilent" in said or "nreach" in said or "own" in said), "explain tells of the dead peer", said)
three["za"].start()
right(three["eu"], f"rr.{ZONE}", union(three), "and is in again when it is back")
for c in three.values():
    lib.ok(c.stop() == 0, f"{c.tag} ends with status 0")

two = fleet(["eu", US])
table(two)
for c in two.values():
    c.stop()

# one cluster alone, geography: k8gb's plugin's own cases
SITES = {"192.200.1.0/24": {"datacenter": "site1", "country": {"iso_code": "DE"}},
         "192.200.2.0/24": {"datacenter": "site2", "country": {"iso_code": "US"}}}
FOUR = ["192.200.1.5", "192.200.1.10", "192.200.2.5", "192.200.2.10"]
base = lib.folder()
db = os.path.join(base, "geo.mmdb")
mmdb.write(db, SITES)
c = Cluster("eu", args=[f"--geoip-db={db}", "--geoip-field=datacenter"])
c.put("geo", gslb("geo", f"geo.{ZONE}", "geoip", ips=FOUR), gslb("rr", f"rr.{ZONE}", ips=FOUR))
c.ready(True)
c.start()
for client, want in (("192.200.1.50/32", FOUR[:2]), ("192.200.2.30/24", FOUR[2:]), ("192.100.1.15/32", FOUR)):
    right(c, f"geo.{ZONE}", want, f"geoip: a client in {client} gets {len(want)} addresses", ecs=client)
right(c, f"geo.{ZONE}", FOUR, "geoip: a client without a field gets all")
r = c.ask(f"geo.{ZONE}", ecs="192.200.1.50/32")
o = [x for x in r.options if x.otype == 8]
lib.ok(o and 0 < o[0].scopelen <= 32, "the answer says its scope", r)
r = c.ask(f"rr.{ZONE}", ecs="192.200.1.50/32")
o = [x for x in r.options if x.otype == 8]
lib.ok(o and o[0].scopelen == 0, "an answer that is the same for all has scope 0", r)
mmdb.write(db + ".new", {"192.100.1.0/24": {"datacenter": "site2"}, **SITES})
os.rename(db + ".new", db)
right(c, f"geo.{ZONE}", FOUR[2:], "a database that is replaced is read again", ecs="192.100.1.15/32", seconds=15)
lib.write(db, "this is no database\n")
lib.ok(c.stays(f"rr.{ZONE}", FOUR, 1.5) and c.process.alive() and c.get(f"geo.{ZONE}"), "a broken one ends nothing",
       c.process.text()[-500:])
os.unlink(db)
lib.ok(c.stays(f"rr.{ZONE}", FOUR, 0.5) and c.process.alive(), "a missing one ends nothing")
c.stop()
c = Cluster("eu", args=[f"--geoip-db={base}/none.mmdb"])
c.put("geo", gslb("geo", f"geo.{ZONE}", "geoip", ips=FOUR))
c.ready(True)
c.start()
right(c, f"geo.{ZONE}", FOUR, "geoip without its database answers all; the process lives")
c.stop()
lib.done()
