"""A fleet half of k8gb, half of gslbd: a peer that is a plain name server with localtargets-<host>, found
through the edge DNS by k8gb's names; one that loses packets, truncates, lies, is silent, has a dead address."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import dns.rcode
import lib
from fakes.dns import Dns
from fleet import ZONE, Cluster, gslb, right

EU, US, ZA = "192.0.2.10", "198.51.100.20", "203.0.113.30"
LOCAL = f"localtargets-{{}}.{ZONE}."


def records(ip, hosts=("rr", "fo")):
    """What a k8gb cluster serves: no records of the other cluster are of interest."""
    return {LOCAL.format(h): {"A": [ip]} for h in hosts}


# The edge DNS and the peers share a port on several loopback addresses: k8gb asks a peer at 53 and at the
# ports of the edge servers.
edge = Dns(["127.0.0.1"])
us = Dns(["127.0.0.2", "127.0.0.3"], edge.port, records(US))
za = Dns(["127.0.0.4"], edge.port, records(ZA))
edge.records = {f"gslb-ns-us-cloud.example.com.": {"A": ["127.0.0.2", "127.0.0.3"]},
                f"gslb-ns-za-cloud.example.com.": {"A": ["127.0.0.4"]}}
eu = Cluster("eu", ["us", "za"], edge=f"127.0.0.1:{edge.port}", ips="127.0.0.1",
             args=["--peer-grace=3s", "--reconcile-requeue-seconds=1", "--zone-delegation-recovery-seconds=1",
                   "--zone-delegation-reconcile-requeue-seconds=2"])
eu.put("gslb", gslb("rr", f"rr.{ZONE}", ips=EU), gslb("fo", f"fo.{ZONE}", "failover", ips=EU, primaryGeoTag="us"))
eu.ready(True)
eu.start()
ALL = [EU, US, ZA]
right(eu, f"rr.{ZONE}", ALL, "peers are found through the edge DNS by k8gb's names")
right(eu, f"fo.{ZONE}", [US], "failover: the k8gb peer is primary")
right(eu, f"localtargets-rr.{ZONE}", [EU], "what a k8gb peer would ask us for")

us.set(LOCAL.format("fo"), "A")
right(eu, f"fo.{ZONE}", [EU, ZA], "NXDOMAIN of the primary: it does not offer the host; both secondaries answer")
us.set(LOCAL.format("fo"), "A", US)
right(eu, f"fo.{ZONE}", [US], "and the primary is back")
us.set(LOCAL.format("rr"), "A", US, "198.51.100.21")
right(eu, f"rr.{ZONE}", ALL + ["198.51.100.21"], "a peer's second address is seen")
us.set(LOCAL.format("rr"), "A", US)
right(eu, f"rr.{ZONE}", ALL, "and its going")
eu.ready(False)
right(eu, f"rr.{ZONE}", [US, ZA], "unhealthy here: the peers answer")
right(eu, f"localtargets-rr.{ZONE}", ["NXDOMAIN"], "localtargets of an unhealthy host: NXDOMAIN as k8gb's") or \
    right(eu, f"localtargets-rr.{ZONE}", [], "localtargets of an unhealthy host has no addresses")
eu.ready(True)
right(eu, f"rr.{ZONE}", ALL, "healthy again")

# addresses, packets, lies
us.deaf = {"127.0.0.2"}
n = len(us.asked())
lib.ok(eu.stays(f"fo.{ZONE}", [US], 5), "one of two addresses of a peer is dead: nothing changes beyond the grace",
       eu.get(f"fo.{ZONE}"))
lib.ok(any(a == "127.0.0.3" for _, a, _, _ in us.asked()[n:]), "its other address was asked")
us.deaf = {"127.0.0.3"}
lib.ok(eu.stays(f"fo.{ZONE}", [US], 4.5), "the same the other way round")
us.deaf = set()
us.truncate = True
n = len(us.asked(transport="tcp"))
us.set(LOCAL.format("rr"), "A", "198.51.100.22")
right(eu, f"rr.{ZONE}", [EU, "198.51.100.22", ZA], "TC is followed by TCP")
lib.ok(len(us.asked(transport="tcp")) > n, "which the peer saw")
us.truncate = False
us.set(LOCAL.format("rr"), "A", US)
right(eu, f"rr.{ZONE}", ALL, "UDP again")
us.loss = za.loss = 0.3
lib.ok(eu.stays(f"fo.{ZONE}", [US], 8), "30 % loss for some graces: no false failover", eu.get(f"fo.{ZONE}"))
lib.ok(eu.get(f"rr.{ZONE}") == sorted(ALL), "nor a member less", eu.get(f"rr.{ZONE}"))
us.loss = za.loss = 0
us.wrong_id = True
us.set(LOCAL.format("rr"), "A", "198.51.100.23")
right(eu, f"rr.{ZONE}", [EU, "198.51.100.23", ZA], "an answer to another question is not believed")
us.wrong_id = False
us.set(LOCAL.format("rr"), "A", US)
us.delay_s = 0.45
right(eu, f"rr.{ZONE}", ALL, "a slow peer is heard")
lib.ok(eu.stays(f"fo.{ZONE}", [US], 4), "and stays", eu.get(f"fo.{ZONE}"))
us.delay_s = 0
us.rcode_types = {"AAAA": dns.rcode.SERVFAIL}
us.set(LOCAL.format("rr"), "A", "198.51.100.24")
right(eu, f"rr.{ZONE}", [EU, "198.51.100.24", ZA], "a peer that fails for AAAA is heard for A")
us.rcode_types = {}
us.silent_types = {"AAAA", "TXT"}
us.set(LOCAL.format("rr"), "A", "198.51.100.25")
right(eu, f"rr.{ZONE}", [EU, "198.51.100.25", ZA], "a peer that is silent for other types is heard for A", seconds=15)
us.silent_types = set()
us.rcode_types = {"TXT": dns.rcode.REFUSED, "AAAA": dns.rcode.NOTIMP}
us.set(LOCAL.format("rr"), "A", US)
right(eu, f"rr.{ZONE}", ALL, "a peer that refuses other types is heard for A", seconds=15)
us.rcode_types = {}

# silence
for how, on, off in (("silent", True, False), ("rcode", dns.rcode.REFUSED, None), ("rcode", dns.rcode.SERVFAIL, None),
                     ("garbage", True, False)):
    name = how if how != "rcode" else dns.rcode.to_text(on)
    right(eu, f"rr.{ZONE}", ALL, f"before {name}: all are in")
    setattr(us, how, on)
    lib.ok(eu.stays(f"rr.{ZONE}", ALL, 1.5), f"{name}: the last known stays for the grace", eu.get(f"rr.{ZONE}"))
    right(eu, f"rr.{ZONE}", [EU, ZA], f"{name}: then the peer is out", seconds=15)
    right(eu, f"fo.{ZONE}", [EU, ZA], f"{name}: failover")
    _, said = eu.ctl_run("explain", f"fo.{ZONE}")
    lib.ok("us" in said and US in said or "us" in said, f"{name}: explain speaks of the peer", said)
    setattr(us, how, off)
right(eu, f"fo.{ZONE}", [US], "the peer is back, and primary again", seconds=15)
up = eu.metric('gslbd_peer_up{geo_tag="us"}')
lib.ok(up == 1, "the metric says it is up", up)

# the edge DNS
edge.silent = True
lib.ok(eu.stays(f"rr.{ZONE}", ALL, 6), "a silent edge DNS empties nothing", eu.get(f"rr.{ZONE}"))
edge.silent = False
edge.rcode = dns.rcode.SERVFAIL
lib.ok(eu.stays(f"rr.{ZONE}", ALL, 4), "nor one that fails", eu.get(f"rr.{ZONE}"))
edge.rcode = None
us2 = Dns(["127.0.0.5"], edge.port, records("198.51.100.99"))
edge.set("gslb-ns-us-cloud.example.com.", "A", "127.0.0.5")
right(eu, f"fo.{ZONE}", ["198.51.100.99"], "a peer that moved is followed", seconds=15)

# one broken peer beside another, with many hosts
for s in (us2, za):
    s.records = {**s.records, **{LOCAL.format(f"h{i}"): {"A": [s.records[LOCAL.format("rr")]["A"][0]]} for i in range(60)}}
eu.put("many", *[gslb(f"h{i}", f"h{i}.{ZONE}", ips=EU) for i in range(60)])
right(eu, f"h59.{ZONE}", [EU, "198.51.100.99", ZA], "sixty more hosts are learned")
us2.silent = True
right(eu, f"h0.{ZONE}", [EU, ZA], "a peer goes silent", seconds=15)
za.set(LOCAL.format("h33"), "A", "203.0.113.31")
right(eu, f"h33.{ZONE}", [EU, "203.0.113.31"], "changes of the other peer arrive all the same", seconds=4)
eu.stop()
for s in (edge, us, za, us2):
    s.close()

# from the first moment on with a peer that is not there
edge = Dns(["127.0.0.1"])
za = Dns(["127.0.0.4"], edge.port, records(ZA))
edge.records = {"gslb-ns-za-cloud.example.com.": {"A": ["127.0.0.4"]}}
eu = Cluster("eu", ["us", "za"], edge=f"127.0.0.1:{edge.port},127.0.0.9:{edge.port}", ips="127.0.0.1",
             args=["--zone-delegation-recovery-seconds=1", "--peer-grace=2s"])
eu.put("gslb", gslb("rr", f"rr.{ZONE}", ips=EU))
eu.ready(True)
eu.start()
right(eu, f"rr.{ZONE}", [EU, ZA], "a peer without an address at the edge does not stop the others")
us = Dns(["127.0.0.2"], edge.port, records(US))
edge.set("gslb-ns-us-cloud.example.com.", "A", "127.0.0.2")
right(eu, f"rr.{ZONE}", ALL, "and is found when it appears (recovery)", seconds=15)
eu.stop()
lib.done()
