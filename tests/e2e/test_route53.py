"""Route 53 by others' judgement: botocore's service model reads every request and answer and signs
the same; moto's server (MOTO_SERVER=PROGRAM, else left out) is a second service that was not written
here; then what ExternalDNS does there: aliases, routing policies, several zones, batches, tags."""
import os
import re
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(__file__))
import clouds  # noqa: E402
import lib  # noqa: E402
from clouds import Case, endpoint  # noqa: E402
from fakes.route53 import Route53, get  # noqa: E402

try:
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    import botocore.parsers
    import botocore.session
    import botocore.validate
except ImportError:
    print("python3-botocore is not there")
    sys.exit(77)

MODEL = botocore.session.get_session().get_service_model("route53")
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Judged(Route53):
    """A fake that has botocore judge whatever it is asked."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.bad, self.judged = [], 0

    def handle(self, method, path, query, headers, body):
        try:
            self.judge(method, headers, body)
        except Exception as e:  # the judge's words are the finding
            self.bad.append("%s %s: %s" % (method, path, e))
        return super().handle(method, path, query, headers, body)

    def judge(self, method, headers, body):
        self.judged += 1
        url = self.url + self.requests[-1][1]
        request = botocore.awsrequest.AWSRequest(method, url, data=body.encode() if body else b"")
        auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(KEY, SECRET), "route53", "us-east-1")
        request.context["timestamp"] = headers["X-Amz-Date"]
        request.headers["X-Amz-Date"] = headers["X-Amz-Date"]
        request.headers["Host"] = headers["Host"]
        signed = re.search(r"SignedHeaders=([^,]+)", headers["Authorization"])[1]
        auth.headers_to_sign = lambda r: headers_of(r, signed)
        text = auth.string_to_sign(request, auth.canonical_request(request))
        want, have = auth.signature(text, request), re.search(r"Signature=(\w+)", headers["Authorization"])[1]
        if want != have:
            raise ValueError("signature %s, not %s" % (have, want))
        if not body:
            return
        root = ET.fromstring(body)
        name = re.sub(r"\{.*\}|Request$", "", root.tag)
        shape = MODEL.operation_model(name).input_shape
        parser = botocore.parsers.RestXMLParser()
        parsed = parser._parse_shape(shape, root)
        if name.startswith("Change"):
            parsed.setdefault("HostedZoneId", "Z1")
        if name.startswith("ListTags"):
            parsed.setdefault("ResourceType", "hostedzone")
        report = botocore.validate.ParamValidator().validate(parsed, shape)
        if report.has_errors():
            raise ValueError(report.generate_report())
        in_order(root, shape)


def headers_of(request, signed):
    import http.client
    m = http.client.HTTPMessage()
    for name in signed.split(";"):
        m[name] = request.headers[name]
    return m


def in_order(node, shape):
    """Elements come in the order of the schema, none is unknown."""
    if shape.type_name == "list":
        for child in node:
            in_order(child, shape.member)
    elif shape.type_name == "structure":
        names = [m.serialization.get("name", n) for n, m in shape.members.items()]
        at = -1
        for child in node:
            tag = re.sub(r"\{.*\}", "", child.tag)
            if tag == "GeoProximityLocation" and tag not in names:
                continue  # younger than this model; last by the API's reference
            if tag not in names or names.index(tag) < at:
                raise ValueError("<%s> out of place in <%s>" % (tag, node.tag))
            at = names.index(tag)
            in_order(child, list(shape.members.values())[at])


def case(**kw):
    c = Case("aws", Judged(**kw))
    c.env["AWS_ACCESS_KEY_ID"], c.env["AWS_SECRET_ACCESS_KEY"] = KEY, SECRET
    return c


def text(c):
    return "%s\nstatus %s\n%s" % (c.fake.dump(), c.status, c.log[-2500:])


def sets(c, zone=0):
    return list(c.fake.sets.values())[zone]


FAST = ["--aws-batch-change-interval=0s", "--managed-record-types=A,AAAA,CNAME,NS,MX,SRV,TXT,CAA,DS,PTR,NAPTR"]


def policies():
    c = case()
    aws = {"weight": [("aws/weight", "10")], "region": [("aws/region", "eu-central-1")],
           "failover": [("aws/failover", "PRIMARY"), ("aws/health-check-id", "hc-1")],
           "country": [("aws/geolocation-country-code", "US"), ("aws/geolocation-subdivision-code", "CA")],
           "continent": [("aws/geolocation-continent-code", "EU")], "multi": [("aws/multi-value-answer", "true")],
           "near": [("aws/geoproximity-region", "us-east-1"), ("aws/geoproximity-bias", "10")]}
    objects = []
    for name, props in aws.items():
        for k, setid in enumerate(("one", "two")):
            p = [(n, "SECONDARY" if v == "PRIMARY" and k else "US" if v == "EU" and k else
                  "NY" if v == "CA" and k else "us-east-2" if v.startswith("us-east-1") and k else
                  "us-west-1" if v == "eu-central-1" and k else v) for n, v in props]
            p = [("aws/geolocation-continent-code", "AS") if n.endswith("continent-code") and v == "US" else (n, v) for n, v in p]
            objects.append({"dnsName": name + ".example.test", "recordType": "A", "targets": ["192.0.2.%d" % (k + 1)],
                            "recordTTL": 60, "setIdentifier": setid,
                            "providerSpecific": [{"name": n, "value": v} for n, v in p]})
    c.write("policies", endpoint("p", *objects))
    c.once(*FAST)
    lib.ok(c.status == 0 and len([k for k in sets(c) if k[1] == "A"]) == 14, "aws: every routing policy is written", text(c))
    s = sets(c).get(("failover.example.test", "A", "two"), [])
    lib.ok(get(s, "Failover") == "SECONDARY" and get(s, "HealthCheckId") == "hc-1", "aws: failover with its health check", s)
    txt = sets(c).get(("_externaldns.a-weight.example.test", "TXT", "one"), [])
    lib.ok(get(txt, "Weight") == "10", "aws: a weighted record's TXT is weighted alike", text(c))
    c.fake.reset()
    c.once(*FAST)
    lib.ok(c.fake.writes() == [], "aws: policies at rest write nothing", c.fake.writes())
    for o in objects:
        if o["dnsName"].startswith("weight"):
            o["providerSpecific"] = [{"name": "aws/region", "value": "eu-west-%d" % (1 + (o["setIdentifier"] == "two"))}]
        if o["dnsName"].startswith("region"):
            o["setIdentifier"] += "-new"
    c.write("policies", endpoint("p", *objects))
    c.once(*FAST, "--mass-delete-share=100")
    s = sets(c).get(("weight.example.test", "A", "one"), [])
    lib.ok(get(s, "Region") == "eu-west-1" and get(s, "Weight") is None, "aws: another policy takes a policy's place", text(c))
    lib.ok({k[2] for k in sets(c) if k[:2] == ("region.example.test", "A")} == {"one-new", "two-new"},
           "aws: another set identifier takes a set's place", text(c))
    lib.ok(c.fake.bad == [] and c.fake.judged > 5, "aws: botocore agrees with every request", "\n".join(c.fake.bad[:10]))
    c.fake.stop()


def aliases():
    c = case()
    elb = "lb-1.eu-central-1.elb.amazonaws.com"
    c.put("web", elb)
    c.write("more", endpoint(
        "m", {"dnsName": "apex-alias.example.test", "recordType": "CNAME", "targets": ["web.example.test"],
              "providerSpecific": [{"name": "alias", "value": "true"}]},
        {"dnsName": "example.test", "recordType": "CNAME", "targets": [elb]},
        {"dnsName": "*.wild.example.test", "recordType": "A", "targets": ["192.0.2.4"]},
        {"dnsName": "example.test", "recordType": "MX", "targets": ["10 mail.example.test"]},
        {"dnsName": "_sip._tcp.example.test", "recordType": "SRV", "targets": ["1 2 5060 sip.example.test."]},
        {"dnsName": "example.test", "recordType": "CAA", "targets": ['0 issue "ca.test"']},
        {"dnsName": "del.example.test", "recordType": "NS", "targets": ["ns1.other.test", "ns2.other.test"]},
        {"dnsName": "del.example.test", "recordType": "DS", "targets": ["12345 13 2 " + "ab" * 32]},
        {"dnsName": "long.example.test", "recordType": "TXT", "targets": ["x" * 300]},
        {"dnsName": "t.example.test", "recordType": "TXT", "targets": ['say "hi" \\ there']}))
    c.once(*FAST)
    a, aaaa = (get(sets(c).get(("web.example.test", t, ""), []), "AliasTarget") for t in ("A", "AAAA"))
    lib.ok(a and aaaa and get(a, "HostedZoneId") == "Z215JYRZR1TBD5" and get(a, "DNSName").rstrip(".") == elb and
           get(a, "EvaluateTargetHealth") == "true", "aws: a load balancer's name becomes A and AAAA aliases", text(c))
    own = get(sets(c).get(("apex-alias.example.test", "A", ""), []), "AliasTarget")
    lib.ok(own and get(own, "HostedZoneId") == list(c.fake.zones)[0], "aws: an alias within the zone names the zone itself", text(c))
    lib.ok(get(sets(c).get(("example.test", "A", ""), []), "AliasTarget") is not None, "aws: an alias stands at the apex", text(c))
    lib.ok(c.status == 0 and all(k in sets(c) for k in [("*.wild.example.test", "A", ""), ("example.test", "MX", ""),
           ("_sip._tcp.example.test", "SRV", ""), ("example.test", "CAA", ""), ("del.example.test", "NS", ""),
           ("del.example.test", "DS", ""), ("long.example.test", "TXT", ""), ("t.example.test", "TXT", "")]),
           "aws: all types are written", text(c))
    c.fake.reset()
    c.once(*FAST)
    lib.ok(c.fake.writes() == [] and c.status == 0, "aws: they are read back as they were wished", "%s\n%s" % (c.fake.writes(), text(c)))
    c.once(*FAST, "--aws-prefer-cname")
    lib.ok(("web.example.test", "CNAME", "") in sets(c) and ("web.example.test", "A", "") not in sets(c),
           "aws: --aws-prefer-cname makes a CNAME of it", text(c))
    lib.ok(c.fake.bad == [], "aws: botocore agrees with every request", "\n".join(c.fake.bad[:10]))
    c.fake.stop()


def zones():
    c = case(zones=("example.test", "sub.example.test", "example.test"))
    ids = list(c.fake.zones)
    c.fake.private = {ids[2]}
    c.put("web", "192.0.2.1")
    c.put("deep", "192.0.2.2", host="deep.sub.example.test")
    c.once(*FAST)
    a = [{k[0] for k in z if k[1] == "A"} for z in c.fake.sets.values()]
    lib.ok(a == [{"web.example.test"}, {"deep.sub.example.test"}, {"web.example.test", "deep.sub.example.test"}],
           "aws: the longest public zone and every private one take a record", "%s\n%s" % (a, text(c)))
    c.fake.reset()
    c.once(*FAST)
    lib.ok(c.fake.writes() == [], "aws: and are at rest", c.fake.writes())
    c.fake.stop()
    for flag, want in (("--aws-zone-type=public", [True, False]), ("--aws-zone-type=private", [False, True]),
                       ("--zone-id-filter=/hostedzone/%s" % ids[0], [True, False]), ("--aws-zone-tags=team=web", [False, True])):
        c = case(zones=("example.test", "example.test"))
        two = list(c.fake.zones)
        c.fake.private, c.fake.tags = {two[1]}, {two[1]: {"team": "web"}}
        c.put("web", "192.0.2.1")
        c.once(*FAST, flag)
        have = [any(k[1] == "A" for k in z) for z in c.fake.sets.values()]
        lib.ok(have == want and c.fake.bad == [], "aws: " + flag.split("Z0")[0] + " chooses zones",
               "%s %s\n%s" % (have, c.fake.bad, text(c)))
        c.fake.stop()


def batches():
    c = case()
    c.put("ok1", "192.0.2.1")
    c.write("many", endpoint("m", *[{"dnsName": "n%d.example.test" % i, "recordType": "A", "targets": ["192.0.2.7"]} for i in range(40)],
                             {"dnsName": "n17b.example.test", "recordType": "MX", "targets": ["no preference"]}))
    c.once(*FAST, "--aws-batch-change-size=10")
    posts = [w[2] for w in c.fake.writes()]
    lib.ok(all(p.count("<Change>") <= 10 for p in posts), "aws: --aws-batch-change-size bounds a batch", [p.count("<Change>") for p in posts])
    together = True
    for p in posts:
        for n in re.findall(r"<Name>(n\d+)\.example\.test</Name><Type>A", p):
            together &= "a-%s.example.test" % n in p
    lib.ok(together, "aws: a record and its TXT go in one batch")
    lib.ok(len([k for k in sets(c) if k[1] == "A"]) == 41 and ("n17b.example.test", "MX", "") not in sets(c) and
           not any("n17b" in k[0] for k in sets(c)), "aws: a bad record stands alone, the others land", text(c))
    # a foreign hand adds to the set between our look and our write: nothing of it is lost
    c.fake.reset()
    c.put("ok1", "192.0.2.99")
    real, state = c.fake.handle, {"done": False}

    def race(method, path, query, headers, body):
        if method == "POST" and not state["done"]:
            state["done"] = True
            c.fake.seed("A", "ok1.example.test", "192.0.2.1", "203.0.113.50", ttl=120)
        return real(method, path, query, headers, body)
    c.fake.handle = race
    c.once(*FAST)
    refused = [p for p in c.fake.writes() if "<Action>DELETE" in p[2]]
    lib.ok("but it was not found" in c.log and "203.0.113.50" in refused[-1][2] and
           c.records("A").get(("A", "ok1.example.test")) == {"192.0.2.99"},
           "aws: a set that changed since we looked is looked at again before it changes", text(c))
    c.fake.stop()


class Moto:
    """moto's server: stateful, by other hands."""

    def __init__(self):
        port = lib.free_ports(1)[0]
        self.url = "http://127.0.0.1:%d" % port
        self.p = lib.Process([os.environ["MOTO_SERVER"], "-H", "127.0.0.1", "-p", str(port)], name="moto")
        lib.wait_for(lambda: self.answers(), 60)
        self.client = botocore.session.get_session().create_client(
            "route53", region_name="us-east-1", endpoint_url=self.url, aws_access_key_id=KEY, aws_secret_access_key=SECRET)
        self.zone = self.client.create_hosted_zone(Name="example.test", CallerReference="1")["HostedZone"]["Id"]

    def answers(self):
        try:
            return urllib.request.urlopen(self.url + "/moto-api/", timeout=2).status == 200
        except OSError:
            return False

    def sets(self):
        pages = self.client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zone)
        return {(s["Name"].rstrip(".").replace("\\052", "*"), s["Type"], s.get("SetIdentifier", "")): s
                for p in pages for s in p["ResourceRecordSets"]}


