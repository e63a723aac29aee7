"""Each HTTP provider against a stateful fake of its service: the same objects must give the same
records everywhere, twice is nothing, foreign records stay, and faults heal.

With SPECS=FOLDER of the vendors' OpenAPI schemas and PRISM=PROGRAM (npm @stoplight/prism-cli) all
that gslbd and the fakes say to one another is judged by the schemas instead; faults are left out."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402
from fakes.azure import Azure  # noqa: E402
from fakes.base import Fault  # noqa: E402
from fakes.cloudflare import Cloudflare  # noqa: E402
from fakes.google import Google  # noqa: E402
from fakes.hetzner import Hetzner  # noqa: E402
from fakes.route53 import Route53  # noqa: E402

SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: %(name)s
  namespace: shop
  annotations:
    external-dns.alpha.kubernetes.io/hostname: %(host)s
    external-dns.alpha.kubernetes.io/ttl: "120"
spec:
  type: LoadBalancer
status:
  loadBalancer:
    ingress:
      - %(kind)s: %(target)s
"""


def service(name, target, host=None):
    kind = "ip" if target[0].isdigit() else "hostname"
    return SERVICE % {"name": name, "host": host or name + ".example.test", "kind": kind, "target": target}


def rsa_key():
    return subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                          capture_output=True, text=True, check=True).stdout


