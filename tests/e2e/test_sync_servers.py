"""Records into real name servers: BIND and Knot by RFC 2136, PowerDNS by its API.  The sync room runs
alone (tests/sync/synctool): what is wanted comes from a file, the zone afterwards from a transfer."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402

TOOL = os.path.join(lib.BUILD, "tests/sync/synctool")
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
KEY = "hmac-sha256:k:" + SECRET
ZONE = ["e.org. 60 SOA ns.e.org. h.e.org. 1 3600 600 86400 60", "e.org. 60 NS ns.e.org.", "ns.e.org. 60 A 192.0.2.1"]
PREFIX = "_externaldns."


def txt(owner="me", resource=None):
    return '"heritage=external-dns,external-dns/owner=%s%s"' % (
        owner, ",external-dns/resource=" + resource if resource else "")


class Server:
    def __init__(self, lines):
        self.dir = lib.folder()
        os.chmod(self.dir, 0o755)
        self.start(ZONE + lines)
        if not lib.wait_for(lambda: self.serial(), 20):
            print(self.process.text())

    def dig(self, *args):
        r = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "+time=2", "+tries=1", *args],
                           capture_output=True, text=True)
        return r.stdout

    def serial(self):
        words = self.dig("+short", "e.org", "SOA").split()
        return int(words[2]) if len(words) > 3 and words[2].isdigit() else 0

    def zone(self):
        """All records but SOA, as sorted lines without TTL."""
        out = set()
        for line in self.dig("-y", KEY, "+noall", "+answer", "+onesoa", "e.org", "AXFR").splitlines():
            words = line.split(None, 4)
            if len(words) == 5 and words[3] != "SOA":
                out.add("%s %s %s" % (words[0], words[3], words[4]))
        return out

    def stop(self):
        self.process.stop()


class Bind(Server):
    name = "BIND"

    def start(self, lines):
        self.port, = lib.free_ports(1)
        with open(self.dir + "/zone", "w") as f:
            f.write("\n".join(lines) + "\n")
        with open(self.dir + "/conf", "w") as f:
            f.write("""key "k" { algorithm hmac-sha256; secret "%s"; };
key "weak" { algorithm hmac-sha256; secret "%s"; };
options { directory "%s"; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; }; pid-file none;
  recursion no; notify no; session-keyfile none; };
controls { };
zone "e.org" { type primary; file "zone"; allow-transfer { key k; };
  update-policy { deny k name refused.e.org. ANY; grant k zonesub ANY; }; };
