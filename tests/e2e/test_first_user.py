"""The first user's command line, unchanged, over the objects of that deployment, at each of five
clouds; what ExternalDNS 0.14 left is taken over; two regions delegate one zone in one parent."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import clouds  # noqa: E402
import lib  # noqa: E402
from clouds import Case  # noqa: E402

GATEWAY = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: infra}
spec:
  gatewayClassName: cilium
  listeners:
    - {name: http, protocol: HTTP, port: 80, allowedRoutes: {namespaces: {from: All}}}
status:
  addresses: [{type: IPAddress, value: 192.0.2.80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec:
  parentRefs: [{name: public, namespace: infra}]
  hostnames: [api.example.test]
status:
  parents:
    - parentRef: {name: public, namespace: infra}
      controllerName: io.cilium/gateway-controller
      conditions: [{type: Accepted, status: "True", reason: Accepted, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: grpc, namespace: shop}
spec:
  parentRefs: [{name: public, namespace: infra}]
  hostnames: [grpc.example.test]
status:
  parents:
    - parentRef: {name: public, namespace: infra}
      controllerName: io.cilium/gateway-controller
      conditions: [{type: Accepted, status: "True", reason: Accepted, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]
"""
LINE = ["--source=gateway-httproute", "--source=gateway-grpcroute", "--source=service"]
TAIL = ["--txt-owner-id=openova", "--txt-prefix=_externaldns."]


def line(kind):
    return [*LINE, "--provider=" + kind, *(["--cloudflare-proxied"] if kind == "cloudflare" else []), *TAIL]


def heritage(resource):
    return '"heritage=external-dns,external-dns/owner=openova,external-dns/resource=%s"' % resource


def seed_of_014(c):
    """The zone as ExternalDNS 0.14 leaves it for the same objects: legacy and typed TXT."""
    for name, resource, target in (("api", "httproute/shop/api", "192.0.2.80"), ("grpc", "grpcroute/shop/grpc", "192.0.2.80"),
                                   ("web", "service/shop/web", "192.0.2.10")):
        more = {"proxied": True} if c.kind == "cloudflare" else {}
        ttl = {} if c.kind == "cloudflare" else {"ttl": 120 if name == "web" else 300}
        c.fake.seed("A", name + ".example.test", target, **ttl, **more)
        for txt in ("_externaldns.%s.example.test", "_externaldns.a-%s.example.test"):
            c.fake.seed("TXT", txt % name, heritage(resource))


def whole(c):
    """Every record of the zone as (type, name, value), quotes aside."""
    return {(t, n, v.strip('"').rstrip(".")) for t, n, v in c.fake.dump()}


def owned(type, name, target, resource):
    """A record and the TXT that ExternalDNS writes with it."""
    return {(type, name, target), ("TXT", "_externaldns.%s-%s" % (type.lower(), name), heritage(resource).strip('"'))}


def text(c):
    return "%s\n%s" % (c.fake.dump(), c.log[-3000:])


def settled(c, condition, *args, env=None, name=None):
    """Run until CONDITION holds and the program has been through a pass; stop it."""
    p = c.start(*args, env=env, name=name)
    good = lib.wait_for(condition, 30)
    status = p.stop()
    c.log = p.text()
    return good and status == 0


def fresh(kind):
    c = Case(kind)
    c.write("gateway", GATEWAY)
    c.put("web", "192.0.2.10")
    want = {("A", n + ".example.test"): {v} for n, v in (("api", "192.0.2.80"), ("grpc", "192.0.2.80"), ("web", "192.0.2.10"))}
    good = settled(c, lambda: c.records("A") == want and len(c.records("TXT")) == 3, *line(kind))
    lib.ok(good, "%s: the line starts and its objects become records" % kind, text(c))
    lib.ok(c.records("TXT").get(("TXT", "_externaldns.a-api.example.test")) == {heritage("httproute/shop/api").strip('"')},
           "%s: ownership stands at _externaldns.a-api" % kind, text(c))
    lib.ok(whole(c) == owned("A", "api.example.test", "192.0.2.80", "httproute/shop/api") |
           owned("A", "grpc.example.test", "192.0.2.80", "grpcroute/shop/grpc") |
           owned("A", "web.example.test", "192.0.2.10", "service/shop/web"),
           "%s: record for record, TXT included, the zone is what ExternalDNS leaves" % kind, text(c))
    if kind == "cloudflare":
        a = [r for z in c.fake.records.values() for r in z.values() if r["type"] == "A"]
        lib.ok(all(r["proxied"] and r["ttl"] == 1 for r in a), "cloudflare: addresses are proxied, TTL automatic", a)
    c.fake.stop()


