"""The vendors' own SDKs (SDKS=node_modules folder, else skipped) read from the fakes what gslbd wrote."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import lib  # noqa: E402
from clouds import Case, endpoint  # noqa: E402

if not os.environ.get("SDKS"):
    print("SDKS is not set")
    sys.exit(77)

for kind in ("aws", "cloudflare", "google", "azure"):
    c = Case(kind)
    c.write("all", endpoint("a", {"dnsName": "a.example.test", "recordType": "A", "targets": ["192.0.2.1", "192.0.2.2"]},
                            {"dnsName": "c.example.test", "recordType": "CNAME", "targets": ["x.other.test"]},
                            {"dnsName": "*.w.example.test", "recordType": "A", "targets": ["192.0.2.3"]},
                            {"dnsName": "d.example.test", "recordType": "NS", "targets": ["ns1.other.test"]},
                            {"dnsName": "m.example.test", "recordType": "MX", "targets": ["10 mail.example.test"]}))
    c.once("--managed-record-types=A,CNAME,NS,MX")
    p = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "read_by_sdks.mjs"), kind, c.fake.url],
                       capture_output=True, text=True, env={**os.environ, **c.env}, timeout=60)
    have = {}
    for name, type, values in json.loads(p.stdout or "[]"):
        have.setdefault((name.rstrip("."), type), set()).update(v.rstrip(".").strip('"') for v in values)
    want = {("a.example.test", "A"): {"192.0.2.1", "192.0.2.2"}, ("c.example.test", "CNAME"): {"x.other.test"},
            ("*.w.example.test", "A"): {"192.0.2.3"}, ("d.example.test", "NS"): {"ns1.other.test"},
            ("m.example.test", "MX"): {"10 mail.example.test"}}
    lib.ok(all(have.get(k) == v for k, v in want.items()) and len([k for k in have if k[1] == "TXT"]) == 5,
           "%s: the vendor's SDK reads what gslbd wrote" % kind, "%s\n%s\n%s" % (have, p.stderr[-1500:], c.log[-800:]))
    c.fake.stop()
lib.done()
