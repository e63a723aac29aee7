"""gslbd's webhook client against gslbd's webhook server, which writes into a zone that it serves itself;
with SPECS and PRISM (see test_providers.py) the protocol's schema judges all that they say."""
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402
from clouds import Case, endpoint, owner  # noqa: E402

TYPE = "application/external.dns.webhook+json;version=1"
ZONE = """$ORIGIN example.test.
$TTL 60
@ SOA ns h 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.53
foreign A 203.0.113.7
"""


class Server:
    """Looks like a fake to Case: gslbd --webhook-server."""

    def __init__(self):
        self.dir = lib.folder()
        self.dns, self.http = lib.free_ports(2)
        self.url = "http://127.0.0.1:%d" % self.http
        lib.write(self.dir + "/zone", ZONE)
        self.p = lib.gslbd("--webhook-server", "--webhook-server-address=127.0.0.1:%d" % self.http, "--zone=example.test=" + self.dir + "/zone",
                           "--listen=127.0.0.1:%d" % self.dns, "--admin=unix:" + self.dir + "/ctl", name="server")
        lib.wait_for(lambda: self.ask("GET", "/")[0] == 200)

    def ask(self, method, path, body=None, type=TYPE):
        r = urllib.request.Request(self.url + path, method=method, data=body, headers={"Accept": TYPE})
        if body is not None:
            r.add_header("Content-Type", type)
        try:
            with urllib.request.urlopen(r, timeout=20) as a:
                return a.status, a.headers.get("Content-Type"), a.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers.get("Content-Type"), e.read().decode()
        except OSError as e:
            return 0, None, str(e)

    def dig(self, name, type):
        r = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.dns), "+short", "+time=2", name, type], capture_output=True, text=True)
        return sorted(r.stdout.split("\n")[:-1])

    def dump(self):
        return json.loads(self.ask("GET", "/records")[2] or "[]")


s = Server()
c = Case("webhook", s)
c.put("web", "192.0.2.1")
c.write("more", endpoint("m", {"dnsName": "d.example.test", "recordType": "NS", "targets": ["ns1.other.test", "ns2.other.test"]},
                         {"dnsName": "c.example.test", "recordType": "CNAME", "targets": ["x.other.test"]}))
FLAGS = ["--managed-record-types=A,CNAME,NS"]
c.once(*FLAGS)
lib.ok(c.status == 0 and s.dig("web.example.test", "A") == ["192.0.2.1"] and s.dig("c.example.test", "CNAME") == ["x.other.test."] and
       s.dig("_externaldns.a-web.example.test", "TXT") == ['"%s"' % owner("service/shop/web")],
       "webhook: what the client writes the server answers over DNS", "%s\n%s" % (s.dump(), c.log[-2000:]))
before = s.dump()
c.once(*FLAGS)
lib.ok(c.status == 0 and s.dump() == before and " create " not in c.log and " update " not in c.log,
       "webhook: at rest nothing is written", c.log[-2000:])
c.put("web", "192.0.2.2")
c.once(*FLAGS)
lib.ok(s.dig("web.example.test", "A") == ["192.0.2.2"], "webhook: a changed target is changed", c.log[-2000:])
if c.prism:
    lib.ok(c.prism.violations() == [], "webhook: all that was said fits the protocol's schema", "\n".join(c.prism.violations()[:40]))
status, type, text = s.ask("GET", "/")
lib.ok((status, type) == (200, TYPE) and json.loads(text).get("include") is not None or json.loads(text) == {},
       "webhook: negotiation names the media type and the filter", "%s %s %s" % (status, type, text))
for sentence, method, path, body, want in (
        ("JSON that is none", "POST", "/records", b"{", 400), ("JSON that is none to adjust", "POST", "/adjustendpoints", b"[{", 400),
        ("a body over 32 MiB", "POST", "/records", b" " * (33 * 1024 * 1024), 413), ("a path that is none", "GET", "/nowhere", None, 404)):
    status, _, text = s.ask(method, path, body)
    lib.ok(status == want or (want == 413 and status == 0), "webhook: %s is %d" % (sentence, want), "%s %s" % (status, text[:300]))
for name, keys in (("cap", ("Create", "UpdateOld", "UpdateNew", "Delete")), ("low", ("create", "updateOld", "updateNew", "delete"))):
    new = {"dnsName": name + ".example.test", "recordType": "A", "targets": ["192.0.2.9"]}
    body = json.dumps({keys[0]: [new], keys[1]: None, keys[2]: None, keys[3]: None}).encode()
    status, _, text = s.ask("POST", "/records", body)
    lib.ok(status == 204 and text == "", "webhook: the server reads %s" % keys[0], "%s %s" % (status, text))
lib.ok(s.dig("cap.example.test", "A") == s.dig("low.example.test", "A") == ["192.0.2.9"], "webhook: both spellings do what they say", s.dump())
lib.ok(s.dig("foreign.example.test", "A") == ["203.0.113.7"] and s.p.alive(), "webhook: records of the zone's file stay", s.p.text()[-1500:])
lib.ok(s.p.stop() == 0, "webhook: SIGTERM ends the server cleanly", s.p.text()[-1500:])
lib.done()
