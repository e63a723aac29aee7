"""What ExternalDNS does at each cloud beyond plain records: Cloudflare's proxied, comment, tags, host
names; Azure's metadata and ETags; Google's quota and routing policies; Hetzner's shared sets."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import clouds  # noqa: E402
import lib  # noqa: E402
from clouds import Case, endpoint  # noqa: E402
from fakes.azure import Azure  # noqa: E402
from fakes.cloudflare import Cloudflare  # noqa: E402
from fakes.google import Google  # noqa: E402

NEW, OLD = "external-dns.kubernetes.io/", "external-dns.alpha.kubernetes.io/"
TYPES = "--managed-record-types=A,AAAA,CNAME,NS,MX,SRV,TXT,CAA,DS,PTR"


def text(c):
    return "%s\nstatus %s\n%s" % (c.fake.dump(), c.status, c.log[-2500:])


def e(name, type, *targets, ttl=0, **props):
    o = {"dnsName": name, "recordType": type, "targets": list(targets),
         "providerSpecific": [{"name": k, "value": v} for k, v in props.items()]}
    return {**o, "recordTTL": ttl} if ttl else o


def prop(name, value, prefix=OLD):
    return {prefix + name: value}


def rest(c, sentence, *flags):
    c.fake.reset()
    c.once(TYPES, *flags)
    lib.ok(c.fake.writes() == [] and c.status == 0, sentence, "%s\n%s" % (c.fake.writes(), text(c)))


# --- Cloudflare ------------------------------------------------------------------------------------

def cf_records(c, name, type="A"):
    return [r for z in c.fake.records.values() for r in z.values() if r["name"] == name and r["type"] == type]


def cloudflare_records():
    c = Case("cloudflare", Cloudflare(plan="pro"))
    c.write("all", endpoint(
        "a", e("on.example.test", "A", "192.0.2.1", ttl=300, **prop("cloudflare-proxied", "true")),
        e("new.example.test", "A", "192.0.2.1", **prop("cloudflare-proxied", "true", NEW)),
        e("off.example.test", "A", "192.0.2.1", "192.0.2.2", ttl=300, **prop("cloudflare-proxied", "false")),
        e("garbage.example.test", "A", "192.0.2.1", **prop("cloudflare-proxied", "perhaps")),
        e("said.example.test", "A", "192.0.2.1", **prop("cloudflare-record-comment", "ours"), **prop("cloudflare-tags", "b:2,a:1")),
        e("low.example.test", "A", "192.0.2.1", ttl=5), e("example.test", "MX", "10 mail.example.test"),
        e("_sip._tcp.example.test", "SRV", "1 2 5060 sip.example.test."), e("example.test", "CAA", '0 issue "ca.test"'),
        e("del.example.test", "NS", "ns1.other.test", "ns2.other.test", ttl=30), e("txt.example.test", "TXT", "x" * 300),
        e("*.wild.example.test", "A", "192.0.2.1")))
    c.once(TYPES)
    on = cf_records(c, "on.example.test")[0]
    lib.ok(on["proxied"] and on["ttl"] == 1, "cloudflare: the annotation proxies a record, its TTL is automatic", text(c))
    lib.ok(cf_records(c, "new.example.test")[0]["proxied"], "cloudflare: so does the annotation of the other prefix", text(c))
    lib.ok(all(not r["proxied"] and r["ttl"] == 300 for r in cf_records(c, "off.example.test")) and
           len(cf_records(c, "off.example.test")) == 2 and not cf_records(c, "garbage.example.test")[0]["proxied"],
           "cloudflare: false and garbage do not", text(c))
    said = cf_records(c, "said.example.test")[0]
    lib.ok(said["comment"] == "ours" and said["tags"] == ["a:1", "b:2"], "cloudflare: comment and tags are written", said)
    lib.ok(cf_records(c, "low.example.test")[0]["ttl"] == 60, "cloudflare: a TTL below the zone's least is raised", text(c))
    lib.ok(cf_records(c, "example.test", "MX")[0]["priority"] == 10 and cf_records(c, "_sip._tcp.example.test", "SRV") and
           cf_records(c, "example.test", "CAA") and len(cf_records(c, "del.example.test", "NS")) == 2 and
           cf_records(c, "txt.example.test", "TXT") and cf_records(c, "*.wild.example.test"),
           "cloudflare: all types are written", text(c))
    rest(c, "cloudflare: all is read back as it was wished")
    off = cf_records(c, "off.example.test")[1]
    off["proxied"], off["ttl"] = True, 1
    cf_records(c, "on.example.test")[0]["comment"] = "written by hand"
    c.fake.reset()
    c.once(TYPES)
    lib.ok(all(not r["proxied"] for r in cf_records(c, "off.example.test")), "cloudflare: one of two records that differs is mended", text(c))
    lib.ok(cf_records(c, "on.example.test")[0]["comment"] == "written by hand", "cloudflare: a comment written by hand stays", text(c))
    ids = {r["id"] for r in cf_records(c, "on.example.test")}
    c.write("all", endpoint("a", e("on.example.test", "A", "192.0.2.77")))
    c.once(TYPES, "--cloudflare-proxied", "--cloudflare-record-comment=" + "c" * 600, "--mass-delete-share=100")
    r = cf_records(c, "on.example.test")[0]
    lib.ok(r["content"] == "192.0.2.77" and {r["id"]} == ids and r["proxied"] and len(r["comment"]) == 500,
           "cloudflare: a new value keeps the record's id; a long comment is cut", r)
    rest(c, "cloudflare: and is at rest", "--cloudflare-proxied", "--cloudflare-record-comment=" + "c" * 600)
    c.fake.stop()


def cloudflare_hosts():
    c = Case("cloudflare")
    flags = ["--cloudflare-custom-hostnames", "--cloudflare-custom-hostnames-min-tls-version=1.2",
             "--cloudflare-regional-services", "--cloudflare-region-key=eu"]
    c.write("all", endpoint("a", e("www.example.test", "A", "192.0.2.1", **prop("cloudflare-custom-hostname", "b.customer.test, a.customer.test")),
                            e("www.example.test", "AAAA", "2001:db8::1"),
                            e("us.example.test", "A", "192.0.2.1", **prop("cloudflare-region-key", "us"))))
    c.once(*flags)
    custom = {h["hostname"]: h for z in c.fake.custom.values() for h in z.values()}
    lib.ok(sorted(custom) == ["a.customer.test", "b.customer.test"] and
           all(h["custom_origin_server"] == "www.example.test" and h["ssl"]["settings"]["min_tls_version"] == "1.2" and
               "certificate_authority" not in h["ssl"] for h in custom.values()),
           "cloudflare: custom hostnames lead to the record", "%s\n%s" % (custom, text(c)))
    lib.ok(list(c.fake.regions.values())[0] == {"www.example.test": "eu", "us.example.test": "us"},
           "cloudflare: regional hostnames by flag and annotation", c.fake.regions)
    rest(c, "cloudflare: host names are at rest", *flags)
    c.write("all", endpoint("a", e("www.example.test", "A", "192.0.2.2", **prop("cloudflare-custom-hostname", "c.customer.test")),
                            e("www.example.test", "AAAA", "2001:db8::1", **prop("cloudflare-region-key", "jp")),
                            e("us.example.test", "A", "192.0.2.1", **prop("cloudflare-region-key", "us"))))
    c.once(*flags, TYPES)
    lib.ok([h["hostname"] for z in c.fake.custom.values() for h in z.values()] == ["c.customer.test"],
           "cloudflare: custom hostnames follow the object", text(c))
    c.write("all", endpoint("a", e("us.example.test", "A", "192.0.2.1", **prop("cloudflare-region-key", "us"))))
    c.once(*flags, "--mass-delete-share=100")
    lib.ok(not any(c.fake.custom.values()) and list(c.fake.regions.values())[0] == {"us.example.test": "us"},
           "cloudflare: and go with the record", "%s %s\n%s" % (c.fake.custom, c.fake.regions, text(c)))
    # without the flags they are nobody's business
    c.write("all", endpoint("a", e("us.example.test", "A", "192.0.2.9", **prop("cloudflare-custom-hostname", "x.customer.test"))))
    c.once()
    lib.ok(not any(c.fake.custom.values()) and c.records("A") == {("A", "us.example.test"): {"192.0.2.9"}},
           "cloudflare: without the flag there are no custom hostnames", text(c))
    c.fake.stop()


def cloudflare_batches():
    c = Case("cloudflare")
    c.write("all", endpoint("m", *[e("n%d.example.test" % i, "A", "192.0.2.1", ttl=300) for i in range(120)],
                            e("bad.example.test", "A", "192.0.2.1", ttl=300, **prop("cloudflare-proxied", "true"))))
    c.fake.refuse = "bad.example.test"
    c.once("--batch-change-size=50", "--batch-change-interval=0s")
    posts = [json.loads(w[2]) for w in c.fake.writes() if w[1].endswith("/batch")]
    size = [sum(len(p[k]) for k in p) for p in posts]
    lib.ok(max(size) <= 50 and len(c.records("A")) == 120 and not any("bad" in n for _, n in c.records()),
           "cloudflare: batches keep their size, a refused record fails alone without its TXT", "%s\n%s" % (size, text(c)[-2500:]))
    c.fake.reset()
    c.write("all", endpoint("m", *[e("n%d.example.test" % i, "A", "192.0.2.2", ttl=300) for i in range(120)]))
    c.once("--batch-change-interval=0s")
    lib.ok(len([w for w in c.fake.writes()]) <= 2 and all(v == {"192.0.2.2"} for v in c.records("A").values()),
           "cloudflare: 120 changed values take at most two calls", len(c.fake.writes()))
    c.fake.stop()
    c = Case("cloudflare", Cloudflare(has_batch=False))
    c.put("one", "192.0.2.1")
    c.once()
    c.put("one", "192.0.2.2")
    c.once()
    lib.ok(c.records("A") == {("A", "one.example.test"): {"192.0.2.2"}}, "cloudflare: without a batch call, one by one", text(c))
    c.fake.stop()


def zone_filters():
    for kind, fake, flag in (("cloudflare", lambda: Cloudflare(zones=("example.test", "sub.example.test", "other.test")), "--zone-id-filter=%032x" % 1),
                             ("google", lambda: Google(zones=("example.test", "sub.example.test", "other.test")), "--zone-id-filter=" + str(699036609868956548)),
                             ("azure", lambda: Azure(zones=("example.test", "sub.example.test", "other.test")), "--zone-id-filter=dnszones/example.test")):
        c = Case(kind, fake())
        hosts = {"a": "a.example.test", "b": "b.sub.example.test", "c": "c.other.test"}
        for n in hosts:
            c.put(n, "192.0.2.1", host=hosts[n])
        c.once("--domain-filter=other.test")
        store = c.fake.records if kind == "cloudflare" else c.fake.sets
        count = [len(z) for z in store.values()]
        lib.ok(count == [2, 2, 2], "%s: the zone with the longest name takes a record" % kind, "%s\n%s" % (count, text(c)))
        c.put("c", "192.0.2.2", host="c.other.test")
        c.put("a", "192.0.2.2", host="a.example.test")
        c.once("--domain-filter=other.test", flag)
        r = c.records("A")
        lib.ok(r[("A", "a.example.test")] == {"192.0.2.2"} and r[("A", "c.other.test")] == {"192.0.2.1"},
               "%s: --zone-id-filter leaves other zones alone" % kind, text(c))
        c.fake.stop()


# --- Azure -----------------------------------------------------------------------------------------

def azure():
    c = Case("azure")
    c.write("all", endpoint("a", e("tag.example.test", "A", "192.0.2.1", **{"azure/tags": "team=web, env = prod"}),
                            e("plain.example.test", "A", "192.0.2.1"), e("del.example.test", "NS", "ns1.other.test"),
                            e("example.test", "MX", "10 mail.example.test"), e("_s._tcp.example.test", "SRV", "1 2 3 h.example.test."),
                            e("example.test", "CAA", '0 issue "ca.test"'), e("*.w.example.test", "A", "192.0.2.1"),
                            e("txt.example.test", "TXT", "y" * 300)))
    c.once(TYPES)
    sets = c.fake.sets["example.test"]
    lib.ok(sets[("tag", "A")]["properties"].get("metadata") == {"team": "web", "env": "prod"}, "azure: tags become metadata", text(c))
    lib.ok(all(k in sets for k in [("del", "NS"), ("@", "MX"), ("_s._tcp", "SRV"), ("@", "CAA"), ("*.w", "A")]) and
           sets[("@", "CAA")]["properties"]["caaRecords"] == [{"flags": 0, "tag": "issue", "value": "ca.test"}],
           "azure: all types are written", text(c))
    rest(c, "azure: all is read back as it was wished")
    sets[("plain", "A")]["properties"]["metadata"] = {"by": "hand"}
    sets[("alias", "A")] = {"id": "x", "name": "alias", "type": "Microsoft.Network/dnszones/A", "etag": "z1",
                            "properties": {"TTL": 60, "fqdn": "alias.example.test.", "targetResource": {"id": "/subscriptions/s/x"}}}
    c.write("more", endpoint("b", e("alias.example.test", "A", "192.0.2.9")))
    c.write("all", endpoint("a", e("plain.example.test", "A", "192.0.2.2")))
    c.once(TYPES, "--mass-delete-share=100")
    lib.ok(sets[("plain", "A")]["properties"].get("metadata") == {"by": "hand"} and
           sets[("plain", "A")]["properties"]["ARecords"] == [{"ipv4Address": "192.0.2.2"}],
           "azure: metadata written by hand stays", sets[("plain", "A")])
    lib.ok("ARecords" not in sets[("alias", "A")]["properties"], "azure: an alias set of somebody else is left alone", text(c))
    # the set changes between our look and our write
    real, state = c.fake.handle, {"done": False}

    def race(method, path, query, headers, body):
        if method == "PUT" and "/A/plain" in path and not state["done"]:
            state["done"] = True
            sets[("plain", "A")]["etag"] = "other"
        return real(method, path, query, headers, body)
    c.fake.handle = race
    c.write("all", endpoint("a", e("plain.example.test", "A", "192.0.2.3")))
    c.fake.reset()
    c.once(TYPES)
    lib.ok("PreconditionFailed" in c.log and sets[("plain", "A")]["properties"]["ARecords"] == [{"ipv4Address": "192.0.2.3"}],
           "azure: 412 leads to another look, then to the change", text(c))
    c.fake.stop()


def azure_private():
    c = Case("azure-private")
    c.write("all", endpoint("a", e("tag.example.test", "A", "192.0.2.1", **{"azure/tags": "team=web"})))
    c.once(TYPES)
    sets = c.fake.sets["example.test"]
    lib.ok(sets[("tag", "A")]["properties"].get("metadata") == {"team": "web"}, "azure-private: tags become metadata", text(c))
    rest(c, "azure-private: and are at rest")
    c.fake.stop()


# --- Google ----------------------------------------------------------------------------------------

def google():
    c = Case("google")
    c.fake.quota = 7
    c.write("all", endpoint("a", *[e("n%d.example.test" % i, "A", "192.0.2.1") for i in range(20)],
                            e("example.test", "MX", "10 mail.example.test"), e("del.example.test", "NS", "ns1.other.test"),
                            e("_s._tcp.example.test", "SRV", "1 2 3 h.example.test."), e("example.test", "CAA", '0 issue "ca.test"'),
                            e("t.example.test", "TXT", 'say "hi" ' + "z" * 300), e("*.w.example.test", "A", "192.0.2.1")))
    c.once(TYPES, "--google-batch-change-interval=0s")
    lib.ok(len(c.records("A")) == 21 and c.status == 0, "google: the project's quota bounds a change", text(c))
    rest(c, "google: all is read back as it was wished", "--google-batch-change-interval=0s")
    policy = {"wrr": {"items": [{"weight": 1.0, "rrdatas": ["203.0.113.1"]}, {"weight": 2.0, "rrdatas": ["203.0.113.2"]}]}}
    c.fake.sets["example-test"][("geo.example.test.", "A")] = {"kind": "dns#resourceRecordSet", "name": "geo.example.test.",
                                                               "type": "A", "ttl": 60, "routingPolicy": policy}
    c.write("more", endpoint("b", e("geo.example.test", "A", "192.0.2.9"), e("free.example.test", "A", "192.0.2.9")))
    c.once(TYPES, "--google-batch-change-interval=0s")
    lib.ok(c.fake.sets["example-test"][("geo.example.test.", "A")].get("routingPolicy") == policy and
           ("A", "free.example.test") in c.records("A") and c.status == 0,
           "google: a set with a routing policy is somebody else's", text(c))
    # a foreign hand changes the set between our look and our write
    real, state = c.fake.handle, {"done": False}

    def race(method, path, query, headers, body):
        if method == "POST" and path.endswith("/changes") and not state["done"]:
            state["done"] = True
            c.fake.sets["example-test"][("free.example.test.", "A")]["rrdatas"] = ["203.0.113.9"]
        return real(method, path, query, headers, body)
    c.fake.handle = race
    c.write("more", endpoint("b", e("free.example.test", "A", "192.0.2.10")))
    c.fake.reset()
    c.once(TYPES, "--google-batch-change-interval=0s")
    lib.ok("412" in c.log and c.records("A")[("A", "free.example.test")] == {"192.0.2.10"},
           "google: 412 leads to another look, then to the change", text(c))
    c.fake.stop()
    c = Case("google", Google(zones=("example.test",)))
    c.fake.visibility["example-test"] = "private"
    c.put("a", "192.0.2.1")
    c.once("--google-zone-visibility=public")
    lib.ok(c.records("A") == {}, "google: --google-zone-visibility leaves the other zones out", text(c))
    c.once("--google-zone-visibility=private")
    lib.ok(c.records("A") != {}, "google: and takes its own", text(c))
    c.fake.stop()


# --- Hetzner ---------------------------------------------------------------------------------------

def hetzner():
    c = Case("hetzner")
    c.write("all", endpoint("a", e("example.test", "MX", "10 mail.example.test"), e("del.example.test", "NS", "ns1.other.test"),
                            e("_s._tcp.example.test", "SRV", "1 2 3 h.example.test."), e("example.test", "CAA", '0 issue "ca.test"'),
                            e("del.example.test", "DS", "12345 13 2 " + "ab" * 32), e("low.example.test", "A", "192.0.2.1", ttl=5),
                            e("t.example.test", "TXT", 'say "hi" ' + "z" * 300), e("*.w.example.test", "A", "192.0.2.1"),
                            e("two.example.test", "A", "192.0.2.1")))
    c.once(TYPES)
    lib.ok(c.status == 0 and len(c.records()) >= 16, "hetzner: all types are written", text(c))
    rest(c, "hetzner: all is read back as it was wished")
    sets = list(c.fake.sets.values())[0]
    real, state = c.fake.handle, {"done": False}

    def race(method, path, query, headers, body):
        if method == "POST" and "/del/NS/" in path and not state["done"]:
            state["done"] = True
            sets[("del", "NS")]["records"].append("ns9.foreign.test.")
        return real(method, path, query, headers, body)
    c.fake.handle = race
    c.write("all", endpoint("a", e("del.example.test", "NS", "ns1.other.test", "ns2.other.test"), e("two.example.test", "A", "192.0.2.1", ttl=600)))
    c.once(TYPES, "--mass-delete-share=100", "--interval=1h")
    lib.ok(state["done"] and set(sets[("del", "NS")]["records"]) == {"ns1.other.test.", "ns2.other.test.", "ns9.foreign.test."},
           "hetzner: a set gains a value and keeps what came in between", sets[("del", "NS")])
    lib.ok(sets[("two", "A")]["ttl"] == 600, "hetzner: a TTL changes alone", text(c))
    c.fake.stop()
    c = Case("hetzner")
    c.write("all", endpoint("a", e("tag.example.test", "A", "192.0.2.1", **{"webhook/hetzner-label-team": "web"}),
                            e("plain.example.test", "A", "192.0.2.1")))
    c.once()
    sets = list(c.fake.sets.values())[0]
    lib.ok(sets[("tag", "A")]["labels"] == {"team": "web"}, "hetzner: a label is written with its set", text(c))
    rest(c, "hetzner: and is at rest")
    sets[("plain", "A")]["labels"] = {"by": "hand"}
    c.write("all", endpoint("a", e("tag.example.test", "A", "192.0.2.1", **{"webhook/hetzner-label-team": "dns", "webhook/hetzner-label-env": "prod"}),
                            e("plain.example.test", "A", "192.0.2.2")))
    c.once()
    lib.ok(sets[("tag", "A")]["labels"] == {"team": "dns", "env": "prod"} and sets[("tag", "A")]["records"] == ["192.0.2.1"],
           "hetzner: labels change alone", text(c))
    lib.ok(sets[("plain", "A")]["labels"] == {"by": "hand"} and sets[("plain", "A")]["records"] == ["192.0.2.2"],
           "hetzner: a label written by hand stays", text(c))
    rest(c, "hetzner: labels are at rest")
    c.fake.stop()
    c = Case("hetzner")
    c.env["HCLOUD_ENDPOINT"] = "https://dns.hetzner.com/api/v1"
    c.once()
    lib.ok(c.status == 2 and "shut down" in c.log, "hetzner: the old API is refused with a pointer to the new", text(c))
    c.fake.stop()


for name, f in (("cloudflare", cloudflare_records), ("cloudflare", cloudflare_hosts), ("cloudflare", cloudflare_batches),
                ("zones", zone_filters), ("azure", azure), ("azure", azure_private), ("google", google), ("hetzner", hetzner)):
    if len(sys.argv) < 2 or name in sys.argv[1:]:
        f()
lib.done()
