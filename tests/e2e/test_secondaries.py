"""BIND, Knot and NSD as secondaries of gslbd: AXFR, IXFR, NOTIFY, TSIG and the catalog zone keep
them equal under 1,000 changes, one of them cut off for a while; and gslbd as secondary of BIND and
of Knot."""
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsigkeyring
import dns.update
import dns.zone
import lib

for program in ("named", "knotd", "nsd"):
    if not shutil.which(program):
        print(f"skipped: {program} is missing")
        sys.exit(77)

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
KEY = "hmac-sha256:xfer:" + SECRET
RING = dns.tsigkeyring.from_text({"xfer.": ("hmac-sha256", SECRET)})
CHANGES = int(os.environ.get("CHANGES", "1000"))
work = lib.folder()
gslbd_port, bind_port, knot_port, nsd_port, second_port, bind2_port, knot2_port = lib.free_ports(7)


def path(*parts):
    p = os.path.join(work, *parts)
    os.makedirs(os.path.dirname(p), exist_ok=True)
    return p


def put(name, text):
    with open(path(name), "w") as f:
        f.write(text)
    return path(name)


def transfer(port, zone):
    """{(owner, type): rdata} with TTLs of a zone by AXFR; None if it cannot be had."""
    try:
        z = dns.zone.from_xfr(dns.query.xfr("127.0.0.1", zone, port=port, keyring=RING, keyname="xfer.",
                                            keyalgorithm="hmac-sha256", relativize=False, lifetime=20),
                              relativize=False)
    except Exception:
        return None
    return {(n.to_text().lower(), dns.rdatatype.to_text(s.rdtype)): (s.ttl, sorted(r.to_text() for r in s))
            for n, s in z.iterate_rdatasets()}


def serial(port, zone):
    try:
        q = dns.message.make_query(zone, "SOA")
        r = dns.query.udp(q, "127.0.0.1", port=port, timeout=2)
        return r.answer[0][0].serial
    except Exception:
        return None


def same(port, zone):
    a = transfer(gslbd_port, zone)
    return a is not None and a == transfer(port, zone)


ZONE = """$TTL 300
@ SOA ns1 host 1 3600 5 604800 60
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.2
alias CNAME www
*.wild TXT "w"
svc HTTPS 1 . alpn=h2
uri URI 1 2 "https://example.test/"
caa CAA 0 issue "ca.test"
""" + "".join(f"h{i} A 10.0.{i // 250}.{i % 250}\n" for i in range(500))

one = put("one.zone", ZONE)
two = put("two.zone", ZONE)

# --- the secondaries --------------------------------------------------------------------------------

named_conf = put("bind/named.conf", f"""
options {{
  directory "{path('bind', '')}"; listen-on port {bind_port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  pid-file none; session-keyfile "{path('bind', 'session.key')}"; recursion no; dnssec-validation no;
  allow-transfer {{ any; }}; allow-new-zones yes; transfer-source 127.0.0.1; min-refresh-time 1; min-retry-time 1;
  catalog-zones {{ zone "catalog.test" default-primaries {{ 127.0.0.1 port {gslbd_port} key xfer; }}
                  in-memory yes min-update-interval 1; }};
}};
key xfer {{ algorithm hmac-sha256; secret "{SECRET}"; }};
controls {{ }};
zone "catalog.test" {{ type secondary; primaries {{ 127.0.0.1 port {gslbd_port} key xfer; }}; file "catalog"; }};
""")
knot_conf = put("knot/knot.conf", f"""
server:
  listen: 127.0.0.1@{knot_port}
  rundir: {path('knot', 'run')}
  user: root
database:
  storage: {path('knot', 'db')}
log:
  - target: stderr
    any: info
key:
  - id: xfer
    algorithm: hmac-sha256
    secret: {SECRET}
remote:
  - id: gslbd
    address: 127.0.0.1@{gslbd_port}
    key: xfer
acl:
  - id: notify
    address: 127.0.0.1
    action: notify
    key: xfer
  - id: transfer
    address: 127.0.0.1
    action: transfer
    key: xfer
template:
  - id: default
    storage: {path('knot', 'zones')}
    master: gslbd
    acl: [ notify, transfer ]
    refresh-min-interval: 2
    retry-min-interval: 1
  - id: member
    storage: {path('knot', 'zones')}
    master: gslbd
    acl: [ notify, transfer ]
    refresh-min-interval: 2
    retry-min-interval: 1
zone:
  - domain: catalog.test
    catalog-role: interpret
    catalog-template: member
""")
for d in ("knot/run/x", "knot/db/x", "knot/zones/x", "nsd/x"):
    path(d)
