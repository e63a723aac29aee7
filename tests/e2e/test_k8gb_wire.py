"""What k8gb's CoreDNS does wrong on the wire, done right; manifests that break; the metrics of k8gb."""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import dns.flags
import dns.message
import dns.query
import lib
from fleet import ZONE, Cluster, gslb, right

IP = "192.0.2.10"
(dead,) = lib.free_ports(1)
c = Cluster("eu", ["us"], {"us": dead}, ips="127.0.0.1", args=["--peer-grace=1s"])
c.put("a", gslb("a", f"a.b.{ZONE}", ips=IP, dnsTtlSeconds=19), gslb("rr", f"rr.{ZONE}", ips=[IP, "192.0.2.11"]),
      gslb("fo", f"fo.{ZONE}", "failover", ips=IP, primaryGeoTag="eu"), gslb("geo", f"geo.{ZONE}", "geoip", ips=IP))
c.ready(True)
c.start()
right(c, f"a.b.{ZONE}", [IP], "the host is served")


def serial():
    return c.ask(ZONE, "SOA").answer[0][0].serial


for name, rdtype in ((f"a.b.{ZONE}", "A"), (f"a.b.{ZONE}", "TXT"), (f"none.{ZONE}", "A"), (ZONE, "SOA"), (ZONE, "NS")):
    lib.ok(c.ask(name, rdtype).flags & dns.flags.AA, f"{name} {rdtype}: AA")
    lib.ok(c.ask(name, rdtype, tcp=True).flags & dns.flags.AA, f"{name} {rdtype}: AA over TCP")
ns = c.get(ZONE, "NS")
lib.ok("gslb-ns-eu-cloud.example.com." in ns, "the apex NS are the names of the delegation", ns)
soa = c.ask(ZONE, "SOA").answer[0][0]
lib.ok(soa.mname.to_text() in ns and soa.minimum == 30, "the SOA names one of them", soa)
for name, rdtype, rcode, count in ((f"b.{ZONE}", "A", 0, 0), (f"a.b.{ZONE}", "AAAA", 0, 0), (f"none.{ZONE}", "A", 3, 0),
                                   (f"x.a.b.{ZONE}", "A", 3, 0), (ZONE, "A", 0, 0), (ZONE, "TXT", 0, 0)):
    r = c.ask(name, rdtype)
    lib.ok(r.rcode() == rcode and len(r.answer) == count and r.authority and r.authority[0].rdtype == 6 and
           r.authority[0].ttl <= 30, f"{name} {rdtype}: {'NXDOMAIN' if rcode else 'NODATA'} with SOA", r)
q = f"a.b.{ZONE}".translate(str.maketrans("abcdelmo", "AbCdElMo"))
r = c.ask(q)
lib.ok(r.question[0].name.to_text() == q + "." and r.answer and r.answer[0].ttl == 19 and
       r.answer[0].name.to_text() == q + ".", "0x20: the case of the question, the TTL of the record", r)
r = c.ask(f"rr.{ZONE}", ecs="198.51.100.0/24")
lib.ok([o.scopelen for o in r.options if o.otype == 8] == [0], "ECS: scope 0 where the client plays no role", r)
r = c.ask(f"a.b.{ZONE}", "ANY")
lib.ok(r.rcode() == 0 and len(r.answer) <= 1, "ANY is answered small", r)
lib.ok(c.get("www.example.org") == ["REFUSED"], "out of zone: REFUSED")

before = serial()
c.put("a-again", gslb("a", f"a.b.{ZONE}", ips=IP, dnsTtlSeconds=19))
c.put("noise", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "demo"}})
c.drop("a-again")
lib.ok(not lib.wait_for(lambda: serial() != before, 1), "the serial stays when no data change", serial())
c.ready(False)
right(c, f"rr.{ZONE}", [], "all are down: NODATA, not NXDOMAIN")
after = serial()
lib.ok(0 < (after - before) % 2**32 < 2**31, "the serial rises with the data", (before, after))
lib.ok(not lib.wait_for(lambda: serial() != after, 1), "and stays then")
c.ready(True)
right(c, f"rr.{ZONE}", [IP, "192.0.2.11"], "healthy again")