def moto():
    m = Moto()
    c = case()
    c.env["AWS_ENDPOINT_URL_ROUTE_53"] = m.url
    many = [{"dnsName": "n%d.example.test" % i, "recordType": "A", "targets": ["192.0.2.7"], "recordTTL": 60} for i in range(320)]
    weighted = [{"dnsName": "w.example.test", "recordType": "A", "targets": ["192.0.2.%d" % i], "setIdentifier": "s%d" % i,
                 "providerSpecific": [{"name": "aws/weight", "value": str(i)}]} for i in (1, 2)]
    c.write("all", endpoint("all", *many, *weighted, {"dnsName": "*.x.example.test", "recordType": "A", "targets": ["192.0.2.9"]},
                            {"dnsName": "del.example.test", "recordType": "NS", "targets": ["ns1.other.test"]}))
    c.put("lb", "lb.eu-west-1.elb.amazonaws.com")
    c.once(*FAST)
    s = m.sets()
    lib.ok(c.status == 0 and len([k for k in s if k[1] == "A"]) == 324 and s[("w.example.test", "A", "s2")]["Weight"] == 2 and
           "AliasTarget" in s[("lb.example.test", "A", "")] and ("*.x.example.test", "A", "") in s,
           "aws: moto holds what was wished, over several pages", "%s\n%s" % (len(s), c.log[-2000:]))
    c.once(*FAST)
    lib.ok(m.sets() == s and " create " not in c.log and " update " not in c.log, "aws: moto at rest stays", c.log[-2000:])
    c.drop("lb")
    c.write("all", endpoint("all", *many[:319], {**weighted[0], "targets": ["192.0.2.50"]}, weighted[1]))
    c.once(*FAST, "--mass-delete-share=100")
    s = m.sets()
    lib.ok(("n319.example.test", "A", "") not in s and ("lb.example.test", "A", "") not in s and
           s[("w.example.test", "A", "s1")]["ResourceRecords"] == [{"Value": "192.0.2.50"}] and ("n0.example.test", "A", "") in s,
           "aws: moto follows changes and deletes", c.log[-2000:])
    m.p.stop()
    c.fake.stop()


