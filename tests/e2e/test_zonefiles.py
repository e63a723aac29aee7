"""Master files as BIND reads them: the same records from the same file, for every type that both
know, for $GENERATE, and for the odd corners of RFC 1035 5.1.  What BIND cannot read is in tests/zonedb."""
import ast
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib

if not shutil.which("named-compilezone"):
    print("skipped: named-compilezone is missing")
    sys.exit(77)

work = lib.folder()
top = os.path.join(os.path.dirname(__file__), "..", "..")
HEAD = "$TTL 300\n@ SOA ns host 1 1h 15m 1w 5m\n@ NS ns\nns A 192.0.2.1\n"
# newer than BIND 9.18, and NSEC3 (an owner of its own)
UNKNOWN = ("NSEC3", "RESINFO", "WALLET", "DSYNC")


def table():
    """The rows of tests/lib/test_rdata.c: one record of each."""
    with open(os.path.join(top, "tests", "lib", "test_rdata.c")) as f:
        text = f.read()
    text = text[text.index("good[] = {"):text.index("} bad[] = {")]
    rows = re.findall(r'\{ "([A-Z0-9-]+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', text)
    for i, (rdtype, literal) in enumerate(rows):
        rdata = ast.literal_eval("(" + literal.strip() + ")")
        if rdtype not in UNKNOWN and rdtype != "SOA" and "ohttp" not in rdata:
            yield f"t{i} {rdtype} {rdata}\n"


CORNERS = r"""
$GENERATE 1-3 host$ A 10.0.0.$
$GENERATE 0-6/3 a${2,3,d} CNAME b${-0,2,x}.c
$GENERATE 1-2 ${0,4,n}rev PTR h${10,3,o}
$GENERATE 10-11 ${0,3,N}.rn PTR h${0,4,X}
$GENERATE 254-258 ${0,5,n}.rm PTR x
$GENERATE 1-2 t$ 60 TXT "v$-${5}"
$GENERATE 1-2 m$ MX "10 mail$"
$GENERATE 1-2 \$x$ IN A 10.1.1.$
$ORIGIN sub
x A 192.0.2.5
	AAAA 2001:db8::1
$ORIGIN .
www.example.com 600 IN A 192.0.2.6
$ORIGIN example.com.
y	IN	600	TXT	( "a" ; comment
	"b;c" d\;e "f\"g" "" )
z 1w2d3h4m5s TXT \097\bc
* A 192.0.2.7
a\.b A 192.0.2.8
(  q  A
  192.0.2.9 )
r 7 A 192.0.2.10
s A 192.0.2.11
IN A 192.0.2.12
A A 192.0.2.13
12 A 192.0.2.14
u TYPE65280 \# 3 ( 01
  0203 )
v TYPE1 \# 4 C0000201
$TTL 99
w A 192.0.2.15
"""
LAST_STATED = """@ 70 SOA ns host 1 2 3 4 5
@ NS ns
ns 50 A 192.0.2.1
b A 192.0.2.2
"""


def records(path):
    """{(owner, type): [TTL and RDATA]} of a file with a record a line."""
    out = {}
    with open(path) as f:
        for line in f:
            p = line.split(None, 4) + [""]
            if line.startswith(";") or not line.strip():
                continue
            # BIND splits long hexadecimal, and writes numbers of NID and L64 without leading zeros
            rdata = re.sub(r"\s+", " ", p[4].strip())
            if p[3] in ("TLSA", "ZONEMD", "DLV", "DS", "CDS", "SMIMEA"):
                fields = rdata.split()
                rdata = " ".join(fields[:3] + ["".join(fields[3:])])
            if p[3] in ("NID", "L64"):
                rdata = re.sub(r"(?<=[ :])0+(?=[0-9a-f])", "", rdata)
            if p[3] == "CERT":
                rdata = rdata.replace("PKIX", "1").replace("RSASHA256", "8")
            out.setdefault((p[0].lower(), p[3]), []).append(p[1] + " " + rdata.replace("-2.00m 0.00m", "-2.00m 0m"))
    return {k: sorted(v) for k, v in out.items()}


def dump(path):
    """What gslbd serves of the file."""
    port, = lib.free_ports(1)
    ctl = os.path.join(work, f"ctl{port}")
    d = lib.gslbd(f"--listen=127.0.0.1:{port}", f"--zone=example.com={path}", f"--admin=unix:{ctl}")
    text = os.path.join(work, f"dump{port}")

    def get():
        r = subprocess.run([lib.GSLBCTL, f"--server=unix:{ctl}", "dump", "example.com"], capture_output=True,
                           text=True, check=False)
        with open(text, "w") as f:
            f.write(r.stdout)
        return r.returncode == 0
    lib.wait_for(get)
    d.stop()
    return text, d


for name, zone in (("every type", HEAD + "".join(table())), ("odd corners", HEAD + CORNERS),
                   ("TTLs left out", LAST_STATED)):
    path = os.path.join(work, "zone")
    with open(path, "w") as f:
        f.write(zone)
    bind = os.path.join(work, "bind")
    c = subprocess.run(["named-compilezone", "-k", "ignore", "-i", "none", "-s", "full", "-o", bind, "example.com", path],
                       capture_output=True, text=True, check=False)
    if not lib.ok(c.returncode == 0, f"BIND reads {name}", c.stdout):
        continue
    text, d = dump(path)
    ours, theirs = records(text), records(bind)
    wrong = [f"{k}: {ours.get(k)}, BIND {theirs.get(k)}" for k in sorted({*ours, *theirs}) if ours.get(k) != theirs.get(k)]
    lib.ok(len(theirs) > 2 and not wrong, f"{len(theirs)} record sets are the same: {name}",
           "\n".join(wrong) + "\n" + d.text()[-500:])
    # and what gslbd prints, it reads as the same
    again, _ = dump(text)
    lib.ok(records(again) == ours, f"the dump reads back: {name}")
lib.done()