# broken manifests
path = os.path.join(c.dir, "rr2.yaml")
c.put("rr2", gslb("rr2", f"rr2.{ZONE}", ips=IP))
right(c, f"rr2.{ZONE}", [IP], "one more file")
errors = c.metric("gslbd_manifest_errors_total") or 0
lib.write(path, "apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata:\n  name: rr2\n spec: [\n")
lib.ok(lib.wait_for(lambda: "rr2.yaml" in c.process.text()), "a broken file is named")
said = [line for line in c.process.text().splitlines() if "rr2.yaml" in line]
lib.ok(any(f"rr2.yaml:{n}" in said[-1] or f"line {n}" in said[-1] for n in (4, 5, 6)), "with its line", said)
lib.ok(c.get(f"rr2.{ZONE}") == [IP], "its last good content stays")
lib.ok((c.metric("gslbd_manifest_errors_total") or 0) > errors and c.metric("gslbd_manifest_errors") == 1,
       "and it is counted")
c.put("other", gslb("other", f"other.{ZONE}", ips="192.0.2.44"))
right(c, f"other.{ZONE}", ["192.0.2.44"], "the other files go on")
c.put("rr2", gslb("rr2", f"rr2.{ZONE}", ips="192.0.2.45"))
right(c, f"rr2.{ZONE}", ["192.0.2.45"], "the mended file counts")
lib.ok(lib.wait_for(lambda: c.metric("gslbd_manifest_errors") == 0), "and the gauge is 0 again")

# from the rename to the wire
took = []
for i in range(30):
    ip = f"192.0.2.{100 + i}"
    t0 = time.monotonic()
    c.put("fast", gslb("fast", f"fast.{ZONE}", ips=ip))
    while c.get(f"fast.{ZONE}") != [ip] and time.monotonic() < t0 + 5:
        pass
    took.append((time.monotonic() - t0) * 1000)
lib.ok(statistics.median(took) < 200, f"a renamed file is on the wire without waiting for a poll "
       f"(median {statistics.median(took):.1f} ms, max {max(took):.1f} ms)", took)

# metrics of k8gb, health
for line, want in (('k8gb_gslb_healthy_records{namespace="demo",name="rr"}', 2),
                   ('k8gb_gslb_healthy_local_records{namespace="demo",name="rr",geotag="eu"}', 2),
                   ('k8gb_gslb_service_status_num{namespace="demo",name="rr",status="Healthy"}', 1),
                   ('k8gb_gslb_service_status_num{namespace="demo",name="rr",status="Unhealthy"}', 0),
                   ('k8gb_gslb_service_status_num{namespace="demo",name="rr",status="NotFound"}', 0),
                   ('k8gb_gslb_status_count_for_roundrobin{namespace="demo",name="rr",status="Healthy"}', 2),
                   ('k8gb_gslb_status_count_for_failover{namespace="demo",name="fo",status="Healthy_primary"}', 1),
                   ('k8gb_gslb_status_count_for_geoip{namespace="demo",name="geo",status="Healthy"}', 1),
                   ('k8gb_gslb_errors_total{namespace="demo",name="rr"}', 0),
                   (f'k8gb_endpoint_status_num{{namespace="demo",name="rr",dns_name="rr.{ZONE}"}}', 2),
                   ("k8gb_runtime_info{", 1)):
    lib.ok(c.metric(line) == want, f"{line} is {want}", c.ctl_run("metrics", line.split("{", maxsplit=1)[0])[1])
loops = c.metric('k8gb_gslb_reconciliation_loops_total{namespace="demo",name="rr"}')
lib.ok(loops and loops >= 1, "k8gb_gslb_reconciliation_loops_total counts", loops)
lib.ok(c.http("/healthz")[0] == 200 and c.http("/readyz")[0] == 200, "/healthz and /readyz are 200")
lib.ok(c.stop() == 0, "it ends with status 0")
lib.done()
