"""Recorded exchanges with the real services (RECORDINGS=FOLDER, else skipped): our fakes answer each
request as the service did (status, error code, shape), and gslbd reads what the services answered."""
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402
from clouds import Case  # noqa: E402
from fakes.azure import Azure  # noqa: E402
from fakes.base import Fake  # noqa: E402
from fakes.cloudflare import Cloudflare  # noqa: E402
from fakes.google import Google  # noqa: E402
from fakes.hetzner import Hetzner  # noqa: E402
from fakes.route53 import Route53, strip  # noqa: E402

FOLDER = os.environ.get("RECORDINGS")
if not FOLDER:
    print("RECORDINGS is not set")
    sys.exit(77)
ZONE = "zone-a.example"


def load(name):
    with open(os.path.join(FOLDER, name + ".json")) as f:
        all = json.load(f)
    for e in all:
        if isinstance(e["request"], str) and e["request"].startswith("{"):
            e["request"] = json.loads(e["request"])
    return all


def shape(x):
    """Paths of members with the kind of their values; nulls say nothing."""
    out = set()

    def walk(x, path):
        if isinstance(x, dict):
            for k, v in x.items():
                walk(v, path + "." + k)
        elif isinstance(x, list):
            for v in x:
                walk(v, path + "[]")
        elif x is not None:
            out.add((path, "number" if isinstance(x, (int, float)) and not isinstance(x, bool) else type(x).__name__))
    walk(x, "")
    return out


