"""k8gb's environment variables: same values, same meaning; wrong ones end gslbd with status 2 and a text
that names the variable, before anything is opened."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib
from fakes.dns import Dns
from fleet import ZONE, Cluster, gslb, right

GOOD = {"CLUSTER_GEO_TAG": "eu", "EXT_GSLB_CLUSTERS_GEO_TAGS": "us", "DNS_ZONES": f"example.com:{ZONE}:30",
        "EDGE_DNS_SERVERS": "127.0.0.1:1"}
LONG = "x" * 60
WRONG = [  # changed variables, what the text must name
    ({"CLUSTER_GEO_TAG": ""}, "CLUSTER_GEO_TAG"),
    ({"CLUSTER_GEO_TAG": "e_u"}, "CLUSTER_GEO_TAG"),
    ({"CLUSTER_GEO_TAG": "eu west"}, "CLUSTER_GEO_TAG"),
    ({"CLUSTER_GEO_TAG": "eu.west"}, "CLUSTER_GEO_TAG"),
    ({"EXT_GSLB_CLUSTERS_GEO_TAGS": "us,us"}, "EXT_GSLB_CLUSTERS_GEO_TAGS"),
    ({"EXT_GSLB_CLUSTERS_GEO_TAGS": "us,z$a"}, "EXT_GSLB_CLUSTERS_GEO_TAGS"),
    ({"EXT_GSLB_CLUSTERS_GEO_TAGS": "eu,us,eu"}, "EXT_GSLB_CLUSTERS_GEO_TAGS"),
    ({"DNS_ZONES": "example.com"}, "DNS_ZONES"),
    ({"DNS_ZONES": f"example.com:{ZONE}"}, "DNS_ZONES"),
    ({"DNS_ZONES": f"example.com:{ZONE}:30:1"}, "DNS_ZONES"),
    ({"DNS_ZONES": f"example.com:{ZONE}:ten"}, "DNS_ZONES"),
    ({"DNS_ZONES": f"example.com:{ZONE}:-1"}, "DNS_ZONES"),
    ({"DNS_ZONES": "example.com:cloud.example.org:30"}, "DNS_ZONES"),
    ({"DNS_ZONES": "example.com:example.com:30"}, "DNS_ZONES"),
    ({"DNS_ZONES": "example.com:notexample.com:30"}, "DNS_ZONES"),
    ({"DNS_ZONES": f"exa..mple.com:{ZONE}:30"}, "DNS_ZONES"),
    ({"DNS_ZONES": f"example.com:{LONG}.{LONG}.example.com:30"}, "DNS_ZONES"),
    ({"CLUSTER_GEO_TAG": LONG}, "CLUSTER_GEO_TAG"),
    ({"GLUEA_PREFIX": LONG}, "GLUEA_PREFIX"),
    ({"GLUEA_PREFIX": "a b"}, "GLUEA_PREFIX"),
    ({"EDGE_DNS_SERVERS": "127.0.0.1:0"}, "EDGE_DNS_SERVERS"),
    ({"EDGE_DNS_SERVERS": "127.0.0.1:65536"}, "EDGE_DNS_SERVERS"),
    ({"EDGE_DNS_SERVERS": "127.0.0.1:abc"}, "EDGE_DNS_SERVERS"),
    ({"EDGE_DNS_SERVERS": "", "EDGE_DNS_SERVER": "127.0.0.1", "EDGE_DNS_SERVER_PORT": "70000"},
     "EDGE_DNS_SERVER_PORT"),
    ({"CLUSTER_EXPOSED_IPS": "192.0.2.1,nonsense"}, "CLUSTER_EXPOSED_IPS"),
    ({"CLUSTER_EXPOSED_IPS": "192.0.2.1,192.0.2.1"}, "CLUSTER_EXPOSED_IPS"),
    ({"NS_RECORD_TTL": "long"}, "NS_RECORD_TTL"),
    ({"NS_RECORD_TTL": "-1"}, "NS_RECORD_TTL"),
    ({"RECONCILE_REQUEUE_SECONDS": "-1"}, "RECONCILE_REQUEUE_SECONDS"),
    ({"RECONCILE_REQUEUE_SECONDS": "30s"}, "RECONCILE_REQUEUE_SECONDS"),
    ({"ZONE_DELEGATION_RECONCILE_REQUEUE_SECONDS": "x"}, "ZONE_DELEGATION_RECONCILE_REQUEUE_SECONDS"),
    ({"ZONE_DELEGATION_RECOVERY_SECONDS": "x"}, "ZONE_DELEGATION_RECOVERY_SECONDS"),
    ({"EXTDNS_ENABLED": "perhaps"}, "EXTDNS_ENABLED"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    ({"LOG_FORMAT": "xml"}, "LOG_FORMAT"),
    ({"METRICS_ADDRESS": "nowhere"}, "METRICS_ADDRESS"),
]
empty = lib.folder()


def run(changes):
    (port,) = lib.free_ports(1)
    env = {k: v for k, v in {**GOOD, **changes}.items() if v != "" or k == "CLUSTER_GEO_TAG"}
    p = lib.gslbd(f"--manifests={empty}", f"--listen=127.0.0.1:{port}", env=env)
    lib.wait_for(lambda: not p.alive() or " runs" in p.text(), 20)
    status = p.p.returncode if not p.alive() else "runs"
    p.stop()
    return status, p.text()


for changes, names in WRONG:
    status, text = run(changes)
    flag = "--" + names.lower().replace("_", "-")
    what = ", ".join(f"{k}={v}" for k, v in changes.items())
    lib.ok(status == 2 and (names in text or flag in text) and len(text.strip().splitlines()) <= 4,
           f"{what}: status 2 and a text that names it", f"{status}\n{text}")

RIGHT = [
    {}, {"EXT_GSLB_CLUSTERS_GEO_TAGS": "eu,us"}, {"EXT_GSLB_CLUSTERS_GEO_TAGS": ""},
    {"EXT_GSLB_CLUSTERS_GEO_TAGS": "us , za"}, {"CLUSTER_GEO_TAG": "us-east-1"},
    {"DNS_ZONES": ""}, {"DNS_ZONES": f" example.com : {ZONE} : 30 ; "},
    {"DNS_ZONES": f"example.com:{ZONE}:30;example.org:cloud.example.org:60;"},
    {"DNS_ZONES": "cloud.example.com:k8gb-test.gslb.cloud.example.com:30"},
    {"EDGE_DNS_SERVERS": "127.0.0.1,127.0.0.2:54"}, {"EDGE_DNS_SERVERS": "", "EDGE_DNS_SERVER": "127.0.0.1",
                                                    "EDGE_DNS_SERVER_PORT": "54"},
    {"RECONCILE_REQUEUE_SECONDS": "0"}, {"NS_RECORD_TTL": "300"}, {"EXTDNS_ENABLED": "false"},
    {"COREDNS_SERVICE_TYPE": "LoadBalancer"}, {"COREDNS_SERVICE_TYPE": "NodePort"}, {"COREDNS_EXPOSED": "true"}, {"LOG_FORMAT": "simple"},
    {"LOG_FORMAT": "json", "LOG_LEVEL": "debug"}, {"NO_COLOR": "true"}, {"SPLIT_BRAIN_CHECK": "true"},
    {"TRACING_ENABLED": "false", "TRACING_SAMPLING_RATIO": "1.0", "OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"},
    {"POD_NAMESPACE": "elsewhere"}, {"CLUSTER_EXPOSED_IPS": "192.0.2.1,192.0.2.2"},
]
for changes in RIGHT:
    status, text = run(changes)
    lib.ok(status == "runs", f"{', '.join(f'{k}={v}' for k, v in changes.items()) or 'plain'}: accepted", f"{status}\n{text}")

# what some of them mean, on the wire
edge = Dns(["127.0.0.1"], 0, {})
(port,) = lib.free_ports(1)
us = Dns(["127.0.0.6"], edge.port, {f"localtargets-app.{ZONE}.": {"A": ["198.51.100.20"]}})
edge.records = {"ns-us-cloud.example.com.": {"A": ["127.0.0.6"]}}
c = Cluster("eu", ["us"], zones=f"example.com:{ZONE}:77;example.org:a.b.example.org:11", ips="192.0.2.1,192.0.2.2",
            env={"GLUEA_PREFIX": "ns-", "NS_RECORD_TTL": "44", "EDGE_DNS_SERVER": "127.0.0.1",
                 "EDGE_DNS_SERVER_PORT": str(edge.port), "ZONE_DELEGATION_RECOVERY_SECONDS": "1",
                 "METRICS_ADDRESS": f"127.0.0.1:{port}"})
c.put("app", gslb("app", f"app.{ZONE}"), gslb("b", "b.a.b.example.org", "roundRobin", dnsTtlSeconds=0))
c.ready(True)
c.start()
right(c, f"app.{ZONE}", ["192.0.2.1", "192.0.2.2", "198.51.100.20"],
      "CLUSTER_EXPOSED_IPS are the targets; GLUEA_PREFIX finds the peer; EDGE_DNS_SERVER with its port")
right(c, ZONE, ["ns-eu-cloud.example.com.", "ns-us-cloud.example.com."], "GLUEA_PREFIX names the apex NS", "NS")
r = c.ask(ZONE, "NS")
lib.ok(r.answer and r.answer[0].ttl == 44, "NS_RECORD_TTL is the apex NS's", r)
r = c.ask(f"none.{ZONE}")
lib.ok(r.rcode() == 3 and r.authority[0].ttl <= 77 and r.authority[0][0].minimum == 77, "the zone's negTTL", r)
r = c.ask("none.a.b.example.org")
lib.ok(r.rcode() == 3 and r.authority[0][0].minimum == 11, "the other zone's negTTL", r)
lib.ok("ns-eu-a-b.example.org." in (c.get("a.b.example.org", "NS") or []), "the name of a deeper zone's server",
       c.get("a.b.example.org", "NS"))
r = c.ask("b.a.b.example.org")
lib.ok(r.answer and r.answer[0].ttl == 30, "dnsTtlSeconds 0 becomes 30", r)
import urllib.request
with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as f:
    lib.ok(b"k8gb_gslb_healthy_records" in f.read(), "METRICS_ADDRESS serves the metrics")
c.stop()
lib.done()