nsd_conf = put("nsd/nsd.conf", f"""
server:
  ip-address: 127.0.0.1@{nsd_port}
  username: ""
  chroot: ""
  zonesdir: "{path('nsd', '')}"
  pidfile: "{path('nsd', 'pid')}"
  xfrdfile: "{path('nsd', 'xfrd')}"
  xfrdir: "{path('nsd', '')}"
  zonelistfile: "{path('nsd', 'list')}"
  database: ""
  xfrd-reload-timeout: 0
  server-count: 1
remote-control:
  control-enable: no
key:
  name: xfer
  algorithm: hmac-sha256
  secret: "{SECRET}"
""" + "".join(f"""zone:
  name: {z}
  zonefile: "{z}.zone"
  request-xfr: 127.0.0.1@{gslbd_port} xfer
  allow-notify: 127.0.0.1 xfer
  provide-xfr: 127.0.0.1 xfer
  min-retry-time: 1
  max-retry-time: 3
""" for z in ("one.test", "two.test")))


def start_gslbd():
    return lib.gslbd(
        f"--listen=127.0.0.1:{gslbd_port}", f"--zone=one.test={one}", f"--zone=two.test={two}",
        f"--tsig-key={KEY}", "--allow-transfer=key:xfer", "--allow-update=key:xfer", "--catalog=catalog.test",
        *(f"--notify=127.0.0.1:{p},key:xfer" for p in (bind_port, knot_port, nsd_port)),
        f"--state-dir={path('state')}", f"--admin=unix:{path('ctl')}", "--rate-limit=0")


gslbd = start_gslbd()
lib.wait_for(lambda: serial(gslbd_port, "two.test"))
bind = lib.Process(["named", "-g", "-c", named_conf], name="named")
knot = lib.Process(["knotd", "-c", knot_conf], name="knotd")
nsd = lib.Process(["nsd", "-d", "-c", nsd_conf], name="nsd")
peers = {"BIND": (bind, bind_port), "Knot": (knot, knot_port), "NSD": (nsd, nsd_port)}

for name, (process, port) in peers.items():
    how = "its zone list" if name == "NSD" else "the catalog zone"
    good = lib.wait_for(lambda: same(port, "one.test") and same(port, "two.test"), 40, 0.3)
    lib.ok(good, f"{name} serves both zones, found by {how} and got by AXFR with TSIG", process.text()[-3000:])

# --- changes -------------------------------------------------------------------------------------------


def update(change, zone="one.test"):
    u = dns.update.Update(zone, keyring=RING, keyname="xfer.", keyalgorithm="hmac-sha256")
    change(u)
    return dns.query.tcp(u, "127.0.0.1", port=gslbd_port, timeout=10).rcode()


def change(i):
    def one_change(u):
        if i % 3 == 0:
            u.add(f"dyn{i}.one.test.", 60, "TXT", f"change {i}")
        elif i % 3 == 1:
            u.replace(f"h{i % 500}.one.test.", 300, "A", f"198.51.100.{i % 250}")
        else:
            u.delete(f"dyn{i - 2}.one.test.")
            u.replace("www.one.test.", 300, "A", f"203.0.113.{i % 250}")
    return one_change


before = serial(gslbd_port, "one.test")
bad = 0
for i in range(CHANGES):
    if i == CHANGES // 4:
        os.kill(nsd.p.pid, signal.SIGSTOP)  # cut off: it neither hears NOTIFY nor asks
        subprocess.run(["pkill", "-STOP", "-P", str(nsd.p.pid)], check=False)
    if i == CHANGES * 3 // 4:
        subprocess.run(["pkill", "-CONT", "-P", str(nsd.p.pid)], check=False)
        os.kill(nsd.p.pid, signal.SIGCONT)
    bad += update(change(i)) != 0
lib.ok(bad == 0, f"{CHANGES} updates are taken", bad)
now = serial(gslbd_port, "one.test")
lib.ok(now == before + CHANGES, "each change raises the serial by one", f"{before} {now}")
for name, (process, port) in peers.items():
    good = lib.wait_for(lambda: same(port, "one.test"), 60, 0.3)
    lib.ok(good, f"{name} is equal after {CHANGES} changes" + (", though cut off for half of them" if name == "NSD" else ""),
           f"{serial(port, 'one.test')} of {now}\n" + process.text()[-3000:])
log = gslbd.text()
lib.ok(len(re.findall(r"IXFR of one\.test", log)) >= 3, "differences are used, not whole zones",
       "\n".join(re.findall(r".*XFR of .*", log)[-20:]))
update(lambda u: u.add("one-more.one.test.", 60, "TXT", "x"))
for name, (process, port) in peers.items():
    lib.ok(lib.wait_for(lambda: serial(port, "one.test") == now + 1, 20), f"{name} follows one more change",
           process.text()[-2000:])

# --- zones come and go ------------------------------------------------------------------------------------

three = put("three.zone", ZONE)
gslbd.stop()
gslbd = lib.gslbd(
    f"--listen=127.0.0.1:{gslbd_port}", f"--zone=one.test={one}", f"--zone=three.test={three}", f"--tsig-key={KEY}",
    "--allow-transfer=key:xfer", "--allow-update=key:xfer", "--catalog=catalog.test",
    *(f"--notify=127.0.0.1:{p},key:xfer" for p in (bind_port, knot_port, nsd_port)),
    f"--state-dir={path('state')}", f"--admin=unix:{path('ctl')}", "--rate-limit=0")