def send(fake, exchange, path, auth):
    body = exchange["request"]
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    if exchange["method"] == "GET":
        body = None
    r = urllib.request.Request(fake.url + path, method=exchange["method"], data=body.encode() if body else None,
                               headers={**auth, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(r, timeout=10) as a:
            return a.status, a.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def parse(text):
    text = text.strip() if isinstance(text, str) else text
    if not text:
        return {}
    if not isinstance(text, str):
        return text
    if text.startswith("<"):
        return xml(strip(ET.fromstring(text)))
    return json.loads(text)


def xml(node):
    name, v = node
    if isinstance(v, str):
        return {name: v}
    out = {}
    for c in v:
        for k, x in xml(c).items():
            out.setdefault(k, []).append(x) if k in ("HostedZone", "ResourceRecordSet", "ResourceRecord") else out.update({k: x})
    return {name: out}


BEYOND = re.compile(r"\.(messages|errors|result_info|page|meta|settings|tenant|tenant_unit|account|owner|quota|dnssecConfig|"
                    r"nameServers|Comment|RequestId|name_servers|modified_on|description|CallerReference|MaxItems|"
                    r"ResourceRecordSetCount|not_before|expires_on|resource|LinkedService|max\w+|numberOf\w+|cloudName\w*)\b")


def compare(kind, exchange, status, text):
    """What the fake's answer lacks of the recorded one; [] if they are alike."""
    if status != exchange["status"]:
        return ["status %d, not %d: %s" % (status, exchange["status"], text[:200])]
    mine, theirs = shape(parse(text)), shape(parse(exchange["response"]))
    prefix = {p for p, _ in mine}
    lacks = []
    for path, type in theirs - mine:
        parent = path.rsplit("[]", 1)[0]
        if "[]" in path and not any(p.startswith(parent + "[]") for p in prefix):
            continue  # our list is empty: its members cannot be compared
        if not BEYOND.search(path):
            lacks.append("%s (%s)" % (path, type))
    return lacks


def report(kind, exchanges, found):
    lib.ok(not found, "%s: %d recorded requests are answered alike" % (kind, exchanges),
           "%d differ\n" % len(found) + "\n".join("%s %s\n  %s" % (e["method"], e["uri"][:160], "; ".join(f)[:300]) for e, f in found[:12]))


def cloudflare():
    all = load("cloudflare")
    zid = next(m[1] for e in all for m in [re.search(r"/zones/(\w{32})", e["uri"])] if m)
    fake, ids, found = Cloudflare(zones=(ZONE,)), {}, []
    fake.zones, fake.records = {zid: ZONE}, {zid: {}}
    fake.custom, fake.regions = {zid: {}}, {zid: {}}
    for e in all:
        recorded = parse(e["response"])
        if e["status"] == 400 or e["method"] in ("PUT", "DELETE"):
            pass
        path = e["uri"].split("/client/v4", 1)[1]
        for old, new in ids.items():
            path = path.replace(old, new)
        rid = re.search(r"/dns_records/(\w{32})", path)
        if rid and rid[1] not in fake.records[zid]:  # made in an exchange that was dropped as a double
            fake.records[zid][rid[1]] = {**fake.seed("TXT", "gone." + ZONE, "x"), "id": rid[1]}
        if e["status"] == 400:  # identical: it stands already
            fake.seed(e["request"]["type"], e["request"]["name"], e["request"]["content"], 3600)
        elif e["method"] == "POST":
            fake.records[zid] = {k: v for k, v in fake.records[zid].items() if (v["name"], v["content"]) != (
                e["request"]["name"], e["request"]["content"])}
        status, text = send(fake, e, path, {"Authorization": "Bearer good-token"})
        if e["method"] == "POST" and status == 200:
            ids[recorded["result"]["id"]] = json.loads(text)["result"]["id"]
        f = compare("cloudflare", e, status, text)
        if e["status"] == 400 and json.loads(text)["errors"] != recorded["errors"]:
            f.append("errors %s" % json.loads(text)["errors"])
        found += [(e, f)] if f else []
    report("cloudflare", len(all), found)


def hetzner():
    all, fake, found = load("hetzner"), Hetzner(zones=(ZONE,)), []
    fake.zones = {53091: ZONE}
    fake.sets = {53091: {}}
    for e in all:
        path = e["uri"].split("/v1", 1)[1]
        m = re.search(r"/rrsets/([^/]+)/([A-Z]+)", path)
        if m and not path.endswith("add_records") and (m[1], m[2]) not in fake.sets[53091]:
            values = [r["value"] for r in (e["request"] or {}).get("records", [])] if isinstance(e["request"], dict) else []
            fake.sets[53091][(m[1], m[2])] = {"ttl": 3600, "records": values or ['"x"']}
        a = re.search(r"/actions/(\d+)$", path)
        if a:
            recorded = parse(e["response"])["action"]
            fake.commands.setdefault(int(a[1]), (recorded["command"], 53091))
            fake.actions[int(a[1])] = 1 if recorded["status"] == "running" else 0
        status, text = send(fake, e, path, {"Authorization": "Bearer good-token"})
        f = compare("hetzner", e, status, text)
        if e["status"] >= 400 and json.loads(text)["error"]["code"] != parse(e["response"])["error"]["code"]:
            f.append("code")
        if a and not f and json.loads(text)["action"]["status"] != recorded["status"]:
            f.append("status of the action")
        found += [(e, f)] if f else []
    report("hetzner", len(all), found)


def google():
    all, found = load("googleclouddns"), []
    fake = Google(zones=(ZONE,), project=re.search(r"/projects/([\w-]+)", all[1]["uri"])[1])
    zid = list(fake.zones)[0]
    for e in all:
        if e["uri"].endswith("/token"):
            status, text = send(fake, e, "/token", {})
        else:
            path = e["uri"].split("content.googleapis.com", 1)[1]
            r = e["request"] if isinstance(e["request"], dict) else json.loads(e["request"] or "{}")
            for d in r.get("deletions", []):
                fake.sets[zid][(d["name"], d["type"])] = d
            gone = {(d["name"], d["type"]) for d in r.get("deletions", [])}
            for d in r.get("additions", []):
                if (d["name"], d["type"]) not in gone:
                    fake.sets[zid].pop((d["name"], d["type"]), None)
            status, text = send(fake, e, path, {"Authorization": "Bearer good-token"})
        f = compare("google", e, status, text)
        found += [(e, f)] if f else []
    report("google", len(all), found)


def azure():
    all, fake, found = load("azure"), Azure(zones=(ZONE,)), []
    root, fake.page_size = fake.root().replace("dnszones", ""), 100
    for e in all:
        if e["uri"].split("?")[0].endswith("/token"):
            status, text = send(fake, e, "/t1/oauth2/token", {})
        else:
            path = re.sub(r"^https://[^/]+/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Network/", root, e["uri"])
            m = re.search(r"/([A-Z]+)/([^/?]+)\?", path)
            key = (urllib.parse.unquote(m[2]), m[1]) if m else None
            if key and e["method"] == "PUT" and e["status"] == 201:
                fake.sets[ZONE].pop(key, None)
            elif key and key not in fake.sets[ZONE]:
                fake.put(ZONE, key[1], key[0], {"TTL": 60, "TXTRecords": [{"value": ["x"]}]})
            if e["method"] == "GET" and m is None:  # lists show what stood when they were recorded
                for s in parse(e["response"]).get("value", []):
                    if "/dnszones/" in s["type"]:
                        fake.sets[ZONE][(s["name"], s["type"].rsplit("/", 1)[1])] = s
            status, text = send(fake, e, path, {"Authorization": "Bearer good-token"})
        f = compare("azure", e, status, text)
        found += [(e, f)] if f else []
    report("azure", len(all), found)


def route53():
    all, fake, found = load("route53"), Route53(zones=(ZONE,)), []
    zid = re.search(r"/hostedzone/(\w+)/", next(e["uri"] for e in all if "/rrset" in e["uri"]))[1]
    fake.zones, fake.sets = {zid: ZONE}, {zid: {}}
    auth = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/x"}
    for e in all:
        path = e["uri"].split("route53.amazonaws.com", 1)[1]
        if e["method"] == "POST" and e["status"] == 200:
            for _, change in dict(strip(ET.fromstring(e["request"]))[1])["ChangeBatch"][-1][1]:
                change = dict(change)
                key = fake.key(change["ResourceRecordSet"])
                fake.sets[zid].pop(key, None)
                if change["Action"] == "DELETE":
                    fake.sets[zid][key] = change["ResourceRecordSet"]
        status, text = send(fake, e, path, auth)
        f = compare("route53", e, status, text)
        if e["status"] >= 400 and (re.search("<Code>(.*?)</Code>", text) or [0, "no code"])[1] not in e["response"]:
            f.append("code")
        found += [(e, f)] if f else []
    report("route53", len(all), found)


class Player(Fake):
    """Answers lists as they were recorded, and nothing else."""

    def __init__(self, pages):
        super().__init__()
        self.pages = pages

    def handle(self, method, path, query, headers, body):
        for pattern, text in self.pages:
            if re.search(pattern, path):
                return 200, {"Content-Type": "application/json"}, text
        return 404, {}, ""


def largest(all, pattern):
    texts = [e["response"] if isinstance(e["response"], str) else json.dumps(e["response"]) for e in all
             if e["method"] == "GET" and e["status"] == 200 and re.search(pattern, e["uri"])]
    return max(texts, key=len)


def readers():
    """gslbd reads the recorded lists: what stands there is foreign, so our names there are refused."""
    for kind, name, zones, records in (
            ("cloudflare", "cloudflare", r"/zones\?", r"/dns_records"), ("hetzner", "hetzner", None, r"/rrsets"),
            ("google", "googleclouddns", r"/managedZones$", r"/rrsets"), ("azure", "azure", r"/dnsZones\?", r"/(recordsets|TXT)\?"),
            ("aws", "route53", r"/hostedzonesbyname", r"/rrset")):
        all = load(name)
        text = largest(all, records)
        zone_text = largest(all, zones) if zones else json.dumps({"zones": [json.loads(largest(all, r"/zones/zone-a.example"))["zone"]],
            "meta": {"pagination": {"page": 1, "per_page": 50, "previous_page": None, "next_page": None, "last_page": 1, "total_entries": 1}}})
        if kind == "aws":
            zone_text = zone_text.replace("ListHostedZonesByName", "ListHostedZones")
        fake = Player([("token", '{"access_token": "good-token", "expires_in": 3600}'), (r"dns_records|rrset|/all", text),
                       (r"[zZ]ones$|hostedzone$", zone_text), (r"/projects/p1$", "{}")])
        c = Case(kind, fake)
        names = sorted(set(re.findall(r"[\w.-]+\.zone-a\.example", text)))
        if kind == "azure":
            names = sorted({s["name"] + "." + ZONE for s in json.loads(text)["value"] if s["name"] != "@" and s["type"].endswith("TXT")})
        if kind == "hetzner":
            names = sorted({s["name"] + "." + ZONE for s in json.loads(text)["rrsets"] if s["name"] != "@"})
        p = c.start("--source=service", "--provider=" + kind, "--txt-owner-id=me", "--once", "--dry-run", "--google-project=p1",
                    "--log-level=debug")
        status = p.wait(60)
        out = p.text()
        writes = [r for r in fake.requests if r[0] != "GET" and "token" not in r[1]]
        lib.ok(status == 0 and writes == [] and names, "%s: the recorded lists are read (%d names)" % (kind, len(names)),
               "%s\n%s\n%s" % (status, fake.requests[:8], out[-1500:]))
        # one of the names wanted by an object of ours: it is somebody else's
        c.put("mine", "192.0.2.1", host=names[0])
        p = c.start("--source=service", "--provider=" + kind, "--txt-owner-id=me", "--once", "--dry-run", "--google-project=p1",
                    "--managed-record-types=A,CNAME,TXT")
        p.wait(60)
        lib.ok("create " + names[0] not in p.text(), "%s: a name that stands there is known" % kind, p.text()[-1500:])
        fake.stop()


for f in (cloudflare, hetzner, google, azure, route53, readers):
    if len(sys.argv) < 2 or f.__name__ in sys.argv[1:]:
        f()
lib.done()