def environment(kind, fake, d):
    if kind == "cloudflare":
        return {"CLOUDFLARE_BASE_URL": fake.url, "CF_API_TOKEN": "good-token"}
    if kind == "aws":
        return {"AWS_ENDPOINT_URL_ROUTE_53": fake.url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
    if kind == "hetzner":
        return {"HCLOUD_ENDPOINT": fake.url, "HCLOUD_TOKEN": "good-token"}
    if kind == "google":
        key = os.path.join(d, "key.json")
        with open(key, "w") as f:
            json.dump({"type": "service_account", "project_id": "p1", "client_email": "a@p1.example",
                       "private_key_id": "k", "private_key": rsa_key(), "token_uri": fake.url + "/token"}, f)
        return {"CLOUDSDK_API_ENDPOINT_OVERRIDES_DNS": fake.url, "GOOGLE_APPLICATION_CREDENTIALS": key}
    config = os.path.join(d, "azure.json")
    with open(config, "w") as f:
        json.dump({"tenantId": "t1", "subscriptionId": "s1", "resourceGroup": "rg1", "aadClientId": "c1",
                   "aadClientSecret": "secret", "activeDirectoryAuthorityHost": fake.url}, f)
    return {"AZURE_RESOURCE_MANAGER_ENDPOINT": fake.url}


SPECS = {"cloudflare": "cloudflare-dns-2024-08.json", "hetzner": "hetzner-cloud-dns.json",
         "google": "google-clouddns-v1.json", "azure": "azure-dns-2018-05-01.json"}


class Prism:
    """A proxy before FAKE that answers an error for whatever does not fit the schema of KIND."""

    def __init__(self, kind, fake):
        port = lib.free_ports(1)[0]
        self.url = "http://127.0.0.1:%d" % port
        self.p = lib.Process([os.environ.get("PRISM", "prism"), "proxy", "-h", "127.0.0.1", "-p", str(port), "--errors",
                              os.path.join(os.environ["SPECS"], SPECS[kind]), fake.url], name="prism")
        lib.wait_for(lambda: "listening" in self.p.text(), 60)

    def violations(self):
        return [x for x in self.p.text().splitlines() if "Violation" in x or "\u2716" in x]


FAKES = {"cloudflare": Cloudflare, "aws": Route53, "hetzner": Hetzner, "google": Google, "azure": Azure}


class Case:
    def __init__(self, kind):
        self.kind, self.fake, self.dir = kind, FAKES[kind](), lib.folder()
        self.manifests = os.path.join(self.dir, "m")
        os.mkdir(self.manifests)
        self.env = environment(kind, self.fake, self.dir)
        self.prism = Prism(kind, self.fake) if os.environ.get("SPECS") and kind in SPECS else None
        for name in self.env if self.prism else ():
            if self.env[name] == self.fake.url:
                self.env[name] = self.prism.url
        if self.prism:
            self.fake.link = self.prism.url  # of further pages

    def put(self, name, *args, **kw):
        lib.write(os.path.join(self.manifests, name + ".yaml"), service(name, *args, **kw))

    def drop(self, name):
        os.unlink(os.path.join(self.manifests, name + ".yaml"))

    def once(self, *more):
        args = ["--manifests=" + self.manifests, "--source=service", "--provider=" + self.kind, "--once",
                "--policy=sync", "--txt-owner-id=me", "--txt-prefix=_externaldns.", "--domain-filter=example.test",
                "--listen=127.0.0.1:0", "--admin=unix:" + os.path.join(self.dir, "ctl"), *more]
        if self.kind == "azure":
            args.append("--azure-config-file=" + os.path.join(self.dir, "azure.json"))
        p = lib.gslbd(*args, env=self.env, name=self.kind)
        self.status = p.wait(60)
        self.log = p.text()
        return self.status

    def records(self, *types):
        """{(type, name): {values}}, quotes and final dots aside."""
        out = {}
        for t, n, v in self.fake.dump():
            if not types or t in types:
                out.setdefault((t, n), set()).add(v.strip('"').rstrip("."))
        return out


def owner(kind, resource):
    return "heritage=external-dns,external-dns/owner=me,external-dns/resource=" + resource


def run(kind):
    c = Case(kind)

    def ok(good, sentence, detail=None):
        lib.ok(good, "%s: %s" % (kind, sentence), detail if detail is not None else
               "%s\nstatus %s\n%s" % (c.fake.dump(), c.status, c.log[-1500:]))

    c.fake.seed("A", "foreign.example.test", "203.0.113.7")
    c.fake.seed("TXT", "note.example.test", '"by hand"' if kind != "azure" else "by hand")
    before = c.fake.dump()
    for i, target in enumerate(["192.0.2.1", "192.0.2.2", "lb.other.test"]):
        c.put("s%d" % i, target)
    c.once()
    want = {("A", "s0.example.test"): {"192.0.2.1"}, ("A", "s1.example.test"): {"192.0.2.2"},
            ("CNAME", "s2.example.test"): {"lb.other.test"}, ("A", "foreign.example.test"): {"203.0.113.7"}}
    ok(c.records("A", "CNAME") == want, "objects become records and nothing else changes")
    txt = c.records("TXT")
    ok(txt.get(("TXT", "_externaldns.a-s0.example.test")) == {owner(kind, "service/shop/s0")} and
       txt.get(("TXT", "_externaldns.cname-s2.example.test")) == {owner(kind, "service/shop/s2")},
       "ownership is written as ExternalDNS writes it")
    ok(c.status == 0, "--once ends with 0")
    c.fake.reset()
    c.once()
    ok(c.fake.writes() == [] and c.status == 0, "at rest nothing is written", c.fake.writes())
    c.put("s0", "192.0.2.10")
    c.once()
    ok(c.records("A").get(("A", "s0.example.test")) == {"192.0.2.10"}, "a changed target is changed")
    c.put("s1", "lb.other.test")
    c.once()
    c.once()
    ok(c.records("A", "CNAME").get(("CNAME", "s1.example.test")) == {"lb.other.test"} and
       ("A", "s1.example.test") not in c.records("A"), "an A becomes a CNAME")
    if not c.prism:
        faults(c, ok)
    c.put("s3", "192.0.2.6")
    c.put("last", "192.0.2.99")
    c.once()
    for name in ("s0", "s1", "s2", "s3"):
        c.drop(name)
    c.once("--mass-delete-limit=0", "--mass-delete-share=0")
    c.drop("last")
    c.once("--mass-delete-limit=0", "--mass-delete-share=0")
    left = [r for r in c.fake.dump() if r not in before]
    gone = [r for r in before if r not in c.fake.dump()]
    ok(gone == [] and not any(r[0] != "TXT" and not r[1].startswith("last") for r in left),
       "what is gone is deleted, foreign records are as they were", "left %s gone %s" % (left, gone))
    if c.prism:
        ok(c.prism.violations() == [], "all that was said fits the vendor's schema", "\n".join(c.prism.violations()[:40]))
        c.prism.p.stop()
    c.fake.stop()


def faults(c, ok):
    kind = c.kind
    c.put("s3", "192.0.2.4")
    c.fake.faults.append(Fault("status", n=2, method="GET", status=429, headers={"Retry-After": "0"}))
    c.once()
    ok(c.records("A").get(("A", "s3.example.test")) == {"192.0.2.4"}, "429 with Retry-After heals in the same run")
    for fault in ("lost", "reset"):
        c.fake.reset()
        c.put("s3", "192.0.2.5" if fault == "lost" else "192.0.2.6")
        c.fake.faults.append(Fault(fault, n=1, method={"cloudflare": "POST", "aws": "POST", "google": "POST",
                                                       "hetzner": "POST", "azure": "PUT"}[kind]))
        c.once()
        c.once()
        ok(c.records("A").get(("A", "s3.example.test")) == {"192.0.2.5" if fault == "lost" else "192.0.2.6"},
           "a write whose answer is %s converges" % fault)
    for fault in ("garbage", "cut"):
        c.fake.reset()
        c.fake.faults.append(Fault(fault, n=1, method="GET"))
        c.once()
        ok([w for w in c.fake.writes()] == [], "a %s answer changes nothing" % fault, c.fake.writes())


for kind in FAKES:
    if len(sys.argv) < 2 or kind in sys.argv[1:]:
        run(kind)
lib.done()
