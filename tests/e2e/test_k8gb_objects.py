"""k8gb's ways to declare a host, each from manifests to the wire; one bad object never hurts another."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib
from fakes.dns import Dns
from fleet import ZONE, Cluster, gslb, ingress, load_balancer, right, rules, service, thing

IP = "192.0.2.10"
edge = Dns(["127.0.0.1"], 0, {"lb.example.net.": {"A": ["192.0.2.77"]}, "other.example.net.": {"A": ["192.0.2.78"]},
                              "alias.example.net.": {"CNAME": ["lb.example.net."]}})
c = Cluster("eu", zones=f"example.com:{ZONE}:30;{ZONE}:in.{ZONE}:9", edge=f"127.0.0.1:{edge.port}")


def host(name):
    return f"{name}.{ZONE}"


def ref(kind, name=None, api="networking.k8s.io/v1", **more):
    return {"apiVersion": api, "kind": kind, **({"name": name} if name else {}), **more}


def route(kind, name, hosts=None, api="gateway.networking.k8s.io/v1", parents=("gw",), backend="app"):
    spec = {"parentRefs": [{"name": p} for p in parents],
            "rules": [{"backendRefs": [{"name": backend, "port": 80}]}]}
    if hosts:
        spec["hostnames"] = hosts
    return thing(api, kind, name, spec)


def status_of(kind, name):
    """What explain and the object list know of the Gslb."""
    return c.ctl_run(kind, name)[1]


c.ready(True)
c.ready(True, "app2")
c.ready(False, "bad")
c.put("svc-none", *service("none", None))
# API groups
c.put("groups", gslb("new", host("new"), ips=IP), gslb("old", host("old"), group="k8gb.absa.oss", ips="192.0.2.11"))
# references
c.put("refs", ingress("byname", host("byname"), ["192.0.2.20"], "app"),
      gslb("byname", [], ref=ref("Ingress", "byname")),
      ingress("bylabel", host("bylabel"), ["192.0.2.21", "192.0.2.22"], labels={"app": "one"}),
      gslb("bylabel", [], ref=ref("Ingress", matchLabels={"app": "one"})),
      ingress("byexpr", host("byexpr"), ["192.0.2.23"], labels={"tier": "x"}),
      gslb("byexpr", [], ref=ref("Ingress", matchExpressions=[{"key": "tier", "operator": "In", "values": ["x"]}])),
      gslb("nomatch", [], ref=ref("Ingress", matchLabels={"app": "nobody"})),
      ingress("two-a", host("twoa"), ["192.0.2.24"], labels={"app": "two"}),
      ingress("two-b", host("twob"), ["192.0.2.25"], labels={"app": "two"}),
      gslb("twomatch", [], ref=ref("Ingress", matchLabels={"app": "two"})),
      gslb("nokind", [], ref=ref("Lemon", "byname")))
c.put("byhostname", ingress("lbname", host("lbname"), ["lb.example.net"]), gslb("lbname", [], ref=ref("Ingress", "lbname")))
# Service
c.put("service", *service("lb", True, kind="LoadBalancer", addresses=["192.0.2.30"]),
      gslb("svc", [], ref=ref("Service", "lb", "v1"), annotations={"k8gb.io/hostname": host("svc")}),
      gslb("svcnohost", [], ref=ref("Service", "lb", "v1")),
      gslb("svcclusterip", [], ref=ref("Service", "app", "v1"), annotations={"k8gb.io/hostname": host("svcclusterip")}),
      gslb("svcoutside", [], ref=ref("Service", "lb", "v1"), annotations={"k8gb.io/hostname": "svc.example.org"}))
# Gateway API
c.put("gateway", thing("gateway.networking.k8s.io/v1", "Gateway", "gw", {"gatewayClassName": "x", "listeners": []},
                       {"addresses": [{"type": "IPAddress", "value": "192.0.2.40"}]}),
      thing("gateway.networking.k8s.io/v1", "Gateway", "gwname", {"gatewayClassName": "x", "listeners": []},
            {"addresses": [{"type": "Hostname", "value": "lb.example.net"}]}))
GW = "gateway.networking.k8s.io/"
for kind, api, with_hosts in (("HTTPRoute", "v1", True), ("GRPCRoute", "v1", True), ("TLSRoute", "v1", True),
                              ("TLSRoute", "v1alpha2", True), ("TLSRoute", "v1alpha3", True),
                              ("TCPRoute", "v1alpha2", False), ("UDPRoute", "v1alpha2", False)):
    n = f"{kind.lower()}-{api}"
    c.put(n, route(kind, n, [host(n)] if with_hosts else None, GW + api),
          gslb(n, [], ref=ref(kind, n, GW + api), annotations=None if with_hosts else {"k8gb.io/hostname": host(n)}))
c.put("gwname", route("HTTPRoute", "gwname", [host("gwname")], parents=["gwname"]),
      gslb("gwname", [], ref=ref("HTTPRoute", "gwname", GW + "v1")))
# Istio
c.put("istio", thing("networking.istio.io/v1", "VirtualService", "vs",
                     {"hosts": [host("vs")], "gateways": ["istio/igw"],
                      "http": [{"route": [{"destination": {"host": "app"}}]}]}),
      thing("networking.istio.io/v1", "Gateway", "igw", {"selector": {"istio": "in"}, "servers": []}, namespace="istio"),
      *service("ingressgateway", True, "istio-system", "LoadBalancer", ["192.0.2.50"], labels={"istio": "in"}),
      gslb("vs", [], ref=ref("VirtualService", "vs", "networking.istio.io/v1")))
# annotated Ingress
c.put("annotated", ingress("ann", host("ann"), ["192.0.2.60"], annotations={
          "k8gb.io/strategy": "failover", "k8gb.io/primary-geotag": "eu", "k8gb.io/dns-ttl-seconds": "12"}),
      ingress("annbad", host("annbad"), ["192.0.2.61"], annotations={
          "k8gb.io/strategy": "failover", "k8gb.io/dns-ttl-seconds": "12"}),
      ingress("annttl", host("annttl"), ["192.0.2.61"], annotations={
          "k8gb.io/strategy": "roundRobin", "k8gb.io/dns-ttl-seconds": "soon"}),
      ingress("plain", host("plain"), ["192.0.2.62"]))
# addresses
c.put("exposed", gslb("exp", host("exp"), ips="192.0.2.3,192.0.2.4"),
      gslb("expname", host("expname"), ips="192.0.2.5", annotations={"k8gb.io/exposed-hostnames": "lb.example.net,other.example.net"}),
      gslb("expalias", host("expalias"), annotations={"k8gb.io/exposed-hostnames": "alias.example.net"}),
      gslb("six", host("six"), ips="192.0.2.6,2001:db8::6"), gslb("noaddr", host("noaddr")),
      gslb("ttl0", host("ttl0"), ips=IP, dnsTtlSeconds=0), gslb("ttl", host("ttl"), ips=IP))
# health
c.put("health", gslb("any", host("any"), ips=IP, service=["app", "bad"], policy="Any"),
      gslb("all", host("all"), ips=IP, service=["app", "bad"], policy="All"),
      gslb("allok", host("allok"), ips=IP, service=["app", "app2"], policy="All"),
      gslb("nosvc", host("nosvc"), ips=IP, service="missing"), gslb("noslice", host("noslice"), ips=IP, service="none"),
      gslb("anymiss", host("anymiss"), ips=IP, service=["app", "missing"]),
      gslb("allmiss", host("allmiss"), ips=IP, service=["app", "missing"], policy="All"))
# names
LONG, TOO_LONG = "l" * 50, "m" * 60
c.put("names", gslb("mixed", [host("in1"), "www.example.org", "not" + ZONE, host("in1") + ".evil.org", host("in2")], ips=IP),
      gslb("long", host(LONG), ips=IP), gslb("toolong", [host(TOO_LONG), host("besidelong")], ips=IP),
      gslb("wild", "*." + host("wild"), ips=IP), gslb("upper", host("UPPER"), ips=IP),
      gslb("nested", f"x.in.{ZONE}", ips=IP),
      gslb("younger", host("claimed"), ips="192.0.2.91", created="2026-02-02T00:00:00Z"),
      gslb("older", host("claimed"), ips="192.0.2.90", created="2025-01-01T00:00:00Z", namespace="elsewhere", service="app"))
c.put("svc-elsewhere", *service("app", True, "elsewhere"))
# nonsense
c.put("bad", gslb("badstrategy", host("badstrategy"), "random", ips=IP),
      gslb("badweight", host("badweight"), ips=IP, weight={"eu": 1001}),
      gslb("weightfo", host("weightfo"), "failover", ips=IP, weight={"eu": 1}, primaryGeoTag="eu"),
      gslb("badip", host("badip"), ips="192.0.2.1,nonsense"), gslb("badip2", host("badip2"), ips="nonsense"),
      gslb("badttl", host("badttl"), ips=IP, dnsTtlSeconds=-5))
c.start()

for name, want, what in (
        ("new", [IP], "a Gslb of k8gb.io"), ("old", ["192.0.2.11"], "a Gslb of k8gb.absa.oss"),
        ("byname", ["192.0.2.20"], "an Ingress by name"),
        ("bylabel", ["192.0.2.21", "192.0.2.22"], "an Ingress by labels, with two addresses"),
        ("byexpr", ["192.0.2.23"], "an Ingress by matchExpressions"), ("lbname", ["192.0.2.77"], "a load balancer's host name"),
        ("svc", ["192.0.2.30"], "a LoadBalancer Service with k8gb.io/hostname"),
        ("httproute-v1", ["192.0.2.40"], "an HTTPRoute"), ("grpcroute-v1", ["192.0.2.40"], "a GRPCRoute"),
        ("tlsroute-v1", ["192.0.2.40"], "a TLSRoute v1"), ("tlsroute-v1alpha2", ["192.0.2.40"], "a TLSRoute v1alpha2"),
        ("tlsroute-v1alpha3", ["192.0.2.40"], "a TLSRoute v1alpha3"),
        ("tcproute-v1alpha2", ["192.0.2.40"], "a TCPRoute with k8gb.io/hostname"),
        ("udproute-v1alpha2", ["192.0.2.40"], "a UDPRoute with k8gb.io/hostname"),
        ("gwname", ["192.0.2.77"], "a Gateway whose address is a name"), ("vs", ["192.0.2.50"], "an Istio VirtualService"),
        ("ann", ["192.0.2.60"], "an annotated Ingress"),
        ("exp", ["192.0.2.3", "192.0.2.4"], "exposed-ip-addresses"),
        ("expname", ["192.0.2.77", "192.0.2.78"], "exposed-hostnames beat exposed-ip-addresses"),
        ("expalias", ["192.0.2.77"], "exposed-hostnames follow CNAMEs"), ("six", ["192.0.2.6"], "IPv4 beside IPv6"),
        ("any", [IP], "serviceHealthPolicy Any, one of two services is healthy"),
        ("all", [], "serviceHealthPolicy All, one of two services is healthy"),
        ("allok", [IP], "serviceHealthPolicy All, both are healthy"), ("nosvc", [], "no such Service"),
        ("noslice", [], "no EndpointSlice"), ("anymiss", [IP], "Any, one Service is missing"),
        ("allmiss", [], "All, one Service is missing"),
        ("in1", [IP], "hosts of one object, one outside the zones"), ("in2", [IP], "the same, behind it"),
        (LONG, [IP], "a first label of 50"), (TOO_LONG, [IP], "a first label of 60"), ("besidelong", [IP], "a host beside it"),
        ("a.wild", [IP], "a wildcard host"), ("b.a.wild", [IP], "a wildcard host, deeper"), ("upper", [IP], "a host in capitals"),
        ("x.in", [IP], "a host in a nested zone"), ("claimed", ["192.0.2.90"], "a host of two objects: the older has it")):
    right(c, host(name), want, f"{what}: {', '.join(want) or 'NODATA'}")
right(c, host("six"), ["2001:db8::6"], "IPv6 addresses become AAAA", "AAAA")
right(c, host(f"localtargets-{LONG}"), [IP], "localtargets of a first label of 50")
for name in ("plain", "twoa", "twob", "svcnohost", "svcclusterip", "annbad", "annttl", "badstrategy"):
    got = c.get(host(name))
    lib.ok(got in (["NXDOMAIN"], []), f"{name}: no answer", got)
for name in ("svc.example.org", "www.example.org", "not" + ZONE, host("in1") + ".evil.org"):
    lib.ok(c.get(name) == ["REFUSED"], f"{name} is outside the zones: REFUSED", c.get(name))
for name, ttl in (("ttl0", 30), ("ttl", 30), ("ann", 12)):
    r = c.ask(host(name))
    lib.ok(r.answer and r.answer[0].ttl == ttl, f"{name}: TTL {ttl}", r)
r = c.ask(f"none.in.{ZONE}")
lib.ok(r.authority and r.authority[0].name.to_text() == f"in.{ZONE}." and r.authority[0][0].minimum == 9,
       "the longest zone answers", r)
errors = c.process.text() + c.http("/api/v1/status")[1]
for name in ("nomatch", "twomatch", "nokind", "svcnohost", "svcclusterip", "annbad", "annttl", "badstrategy", "badweight",
             "badip", "badip2", "toolong", "noaddr", "younger", "svcoutside"):
    lib.ok(name in errors, f"{name}: its error is told", errors[-100:])
bad = c.metric('gslbd_object_errors{kind="Gslb"}') or c.metric('gslbd_object_errors{kind="gslb"}')
lib.ok(bad and bad >= 5, "errors are counted", c.ctl_run("metrics", "object_errors")[1])
got = c.get(host("badip"))
lib.ok(got in (["192.0.2.1"], [], ["NXDOMAIN"]), "one bad address never becomes 0.0.0.0", got)

# changes
edge.set("lb.example.net.", "A", "192.0.2.79")
c.put("refs2", ingress("late", host("late"), ["192.0.2.26"]), gslb("late", [], ref=ref("Ingress", "late")))
right(c, host("late"), ["192.0.2.26"], "an object added while running")
c.put("refs2", ingress("late", host("late"), ["192.0.2.27"]), gslb("late", [], ref=ref("Ingress", "late")))
right(c, host("late"), ["192.0.2.27"], "a load balancer's new address is seen at once")
c.put("refs2", ingress("late", host("later"), ["192.0.2.27"]), gslb("late", [], ref=ref("Ingress", "late")))
right(c, host("later"), ["192.0.2.27"], "a renamed host")
right(c, host("late"), ["NXDOMAIN"], "its old name is gone")
c.drop("refs2")
right(c, host("later"), ["NXDOMAIN"], "an object that was deleted")
c.put("bad", gslb("badstrategy", host("badstrategy"), "roundRobin", ips=IP))
right(c, host("badstrategy"), [IP], "a mended object")
c.put("svc-bad", *service("bad", True))
right(c, host("all"), [IP], "All: the other service becomes healthy")

# ZoneDelegation
zd = thing("k8gb.io/v1beta1", "ZoneDelegation", "late-example-org",
           {"loadBalancedZone": "late.example.org", "parentZone": "example.org", "dnsZoneNegTTL": 21}, namespace=None)
c.put("zone-host", gslb("zh", "app.late.example.org", ips=IP))
lib.ok(c.get("app.late.example.org") == ["REFUSED"], "before its ZoneDelegation: REFUSED")
c.put("zone", zd)
right(c, "app.late.example.org", [IP], "a ZoneDelegation makes the zone")
r = c.ask("none.late.example.org")
lib.ok(r.rcode() == 3 and r.authority[0][0].minimum == 21, "its dnsZoneNegTTL", r)
right(c, "late.example.org", ["gslb-ns-eu-late.example.org."], "its NS", "NS")
zd["spec"]["dnsZoneNegTTL"] = 22
c.put("zone", zd)
lib.ok(lib.wait_for(lambda: c.ask("none.late.example.org").authority[0][0].minimum == 22), "a changed dnsZoneNegTTL")
bad = thing("k8gb.io/v1beta1", "ZoneDelegation", "bad",
            {"loadBalancedZone": "late.example.com.evil", "parentZone": "example.com", "dnsZoneNegTTL": 21}, namespace=None)
c.put("zone-bad", bad)
lib.ok(lib.wait_for(lambda: "evil" in c.process.text() + c.http("/api/v1/status")[1]), "a bad ZoneDelegation is told")
lib.ok(c.get("app.late.example.com.evil") == ["REFUSED"], "and serves nothing")
c.drop("zone")
right(c, "app.late.example.org", ["REFUSED"], "a deleted ZoneDelegation: the zone is gone")
lib.ok(c.get(host("new")) == [IP], "the others are still there")
c.stop()
lib.done()