def takeover(kind):
    c = Case(kind)
    c.write("gateway", GATEWAY)
    c.put("web", "192.0.2.10")
    seed_of_014(c)
    c.fake.seed("A", "hand.example.test", "203.0.113.9")
    before = c.fake.dump()
    p = c.start(*line(kind), "--once")
    p.wait(60)
    c.log = p.text()
    lib.ok(c.fake.writes() == [] and c.fake.dump() == before, "%s: the zone of 0.14 is taken over without a write" % kind,
           "%s\n%s" % (c.fake.writes(), text(c)))
    c.put("web", "192.0.2.11")
    p = c.start(*line(kind), "--once")
    p.wait(60)
    c.log = p.text()
    left = {x: y for x, y in c.records().items() if x != ("A", "web.example.test")}
    lib.ok(c.records("A").get(("A", "web.example.test")) == {"192.0.2.11"} and
           ("TXT", "_externaldns.web.example.test") in left and ("A", "hand.example.test") in left,
           "%s: and is changed by its owner from then on, others untouched" % kind, text(c))
    c.fake.stop()


def regions(kind):
    c = Case(kind)
    c.fake.seed("A", "foreign.example.test", "203.0.113.7")
    env = {"EXT_GSLB_CLUSTERS_GEO_TAGS": "", "DNS_ZONES": "example.test:gslb.example.test:30",
           "EDGE_DNS_SERVERS": "127.0.0.1:9"}
    hosts = {"eu": "gslb-ns-eu-gslb.example.test", "us": "gslb-ns-us-gslb.example.test"}
    address = {"eu": "192.0.2.1", "us": "192.0.2.2"}
    both = []
    for tag, other in (("eu", "us"), ("us", "eu")):
        both.append(c.start(*line(kind), name=tag, env={**env, "CLUSTER_GEO_TAG": tag, "EXT_GSLB_CLUSTERS_GEO_TAGS": other,
                                                        "CLUSTER_EXPOSED_IPS": address[tag]}))

    def delegated():
        r = c.records("A", "NS")
        return r.get(("NS", "gslb.example.test")) == set(hosts.values()) and all(
            r.get(("A", hosts[t])) == {address[t]} for t in hosts)

    good = lib.wait_for(delegated, 60)
    alive = [p.alive() for p in both]
    c.log = "\n".join(p.text()[-2500:] for p in both)
    lib.ok(good and all(alive), "%s: both regions stand in the parent's delegation with their addresses" % kind, text(c))
    for p in both:
        p.stop()
    zone = whole(c)
    records = {r for r in zone if r[0] != "TXT"}
    lib.ok(records == {("NS", "gslb.example.test", h) for h in hosts.values()} |
           {("A", hosts[t], address[t]) for t in hosts} | {("A", "foreign.example.test", "203.0.113.7")},
           "%s: the parent holds the delegation of both and nothing else" % kind, text(c))
    txt = [v for t, n, v in zone if t == "TXT" and n.startswith("_externaldns.gslbd-")]
    shares = [(t, record, target) for t in hosts for record, target in
              (("gslb.example.test", hosts[t]), (hosts[t], address[t]))]
    lib.ok(len(txt) == 4 == len([r for r in zone if r[0] == "TXT"]) and
           all(any("gslbd/cluster=%s," % t in v and "gslbd/owner=openova" in v and "gslbd/record=%s,gslbd/target=%s," % (r, a) in v
                   for v in txt) for t, r, a in shares) and not any("external-dns" in v for v in txt),
           "%s: each region owns its share, in words that ExternalDNS does not take for its own" % kind, text(c))
    c.fake.reset()
    p = c.start(*line(kind), "--once", name="eu", env={**env, "CLUSTER_GEO_TAG": "eu", "EXT_GSLB_CLUSTERS_GEO_TAGS": "us",
                                                       "CLUSTER_EXPOSED_IPS": address["eu"]})
    p.wait(60)
    c.log = p.text()
    lib.ok(c.fake.writes() == [] and delegated(), "%s: a region that starts again writes nothing" % kind,
           "%s\n%s" % (c.fake.writes(), text(c)))
    lib.ok(c.records("A").get(("A", "foreign.example.test")) == {"203.0.113.7"}, "%s: a foreign record stays" % kind)
    c.fake.stop()


for kind in clouds.CLOUDS:
    if len(sys.argv) < 2 or kind in sys.argv[1:]:
        fresh(kind)
        takeover(kind)
        regions(kind)
lib.done()
