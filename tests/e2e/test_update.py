"""Dynamic updates (RFC 2136) as people make them: nsupdate, certbot's DNS-01 flow, cert-manager's,
ExternalDNS's; beside GSLB names in a delegated zone; safe on the disk before the answer."""
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import dns.zone
import lib

if not shutil.which("nsupdate"):
    print("skipped: nsupdate is missing")
    sys.exit(77)

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
RING = dns.tsigkeyring.from_text({"all.": ("hmac-sha256", SECRET), "acme.": ("hmac-sha512", SECRET)})
work = lib.folder()
(port,) = lib.free_ports(1)
top = os.path.join(os.path.dirname(__file__), "..", "..")


def put(name, text):
    with open(os.path.join(work, name), "w") as f:
        f.write(text)
    return os.path.join(work, name)


zone = put("example.zone", """$TTL 300
@ SOA ns1 host 1 3600 600 604800 60
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.2
""")
# a key file as BIND's tsig-keygen writes it serves both sides
keys = put("keys.conf", f"""key "all" {{
	algorithm hmac-sha256;
	secret "{SECRET}";
}};
key "acme" {{
	algorithm hmac-sha512;
	secret "{SECRET}";
}};
""")
key_file = put("all.key", f'key "all" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n')


def start():
    p = lib.gslbd(f"--listen=127.0.0.1:{port}", f"--zone=example.com={zone}", f"--tsig-key-file={keys}",
                  "--allow-update=example.com=key:all", "--allow-update=key:acme=_acme-challenge.*:TXT",
                  "--allow-transfer=key:all", f"--manifests={os.path.join(top, 'contrib', 'demo.d', 'eu')}",
                  f"--state-dir={os.path.join(work, 'state')}", f"--admin=unix:{os.path.join(work, 'ctl')}",
                  "--rate-limit=0",
                  env={"CLUSTER_GEO_TAG": "eu", "EXT_GSLB_CLUSTERS_GEO_TAGS": "us", "EXTDNS_ENABLED": "false",
                       "DNS_ZONES": "example.test:gslb.example.test:5", "CLUSTER_EXPOSED_IPS": "127.0.0.1"})
    lib.wait_for(lambda: answer("www.example.com", "A") and answer("shop.gslb.example.test", "A"))
    return p


def query(name, rdtype, **signed):
    q = dns.message.make_query(name, rdtype)
    q.flags &= ~dns.flags.RD
    if signed:
        q.use_tsig(RING, keyname=signed["key"], algorithm=signed["algorithm"])
    return dns.query.tcp(q, "127.0.0.1", port=port, timeout=5)


def answer(name, rdtype):
    try:
        r = query(name, rdtype)
    except Exception:
        return None
    return sorted(x.to_text() for s in r.answer for x in s)


def nsupdate(lines, *args):
    return subprocess.run(["nsupdate", *args], input=f"server 127.0.0.1 {port}\n{lines}send\n", capture_output=True,
                          text=True, timeout=20, check=False)


gslbd = start()

# --- nsupdate -----------------------------------------------------------------------------------------

u = nsupdate("zone example.com\nupdate add a.example.com 60 A 192.0.2.10\nupdate add a.example.com 60 TXT \"x y\"\n",
             "-k", key_file)
lib.ok(u.returncode == 0 and answer("a.example.com", "A") == ["192.0.2.10"], "nsupdate adds records", u.stderr)
u = nsupdate("update add b.example.com 60 CNAME www\n", "-y", f"hmac-sha256:all:{SECRET}")
lib.ok(u.returncode == 0 and "www." in (answer("b.example.com", "CNAME") or [""])[0],
       "nsupdate finds the zone by itself", u.stderr)
u = nsupdate("prereq nxdomain a.example.com\nupdate add a.example.com 60 A 192.0.2.11\n", "-k", key_file)
lib.ok("YXDOMAIN" in u.stderr and answer("a.example.com", "A") == ["192.0.2.10"], "prerequisites guard", u.stderr)
u = nsupdate("prereq yxrrset a.example.com A 192.0.2.10\nupdate delete a.example.com A\n"
             "update add a.example.com 60 A 192.0.2.12\n", "-k", key_file, "-v")
lib.ok(u.returncode == 0 and answer("a.example.com", "A") == ["192.0.2.12"], "compare and swap, over TCP", u.stderr)
u = nsupdate("zone example.com\nupdate delete a.example.com\nupdate delete b.example.com CNAME\n", "-k", key_file)
lib.ok(u.returncode == 0 and answer("a.example.com", "A") == [] and answer("b.example.com", "CNAME") == [],
       "nsupdate deletes", u.stderr)
u = nsupdate("zone example.com\nupdate add a.example.com 60 A 192.0.2.10\n")
lib.ok("REFUSED" in u.stderr, "without a key it is refused", u.stderr)
u = nsupdate("zone example.com\nupdate add a.example.com 60 A 192.0.2.10\n", "-y", "hmac-sha256:all:AAAA")
lib.ok("BADSIG" in u.stderr, "with a wrong secret it is BADSIG", u.stderr)
u = nsupdate("zone example.com\nupdate add a.example.com 60 A 192.0.2.10\n", "-y", f"hmac-sha256:none:{SECRET}")
lib.ok("BADKEY" in u.stderr, "with an unknown key it is BADKEY", u.stderr)
u = nsupdate("zone example.org\nupdate add a.example.org 60 A 192.0.2.10\n", "-k", key_file)
lib.ok("NOTAUTH" in u.stderr, "for a zone that is not ours it is NOTAUTH", u.stderr)

