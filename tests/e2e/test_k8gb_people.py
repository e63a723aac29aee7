"""gslbctl's answers are true to the wire; drains reach the peer within a second; the last live member stays."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib
from fleet import ZONE, Cluster, gslb, right

IPS = {"eu": "192.0.2.10", "us": "198.51.100.20"}
ports = dict(zip(IPS, lib.free_ports(2)))
fleet = {}
for tag in IPS:
    other = "us" if tag == "eu" else "eu"
    c = fleet[tag] = Cluster(tag, [other], {other: ports[other]}, port=ports[tag], ips="127.0.0.1")
    c.put("gslb", *[gslb(n, f"{n}.{ZONE}", s, ips=IPS[tag], **more) for n, s, more in (
        ("rr", "roundRobin", {}), ("fo", "failover", {"primaryGeoTag": "eu"}),
        ("wrr", "roundRobin", {"weight": {"eu": 70, "us": 30}}))])
    c.ready(True)
for c in fleet.values():
    c.start()
eu, us = fleet["eu"], fleet["us"]
BOTH = list(IPS.values())
for c in fleet.values():
    right(c, f"rr.{ZONE}", BOTH, f"{c.tag}: both clusters answer")


def ctl(c, *args):
    status, text = c.ctl_run("--output=json", *args)
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def explained(c, name, *more):
    return sorted(ctl(c, "explain", f"{name}.{ZONE}", *more)[1].get("answer", []))


def true_to_the_wire(when):
    wrong = [f"{c.tag} {n}: explain {explained(c, n)}, wire {c.get(f'{n}.{ZONE}')}" for c in fleet.values()
             for n in ("rr", "fo") if not lib.wait_for(lambda c=c, n=n: explained(c, n) == c.get(f"{n}.{ZONE}"), 3)]
    lib.ok(not wrong, f"explain is what the wire says: {when}", wrong)


true_to_the_wire("all healthy")
_, e = ctl(eu, "explain", f"wrr.{ZONE}", "--client=203.0.113.5")
shares = {tuple(s["answer"]) if isinstance(s["answer"], list) else (s["answer"],): s["share"] for s in e["shares"]}
first = {}
for _ in range(2000):
    ip = eu.ask(f"wrr.{ZONE}").answer[0][0].to_text()
    first[ip] = first.get(ip, 0) + 1
lib.ok(all(abs(first.get(a[0], 0) / 2000 - s) < 0.05 for a, s in shares.items()), "explain's shares are those of the wire",
       (shares, first))
st, text = ctl(eu, "explain", f"nobody.{ZONE}")
lib.ok(st == 1, "explain of an unknown name fails", text)

st, s = ctl(eu, "simulate", f"fo.{ZONE}", "--down=eu")
lib.ok(st == 0 and IPS["us"] in json.dumps(s.get("then")) and eu.get(f"fo.{ZONE}") == [IPS["eu"]],
       "simulate tells what a failure would do, and does nothing", s)
eu.ready(False)
right(eu, f"fo.{ZONE}", [IPS["us"]], "and that is what it does")
right(us, f"fo.{ZONE}", [IPS["us"]], "in both clusters")
true_to_the_wire("eu is down")
st, h = ctl(us, "history", f"fo.{ZONE}")
lib.ok(st == 0 and IPS["us"] in json.dumps(h), "history tells of it", h)
st, text = us.ctl_run("status")
lib.ok(st == 0 and text.strip(), "status", text)

# drains
st, text = us.ctl_run("drain", "us", "--reason=test")
lib.ok(st == 1 and "force" in text, "the last live member is not drained", text)
lib.ok(us.get(f"rr.{ZONE}") == [IPS["us"]], "and the answer stays")
eu.ready(True)
for c in fleet.values():
    right(c, f"rr.{ZONE}", BOTH, f"{c.tag}: both again")
t0 = time.monotonic()
st, text = eu.ctl_run("drain", "eu", "--reason=maintenance")
lib.ok(st == 0, "drain of a cluster", text)
right(eu, f"rr.{ZONE}", [IPS["us"]], "a drained cluster leaves here")
right(us, f"rr.{ZONE}", [IPS["us"]], "and at its peer")
ms = (time.monotonic() - t0) * 1000
lib.ok(ms < 3000, f"without a long wait ({ms:.0f} ms)")
right(us, f"fo.{ZONE}", [IPS["us"]], "failover follows the drain")
lib.ok("maintenance" in us.ctl_run("explain", f"rr.{ZONE}")[1], "the peer knows the reason", us.ctl_run("explain", f"rr.{ZONE}")[1])
true_to_the_wire("eu is drained")
name = json.dumps(ctl(eu, "drains")[1])
st, text = eu.ctl_run("undrain", "eu")
if st:
    names = [x for x in name.replace('"', " ").replace(",", " ").split() if x.startswith("ctl/") or x.startswith("eu-")]
    st, text = eu.ctl_run("undrain", names[0] if names else "?")
lib.ok(st == 0, "undrain", f"{text}\n{name}")
for c in fleet.values():
    right(c, f"rr.{ZONE}", BOTH, f"{c.tag}: undrained")
st, text = eu.ctl_run("drain", f"rr.{ZONE}", "--for=2s")
lib.ok(st == 1 and "force" in text, "a host's drain takes its last members: refused", text)
st, text = eu.ctl_run("drain", IPS["eu"], "--for=2s")
lib.ok(st == 0, "drain of an address, for two seconds", text)
right(us, f"rr.{ZONE}", [IPS["us"]], "it leaves at the peer")
for c in fleet.values():
    right(c, f"rr.{ZONE}", BOTH, f"{c.tag}: it is back when its time is over")
st, text = eu.ctl_run("drain", "eu", "--for=soon")
lib.ok(st == 1, "a duration that is none", text)
st, text = us.ctl_run("drain", "nobody-at-all")
lib.ok(st == 1, "a target that is none", text)
for c in fleet.values():
    lib.ok(c.stop() == 0, f"{c.tag} ends with status 0")
lib.done()