lib.ok(lib.wait_for(lambda: serial(gslbd_port, "one.test")) == now + 1, "the serial survives a restart with the data",
       gslbd.text()[-2000:])
for name in ("BIND", "Knot"):
    process, port = peers[name]
    lib.ok(lib.wait_for(lambda: same(port, "three.test"), 40, 0.3), f"{name} takes the new zone from the catalog",
           process.text()[-3000:])
    lib.ok(lib.wait_for(lambda: serial(port, "two.test") is None, 40, 0.3), f"{name} drops the one that left it",
           process.text()[-3000:])
update(lambda u: u.add("after.one.test.", 60, "TXT", "restart"))
for name, (process, port) in peers.items():
    lib.ok(lib.wait_for(lambda: same(port, "one.test"), 40, 0.3), f"{name} is equal after the restart",
           process.text()[-3000:])
lib.ok(len(re.findall(r"IXFR of one\.test", gslbd.text())) >= 3, "differences from before the restart are still there", "\n".join(re.findall(r".*XFR of .*", gslbd.text())))

# --- gslbd as secondary -----------------------------------------------------------------------------------

put("bind2/up.zone", ZONE)
put("knot2/zones/knot.test.zone", ZONE)
put("knot2/run/x", "")
put("knot2/db/x", "")
bind2_conf = put("bind2/named.conf", f"""
options {{ directory "{path('bind2', '')}"; listen-on port {bind2_port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  pid-file none; session-keyfile "{path('bind2', 'session.key')}"; recursion no; dnssec-validation no; notify explicit; }};
key xfer {{ algorithm hmac-sha256; secret "{SECRET}"; }};
controls {{ }};
zone "up.test" {{ type primary; file "up.zone"; allow-transfer {{ key xfer; }}; allow-update {{ key xfer; }};
  also-notify {{ 127.0.0.1 port {second_port} key xfer; }}; notify-delay 0; }};
""")
knot2_conf = put("knot2/knot.conf", f"""
server:
  listen: 127.0.0.1@{knot2_port}
  rundir: {path('knot2', 'run')}
  user: root
database:
  storage: {path('knot2', 'db')}
log:
  - target: stderr
    any: info
key:
  - id: xfer
    algorithm: hmac-sha256
    secret: {SECRET}
remote:
  - id: gslbd
    address: 127.0.0.1@{second_port}
    key: xfer
acl:
  - id: all
    action: [ transfer, update ]
    key: xfer
zone:
  - domain: knot.test
    storage: {path('knot2', 'zones')}
    file: knot.test.zone
    notify: gslbd
    acl: all
""")
bind2 = lib.Process(["named", "-g", "-c", bind2_conf], name="named2")
knot2 = lib.Process(["knotd", "-c", knot2_conf], name="knotd2")
lib.wait_for(lambda: serial(bind2_port, "up.test") and serial(knot2_port, "knot.test"))
second = lib.gslbd(f"--listen=127.0.0.1:{second_port}", f"--tsig-key={KEY}", "--allow-transfer=key:xfer",
                   f"--primary=up.test=127.0.0.1:{bind2_port},key:xfer",
                   f"--primary=knot.test=127.0.0.1:{knot2_port},key:xfer", f"--state-dir={path('state2')}",
                   f"--admin=unix:{path('ctl2')}", "--rate-limit=0", name="second")


def equal(a, b, zone):
    x = transfer(a, zone)
    return x is not None and x == transfer(b, zone)


for name, port, zone, process in (("BIND", bind2_port, "up.test", bind2), ("Knot", knot2_port, "knot.test", knot2)):
    lib.ok(lib.wait_for(lambda: equal(port, second_port, zone), 20, 0.1), f"gslbd is secondary of {name}",
           second.text()[-3000:] + process.text()[-2000:])
    bad = 0
    for i in range(50):
        u = dns.update.Update(zone, keyring=RING, keyname="xfer.", keyalgorithm="hmac-sha256")
        u.add(f"n{i}.{zone}.", 60, "TXT", f"change {i}")
        u.delete(f"h{i}.{zone}.")
        bad += dns.query.tcp(u, "127.0.0.1", port=port, timeout=10).rcode() != 0
    lib.ok(bad == 0 and lib.wait_for(lambda: equal(port, second_port, zone), 20, 0.1),
           f"gslbd follows 50 changes of {name} by NOTIFY and IXFR", second.text()[-3000:])
lib.ok("differences" in second.text(), "by differences", second.text()[-2000:])

# --- NOTIFY by another hand ----------------------------------------------------------------------------------

n = subprocess.run(["ldns-notify", "-z", "one.test", "-p", str(gslbd_port), "127.0.0.1"], capture_output=True,
                   text=True, check=False)
lib.ok("NOTAUTH" in n.stdout + n.stderr, "a NOTIFY for a zone that we are primary of is NOTAUTH", n.stdout + n.stderr)
for p in (gslbd, second):
    lib.ok(p.stop() == 0, "gslbd stops cleanly", p.text()[-1000:])
lib.done()