def waiting():
    """--aws-change-wait: the next batch goes when the last is on all name servers."""
    c = case()
    c.fake.slow_changes = 1
    c.write("many", endpoint("m", *[{"dnsName": "n%d.example.test" % i, "recordType": "A", "targets": ["192.0.2.7"]} for i in range(6)]))
    c.once(*FAST, "--aws-batch-change-size=6", "--aws-change-wait=30s")
    seen = ["change" if "/change/" in r[1] else "post" for r in c.fake.requests if "/change/" in r[1] or r[0] == "POST"]
    lib.ok(seen == ["post", "change", "change"] * (len(seen) // 3) and len(seen) >= 6 and c.status == 0 and c.fake.bad == [] and
           len([k for k in sets(c) if k[1] == "A"]) == 6, "aws: each batch waits until the last is INSYNC", "%s\n%s\n%s" % (seen, c.fake.bad, text(c)))
    c.fake.slow_changes = 1000
    c.write("many", endpoint("m", {"dnsName": "n0.example.test", "recordType": "A", "targets": ["192.0.2.8"]}))
    c.once(*FAST, "--aws-change-wait=1s", "--mass-delete-share=100")
    lib.ok(c.status == 0 and "not known to be INSYNC" in c.log and c.records("A").get(("A", "n0.example.test")) == {"192.0.2.8"},
           "aws: a change that is never INSYNC is waited for as long as was said", text(c))
    c.fake.stop()


def skew():
    """A service whose clock is an hour ahead refuses old signatures; ours are mended by its Date."""
    import email.utils
    import time
    c = case()
    c.put("web", "192.0.2.1")
    real, count = c.fake.handle, {"refused": 0}

    def late(method, path, query, headers, body):
        ahead = time.time() + 3600
        signed = time.mktime(time.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) - time.timezone
        if abs(signed - ahead) > 300:
            count["refused"] += 1
            status, h, t = c.fake.error("SignatureDoesNotMatch", "Signature expired", 403)
            return status, {**h, "Date": email.utils.formatdate(ahead, usegmt=True)}, t
        return real(method, path, query, headers, body)
    c.fake.handle = late
    c.once(*FAST)
    lib.ok(c.status == 0 and count["refused"] == 1 and ("web.example.test", "A", "") in sets(c),
           "aws: a clock that is an hour off is mended after one refusal", "%s\n%s" % (count, text(c)))
    c.fake.stop()


for f in (policies, aliases, zones, batches, waiting, skew):
    f()
if os.environ.get("MOTO_SERVER"):
    moto()
lib.done()