# --- certbot (certbot-dns-rfc2136) ------------------------------------------------------------------------


def certbot_base(domain):
    """The zone as the plugin looks for it: signed SOA questions upwards, authoritative answers count."""
    name = dns.name.from_text(domain)
    while len(name) > 1:
        r = query(name, "SOA", key="acme.", algorithm="hmac-sha512")
        if r.rcode() == 0 and r.flags & dns.flags.AA and r.get_rrset(r.answer, name, 1, 6):
            return name
        name = name.parent()
    return None


def certbot(domain, value, add, base):
    update = dns.update.Update(base, keyring=RING, keyname="acme.", keyalgorithm="hmac-sha512")
    rel = dns.name.from_text("_acme-challenge." + domain).relativize(base)
    if add:
        update.add(rel, 120, "TXT", value)
    else:
        update.delete(rel, "TXT", value)
    return dns.rcode.to_text(dns.query.tcp(update, "127.0.0.1", port=port, timeout=5).rcode())


for domain, want in (("www.example.com", "example.com."), ("shop.gslb.example.test", "gslb.example.test.")):
    base = certbot_base(domain)
    lib.ok(base is not None and base.to_text() == want, f"certbot finds the zone of {domain}", base)
    one = certbot(domain, "token-1", True, base)
    two = certbot(domain, "token-2", True, base)
    lib.ok((one, two) == ("NOERROR", "NOERROR") and
           answer("_acme-challenge." + domain, "TXT") == ['"token-1"', '"token-2"'],
           f"certbot puts two challenges for {domain}", f"{one} {two} {answer('_acme-challenge.' + domain, 'TXT')}")
    one = certbot(domain, "token-1", False, base)
    lib.ok(one == "NOERROR" and answer("_acme-challenge." + domain, "TXT") == ['"token-2"'], "and removes one", one)

# --- GSLB's own names ---------------------------------------------------------------------------------------

before = answer("shop.gslb.example.test", "A")
for what, name, rdtype, value in (("type", "_acme-challenge.shop.gslb.example.test.", "A", "192.0.2.66"),
                                  ("name", "shop.gslb.example.test.", "TXT", "x")):
    u = dns.update.Update("gslb.example.test.", keyring=RING, keyname="acme.", keyalgorithm="hmac-sha512")
    u.add(name, 60, rdtype, value)
    r = dns.rcode.to_text(dns.query.udp(u, "127.0.0.1", port=port, timeout=5).rcode())
    lib.ok(r == "REFUSED", f"a {what} out of the policy is refused", r)
u = dns.update.Update("gslb.example.test.", keyring=RING, keyname="all.", keyalgorithm="hmac-sha256")
u.delete("shop.gslb.example.test.")
r = dns.rcode.to_text(dns.query.udp(u, "127.0.0.1", port=port, timeout=5).rcode())
lib.ok(r == "REFUSED" and answer("shop.gslb.example.test", "A") == before, "names of gslb are not the client's", r)

# --- ExternalDNS: AXFR, then one update of many records ---------------------------------------------------------

z = dns.zone.from_xfr(dns.query.xfr("127.0.0.1", "example.com", port=port, keyring=RING, keyname="all.",
                                    keyalgorithm="hmac-sha256", lifetime=10))
lib.ok(z.get_rdataset("www", "A") is not None, "ExternalDNS reads the zone by AXFR")
u = dns.update.Update("example.com.", keyring=RING, keyname="all.", keyalgorithm="hmac-sha256")
for i in range(50):
    u.add(f"svc{i}", 300, "A", f"192.0.2.{i}")
    u.add(f"a-svc{i}", 300, "TXT", '"heritage=external-dns,external-dns/owner=me"')
r = dns.rcode.to_text(dns.query.tcp(u, "127.0.0.1", port=port, timeout=5).rcode())
lib.ok(r == "NOERROR" and answer("svc49.example.com", "A") == ["192.0.2.49"], "and puts fifty names at once", r)

# --- what was answered is safe ------------------------------------------------------------------------------------

u = nsupdate("zone example.com\nupdate add durable.example.com 60 A 192.0.2.77\n", "-k", key_file)
gslbd.stop(signal.SIGKILL)
serial = None
gslbd = start()
lib.ok(u.returncode == 0 and answer("durable.example.com", "A") == ["192.0.2.77"],
       "an answered update survives a kill", gslbd.text()[-1000:])
lib.ok(lib.wait_for(lambda: answer("_acme-challenge.shop.gslb.example.test", "TXT") == ['"token-2"']),
       "also beside GSLB names", gslbd.text()[-1000:])
serial = answer("example.com", "SOA")
gslbd.stop()
gslbd = start()
lib.ok(answer("example.com", "SOA") == serial, "the serial stays over a restart", answer("example.com", "SOA"))
gslb_serial = answer("gslb.example.test", "SOA")
gslbd.stop()
gslbd = start()
lib.ok(lib.wait_for(lambda: answer("gslb.example.test", "SOA") == gslb_serial, 5), "that of the load-balanced zone as well",
       f"{gslb_serial} {answer('gslb.example.test', 'SOA')}")
put("example.zone.new", open(zone).read() + "new A 192.0.2.99\n")
os.rename(os.path.join(work, "example.zone.new"), zone)
lib.ok(lib.wait_for(lambda: answer("new.example.com", "A") == ["192.0.2.99"]) and
       answer("durable.example.com", "A") == ["192.0.2.77"], "a reload of the file keeps what updates put")
lib.ok(gslbd.stop() == 0, "gslbd stops cleanly", gslbd.text()[-1000:])
lib.done()
