"""Each HTTP provider against a stateful fake of its service: the same objects must give the same
records everywhere, twice is nothing, foreign records stay, and faults heal.

With SPECS=FOLDER of the vendors' OpenAPI schemas and PRISM=PROGRAM (npm @stoplight/prism-cli) all
that gslbd and the fakes say to one another is judged by the schemas instead; faults are left out."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import clouds  # noqa: E402
import lib  # noqa: E402
from clouds import Case, owner  # noqa: E402
from fakes.base import Fault  # noqa: E402


def run(kind):
    c = Case(kind)

    def ok(good, sentence, detail=None):
        lib.ok(good, "%s: %s" % (kind, sentence), detail if detail is not None else
               "%s\nstatus %s\n%s" % (c.fake.dump(), c.status, c.log[-1500:]))

    c.fake.seed("A", "foreign.example.test", "203.0.113.7")
    c.fake.seed("TXT", "note.example.test", '"by hand"' if "azure" not in kind else "by hand")
    before = c.fake.dump()
    for i, target in enumerate(["192.0.2.1", "192.0.2.2", "lb.other.test"]):
        c.put("s%d" % i, target)
    c.once()
    want = {("A", "s0.example.test"): {"192.0.2.1"}, ("A", "s1.example.test"): {"192.0.2.2"},
            ("CNAME", "s2.example.test"): {"lb.other.test"}, ("A", "foreign.example.test"): {"203.0.113.7"}}
    ok(c.records("A", "CNAME") == want, "objects become records and nothing else changes")
    txt = c.records("TXT")
    ok(txt.get(("TXT", "_externaldns.a-s0.example.test")) == {owner("service/shop/s0")} and
       txt.get(("TXT", "_externaldns.cname-s2.example.test")) == {owner("service/shop/s2")},
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
                                                       "hetzner": "POST", "pdns": "PATCH", "webhook": "POST"}.get(kind, "PUT")))
        c.once()
        c.once()
        ok(c.records("A").get(("A", "s3.example.test")) == {"192.0.2.5" if fault == "lost" else "192.0.2.6"},
           "a write whose answer is %s converges" % fault)
    for fault in ("garbage", "cut"):
        c.fake.reset()
        c.fake.faults.append(Fault(fault, n=1, method="GET"))
        c.once()
        ok([w for w in c.fake.writes()] == [], "a %s answer changes nothing" % fault, c.fake.writes())


for kind in clouds.FAKES:
    if len(sys.argv) < 2 or kind in sys.argv[1:]:
        run(kind)
lib.done()