""" % (SECRET, SECRET, self.dir, self.port))
        os.chmod(self.dir, 0o777)
        self.process = lib.Process(["named", "-g", "-c", self.dir + "/conf"], name="named")

    def flags(self):
        return ["--provider=rfc2136", "--rfc2136-host=127.0.0.1", "--rfc2136-port=%d" % self.port,
                "--rfc2136-zone=e.org", "--rfc2136-axfr", "--rfc2136-tsig-keyname=k",
                "--rfc2136-tsig-secret=" + SECRET, "--rfc2136-tsig-secret-alg=hmac-sha256"]

    def edit(self, *commands):
        text = "server 127.0.0.1 %d\nkey %s\nzone e.org\n%s\nsend\n" % (self.port, KEY.replace(SECRET, SECRET).replace(
            "hmac-sha256:k:", "hmac-sha256:k "), "\n".join("update " + c for c in commands))
        subprocess.run(["nsupdate"], input=text, text=True, check=True)


def certificate(folder, name, san, ca=None):
    """FOLDER/NAME.pem and .key, signed by CA or by itself."""
    base = os.path.join(folder, name)
    args = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=" + name, "-addext", "subjectAltName=" + san, "-keyout", base + ".key", "-out", base + ".pem"]
    if ca:
        args += ["-CA", os.path.join(folder, ca + ".pem"), "-CAkey", os.path.join(folder, ca + ".key"),
                 "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(args, check=True, capture_output=True)
    os.chmod(base + ".key", 0o644)  # the server may run as another user


def tls_faults():
    """BIND by TLS 1.3 that also asks us for a certificate."""
    folder = lib.folder()
    os.chmod(folder, 0o755)
    certificate(folder, "ca", "DNS:ca.example")
    certificate(folder, "other", "DNS:other.example")
    certificate(folder, "server", "IP:127.0.0.1", "ca")
    certificate(folder, "wrong", "DNS:elsewhere.example", "ca")
    certificate(folder, "client", "DNS:client.example", "ca")
    s = Bind([])
    s.stop()
    ports = lib.free_ports(2)
    with open(s.dir + "/conf") as f:
        conf = f.read()
    for port, name in zip(ports, ("server", "wrong")):
        conf = conf.replace("listen-on port", 'listen-on port %d tls %s { 127.0.0.1; }; listen-on port' % (port, name), 1)
        conf += 'tls %s { cert-file "%s/%s.pem"; key-file "%s/%s.key"; ca-file "%s/ca.pem"; };\n' % (
            name, folder, name, folder, name, folder)
    with open(s.dir + "/conf", "w") as f:
        f.write(conf)
    s.process = lib.Process(["named", "-g", "-c", s.dir + "/conf"], name="named")
    lib.wait_for(s.serial, 20)
    before = s.zone()

    def run(port, *flags, wanted=("a.e.org A 192.0.2.1",), cert="client"):
        class Other:
            dir = s.dir
            flags = staticmethod(lambda: [f for f in s.flags() if "port" not in f] + [
                "--rfc2136-port=%d" % port, "--rfc2136-use-tls", "--tls-client-cert=%s/%s.pem" % (folder, cert),
                "--tls-client-cert-key=%s/%s.key" % (folder, cert)])
        Other.flags = staticmethod(lambda f=Other.flags: f() + list(flags))
        status = tool(Other, wanted)
        return status, Other.log

    ca = "--tls-ca=%s/ca.pem" % folder
    status, log = run(ports[0], ca)
    lib.ok(status == 0 and "a.e.org. A 192.0.2.1" in s.zone(), "TLS: read and written, both sides known", log)
    serial = s.serial()
    status, log = run(ports[0], ca, "--rfc2136-load-balancing-strategy=round-robin")
    lib.ok(status == 0 and s.serial() == serial, "TLS: a second pass writes nothing", log)
    for what, port, flags, cert in (("an unknown CA", ports[0], ["--tls-ca=%s/other.pem" % folder], "client"),
                                    ("another name", ports[1], [ca], "client"),
                                    ("a client that is not known", ports[0], [ca], "other"),
                                    ("a server in the clear", s.port, [ca], "client")):
        status, log = run(port, *flags, wanted=["b.e.org A 192.0.2.2"], cert=cert)
        lib.ok(status == 1 and s.serial() == serial, "TLS: %s is refused" % what, log)
    status, log = run(ports[1], ca, "--rfc2136-skip-tls-verify", wanted=[])
    lib.ok(status == 0 and s.zone() == before, "TLS: unless asked not to look", log)
    status, log = run(ports[0], "--tls-ca=/nowhere")
    lib.ok(status != 0 and "/nowhere" in log, "TLS: a missing file is named", log)
    s.stop()


class Knot(Bind):
    name = "Knot"

    def start(self, lines):
        self.port, = lib.free_ports(1)
        with open(self.dir + "/e.org.zone", "w") as f:
            f.write("\n".join(lines) + "\n")
        with open(self.dir + "/conf", "w") as f:
            f.write("""server:
  listen: 127.0.0.1@%d
  rundir: %s
database:
  storage: %s
key:
  - id: k
    algorithm: hmac-sha256
    secret: %s
acl:
  - id: all
    key: k
    action: [update, transfer]
zone:
  - domain: e.org
    storage: %s
    file: e.org.zone
    acl: all
""" % (self.port, self.dir, self.dir, SECRET, self.dir))
        self.process = lib.Process(["knotd", "-c", self.dir + "/conf"], name="knotd")


class Pdns(Server):
    name = "PowerDNS"

    def start(self, lines):
        self.port, self.web = lib.free_ports(2)
        schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"
        if not os.path.exists(schema):
            schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql"
        with open(schema) as f:
            sql = f.read()
        subprocess.run(["/usr/bin/python3", "-c", "import sqlite3,sys\n"
                        "sqlite3.connect(sys.argv[1]).executescript(sys.stdin.read())", self.dir + "/db"],
                       input=sql, text=True, check=True)
        with open(self.dir + "/pdns.conf", "w") as f:
            f.write("""launch=gsqlite3
gsqlite3-database=%s/db
local-address=127.0.0.1
local-port=%d
api=yes
api-key=secret
webserver=yes
webserver-address=127.0.0.1
webserver-port=%d
socket-dir=%s
setuid=
setgid=
allow-axfr-ips=127.0.0.1
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
""" % (self.dir, self.port, self.web, self.dir))
        self.process = lib.Process(["pdns_server", "--config-dir=" + self.dir], name="pdns")
        sets = {}
        for line in lines:
            name, ttl, kind, data = line.split(None, 3)
            sets.setdefault((name, kind), (int(ttl), []))[1].append({"content": data, "disabled": False})
        body = {"name": "e.org.", "kind": "Native", "nameservers": [], "rrsets": [
            {"name": n, "type": t, "ttl": ttl, "records": r} for (n, t), (ttl, r) in sets.items()]}
        lib.wait_for(lambda: self.call("POST", "/zones", body), 20)

    def call(self, method, path, body):
        q = urllib.request.Request("http://127.0.0.1:%d/api/v1/servers/localhost%s" % (self.web, path),
                                   json.dumps(body).encode(), {"X-API-Key": "secret"}, method=method)
        try:
            with urllib.request.urlopen(q, timeout=5) as r:
                return r.status
        except OSError:
            return None

    def zone(self):
        out = set()
        for line in self.dig("+noall", "+answer", "+onesoa", "e.org", "AXFR").splitlines():
            words = line.split(None, 4)
            if len(words) == 5 and words[3] != "SOA":
                out.add("%s %s %s" % (words[0], words[3], words[4]))
        return out

    def flags(self):
        return ["--provider=pdns", "--pdns-server=http://127.0.0.1:%d" % self.web, "--pdns-api-key=secret"]

    def edit(self, *commands):
        for c in commands:
            _, name, ttl, kind, data = c.split(None, 4)
            self.call("PATCH", "/zones/e.org.", {"rrsets": [
                {"name": name, "type": kind, "ttl": int(ttl), "changetype": "REPLACE",
                 "records": [{"content": data, "disabled": False}]}]})


def tool(server, wanted, *flags, wait=60, owner="me"):
    """One pass: its exit status."""
    path = os.path.join(server.dir, "wanted")
    lib.write(path, "\n".join(wanted) + "\n")
    args = [TOOL, *server.flags(), "--txt-owner-id=" + owner, "--once", *flags]
    if not any(f.startswith("--txt-") for f in flags):
        args.append("--txt-prefix=" + PREFIX)
    p = lib.Process(args, {"DESIRED": path}, "synctool")
    status = p.wait(wait)
    server.log = p.text()
    return status


MANAGED = ["--managed-record-types=A,AAAA,CNAME,NS,MX,SRV,TXT,CAA"]
WANTED = ["a.e.org A 192.0.2.11,192.0.2.12 ttl=60 resource=ingress/d/a", "a.e.org AAAA 2001:db8::1 resource=ingress/d/a",
          "c.e.org CNAME lb.x.org", "*.w.e.org A 192.0.2.9", "m.e.org MX '10 mail.x.org'",
          "s.e.org SRV '0 50 80 a.e.org.'", "t.e.org TXT 'hello world'", "n.e.org NS ns1.x.org,ns2.x.org ttl=30"]
FOREIGN = ['hand.e.org. 60 TXT "gr\\195\\188n" "two"', "hand.e.org. 60 MX 5 other.x.org.", "other.e.org. 60 A 192.0.2.77",
           PREFIX + "a-other.e.org. 60 TXT " + txt("you")]



def everything(make):
    s = make(FOREIGN)
    before = s.zone()
    lib.ok(tool(s, WANTED, *MANAGED) == 0, s.name + ": a first pass ends well", s.log)
    after = s.zone()
    lib.ok(before <= after, s.name + ": what others have is untouched", before - after)
    want = {"a.e.org. A 192.0.2.11", "a.e.org. A 192.0.2.12", "a.e.org. AAAA 2001:db8::1", "c.e.org. CNAME lb.x.org.",
            "*.w.e.org. A 192.0.2.9", "m.e.org. MX 10 mail.x.org.", "s.e.org. SRV 0 50 80 a.e.org.",
            't.e.org. TXT "hello world"', "n.e.org. NS ns1.x.org.", "n.e.org. NS ns2.x.org.",
            PREFIX + "a-a.e.org. TXT " + txt(resource="ingress/d/a"),
            PREFIX + "aaaa-a.e.org. TXT " + txt(resource="ingress/d/a"), PREFIX + "cname-c.e.org. TXT " + txt(),
            PREFIX + "ns-n.e.org. TXT " + txt()}
    lib.ok(want <= after, s.name + ": every type is there, with its ownership", want - after)
    serial = s.serial()
    lib.ok(tool(s, WANTED, *MANAGED) == 0 and s.serial() == serial and s.zone() == after,
           s.name + ": a second pass writes nothing", s.log)
    changed = [w.replace("192.0.2.12", "192.0.2.13").replace("10 mail", "20 mail") for w in WANTED]
    changed[2] = "c.e.org A 192.0.2.44"
    changed[1] = "a.e.org AAAA 2001:db8::2 resource=ingress/d/new"
    lib.ok(tool(s, changed, *MANAGED) == 0, s.name + ": changes land in one pass, CNAME to A too", s.log)
    now = s.zone()
    lib.ok({"a.e.org. A 192.0.2.13", "m.e.org. MX 20 mail.x.org.", "c.e.org. A 192.0.2.44",
            PREFIX + "a-c.e.org. TXT " + txt(), PREFIX + "aaaa-a.e.org. TXT " + txt(resource="ingress/d/new")} <= now and
           not any("192.0.2.12" in z or "lb.x.org" in z or "cname-c" in z for z in now),
           s.name + ": and leave nothing behind", now - after)
    changed[2] = "c.e.org CNAME lb.x.org"
    lib.ok(tool(s, changed, *MANAGED) == 0 and "c.e.org. CNAME lb.x.org." in s.zone(),
           s.name + ": A to CNAME in one pass", s.log)
    lib.ok(tool(s, [], *MANAGED) == 0 and s.zone() == before, s.name + ": all is taken back, to the octet",
           s.zone() ^ before)
    s.stop()


def dangers(make):
    s = make(FOREIGN + ["cn.e.org. 60 TXT \"mine\""])
    before = s.zone()
    status = tool(s, ["other.e.org A 1.1.1.1", "hand.e.org A 192.0.2.5", "cn.e.org CNAME x.org", "bad.e.org A nonsense",
                      "e.org A 192.0.2.99", "ok.e.org A 192.0.2.6"])
    now = s.zone()
    lib.ok({"hand.e.org. A 192.0.2.5", "ok.e.org. A 192.0.2.6", "e.org. A 192.0.2.99"} <= now and before <= now,
           s.name + ": the apex and names beside others' types are written, others' records are not", s.log)
    lib.ok(status == 1 and not any("bad" in z or "cname-cn" in z for z in now),
           s.name + ": what cannot be is left out alone, without a trace", now - before)
    serial = s.serial()
    tool(s, ["hand.e.org A 192.0.2.5", "e.org A 192.0.2.99", "ok.e.org A 192.0.2.6"])
    lib.ok(s.serial() == serial, s.name + ": ownership of the apex is read back", s.log)
    lib.ok(tool(s, []) == 0 and s.zone() == before, s.name + ": and the apex is given back", s.zone() ^ before)
    s.stop()


def migrations(make):
    """Zones as ExternalDNS left them, by version and flags: nothing is deleted, nothing needless written."""
    plain = txt(resource="ingress/d/a")
    wanted = ["a.e.org A 192.0.2.11 ttl=60 resource=ingress/d/a", "b.e.org CNAME lb.x.org ttl=60 resource=ingress/d/a"]
    data = ["a.e.org. 60 A 192.0.2.11", "b.e.org. 60 CNAME lb.x.org."]
    rows = [
        ("0.11, legacy", data + ["%s%s.e.org. 60 TXT %s" % (PREFIX, h, plain) for h in "ab"], [], 2),
        ("0.14, both", data + ["%s%s.e.org. 60 TXT %s" % (PREFIX, h, plain) for h in ("a", "b", "a-a", "cname-b")], [], 0),
        ("0.20, typed", data + ["%s%s.e.org. 60 TXT %s" % (PREFIX, h, plain) for h in ("a-a", "cname-b")], [], 0),
        ("0.20, template", data + ["%s-%s.e.org. 60 TXT %s" % (t, h, plain) for t, h in (("a", "a"), ("cname", "b"))],
         ["--txt-prefix=%{record_type}-"], 0),
        ("0.20, suffix", data + ["%s-txt.e.org. 60 TXT %s" % (h, plain) for h in ("a-a", "cname-b")],
         ["--txt-suffix=-txt"], 0),
    ]
    for what, lines, flags, creates in rows:
        s = make(lines)
        before = s.zone()
        status = tool(s, wanted, *flags)
        after = s.zone()
        lib.ok(status == 0 and before <= after and len(after - before) == creates,
               "%s: a zone of ExternalDNS %s is taken over" % (s.name, what), s.log)
        serial = s.serial()
        tool(s, wanted, *flags)
        lib.ok(s.serial() == serial, "%s: and is then at rest" % s.name, s.log)
        tool(s, [], *flags)
        left = s.zone()
        lib.ok(len(left) == 2, "%s: and is emptied with its ownership records" % s.name, left)
        s.stop()
    # owner migration, sealed
    key = "--txt-encrypt-aes-key=12345678901234567890123456789012"
    s = make(data + ["%s%s.e.org. 60 TXT %s" % (PREFIX, h, txt("old", "ingress/d/a")) for h in ("a", "a-a", "cname-b")])
    tool(s, wanted, "--migrate-from-txt-owner=old", "--txt-prefix=" + PREFIX)
    now = s.zone()
    lib.ok(not any("owner=old" in z for z in now) and sum("owner=me" in z for z in now) == 3,
           s.name + ": an owner is migrated, its old TXT with it", now)
    serial = s.serial()
    tool(s, wanted, "--migrate-from-txt-owner=old", "--txt-prefix=" + PREFIX)
    lib.ok(s.serial() == serial, s.name + ": once", s.log)
    tool(s, wanted, "--txt-encrypt-enabled", key, "--txt-prefix=" + PREFIX)
    now = s.zone()
    lib.ok(sum("a-a.e.org. TXT" in z for z in now) == 1 and not any("a-a.e.org" in z and "heritage" in z for z in now),
           s.name + ": plain ownership is sealed in place, without a twin", now)
    serial = s.serial()
    tool(s, wanted, "--txt-encrypt-enabled", key, "--txt-prefix=" + PREFIX)
    lib.ok(s.serial() == serial, s.name + ": and read back", s.log)
    s.stop()


def rfc2136_faults(make):
    s = make(FOREIGN)
    before, serial = s.zone(), s.serial()
    bad = [f for f in s.flags() if "tsig-secret=" not in f] + ["--rfc2136-tsig-secret=" + SECRET[::-1]]

    class Other:
        dir, flags = s.dir, staticmethod(lambda: bad)
    lib.ok(tool(Other, WANTED, *MANAGED) == 1 and s.zone() == before and s.serial() == serial,
           s.name + ": with a wrong key nothing is written", Other.log)
    path = os.path.join(s.dir, "wanted")
    lib.write(path, "a.e.org A 192.0.2.1 ttl=60\n")
    p = lib.Process([TOOL, *s.flags(), "--rfc2136-host=127.0.0.2", "--txt-owner-id=me", "--txt-prefix=" + PREFIX,
                     "--interval=1h"], {"DESIRED": path}, "synctool")
    lib.ok(lib.wait_for(lambda: "a.e.org. A 192.0.2.1" in s.zone()), s.name + ": a dead host among several does no harm",
           p.text())
    s.edit("delete a.e.org A", "add a.e.org 60 A 192.0.2.66")
    lib.write(path, "a.e.org A 192.0.2.2 ttl=60\n")
    lib.ok(lib.wait_for(lambda: "a.e.org. A 192.0.2.2" in s.zone() and "a.e.org. A 192.0.2.66" not in s.zone()),
           s.name + ": an edit by others is noticed by its prerequisite, then mended", p.text())
    t0 = time.monotonic()
    lib.write(path, "a.e.org A 192.0.2.3 ttl=60\n")
    lib.wait_for(lambda: s.dig("+short", "a.e.org").strip() == "192.0.2.3", 5, 0.002)
    took = (time.monotonic() - t0) * 1000
    lib.ok(took < 500, s.name + ": a changed object is on the wire in %d ms" % took)
    p.stop()
    lib.ok(p.p.returncode == 0, s.name + ": SIGTERM ends it cleanly", p.text())
    s.stop()


def killed_at_any_point(make):
    s = make(FOREIGN)
    before = s.zone()
    path = os.path.join(s.dir, "wanted")
    wanted = ["h%03d.e.org A 192.0.2.%d ttl=60" % (i, i % 250) for i in range(300)]
    rnd = random.Random(1)
    for _ in range(8):
        rnd.shuffle(wanted)
        lib.write(path, "\n".join(wanted[:200]) + "\n")
        p = lib.Process([TOOL, *s.flags(), "--txt-owner-id=me", "--txt-prefix=" + PREFIX, "--interval=1h",
                         "--mass-delete-share=100"], {"DESIRED": path}, "synctool")
        time.sleep(rnd.uniform(0.02, 0.2))
        p.stop(signal.SIGKILL)
    status = tool(s, wanted[:200], "--txt-prefix=" + PREFIX, "--mass-delete-share=100")
    now = s.zone()
    hosts = {z.split()[0] for z in now if z.startswith("h")and " A " in z}
    lib.ok(status == 0 and hosts == {w.split()[0] + "." for w in wanted[:200]},
           s.name + ": killed at any point, it converges", s.log)
    tool(s, [], "--txt-prefix=" + PREFIX, "--mass-delete-share=100")
    rest = s.zone() - before
    lib.ok(before <= s.zone() and not any(" A " in z for z in rest), s.name + ": without loss or foreign change", rest)
    s.stop()


def main():
    for program, make in (("named", Bind), ("knotd", Knot), ("pdns_server", Pdns)):
        if shutil.which(program) is None:
            lib.ok(False, "%s is installed" % program)
            continue
        everything(make)
        dangers(make)
        migrations(make)
        if make is not Pdns:
            rfc2136_faults(make)
        killed_at_any_point(make)
    if shutil.which("named"):
        tls_faults()
    lib.done()


if __name__ == "__main__":
    main()
