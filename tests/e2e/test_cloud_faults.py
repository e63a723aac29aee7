"""Every HTTP provider in every trouble: after each kind of it the zone is as wished, foreign records are
as they were, and gslbd runs on.  429 with Retry-After, 500s, resets, answers that trickle, never end, are
cut or garbage, pages without an end, refusals of our credentials, clocks that are off, foreign hands at
the same time.  (RFC 2136: test_rfc2136_faults.py.)"""
import email.utils
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import clouds  # noqa: E402
import lib  # noqa: E402
from clouds import Case  # noqa: E402
from fakes.base import Fault  # noqa: E402

WRITE = {"azure": "PUT", "azure-private": "PUT", "pdns": "PATCH"}
PAGELESS = ("pdns", "webhook")


def text(c, p):
    return "%s\nalive %s\n%s" % (c.fake.dump(), p.alive(), p.text()[-3000:])


def foreign(c):
    return [r for r in c.fake.dump() if "foreign" in r[1] or "note" in r[1]]


def run(kind):
    c = Case(kind)
    c.fake.seed("A", "foreign.example.test", "203.0.113.7")
    c.fake.seed("TXT", "note.example.test", '"by hand"' if "azure" not in kind else "by hand")
    before = foreign(c)
    for i in range(6):
        c.put("s%d" % i, "192.0.2.%d" % i, host="s%d.example.test" % i)
    p = c.start("--source=service", "--provider=" + clouds.PROVIDER.get(kind, kind), "--txt-owner-id=me",
                "--txt-prefix=_externaldns.", "--domain-filter=example.test", "--interval=300ms", "--policy=sync",
                "--batch-change-interval=0s", "--aws-batch-change-interval=0s", "--google-batch-change-interval=0s")
    n = [0]

    def is_as_wished():
        want = {("A", "s%d.example.test" % i): {"192.0.2.%d" % ((i + n[0]) % 200)} for i in range(6)}
        want[("A", "foreign.example.test")] = {"203.0.113.7"}
        return c.records("A") == want and len(c.records("TXT")) == 7

    def trial(sentence, *faults, seconds=45):
        n[0] += 10
        with c.fake.lock:
            c.fake.faults[:] = list(faults)
        for i in range(6):
            c.put("s%d" % i, "192.0.2.%d" % ((i + n[0]) % 200))
        good = lib.wait_for(is_as_wished, seconds)
        lib.ok(good and p.alive() and foreign(c) == before, "%s: %s" % (kind, sentence), text(c, p))

    lib.ok(lib.wait_for(is_as_wished, 30), "%s: all is written" % kind, text(c, p))
    write = WRITE.get(kind, "POST")
    trial("429 with Retry-After", Fault("status", n=3, status=429, headers={"Retry-After": "1"}, text="{}"))
    trial("500 on reading", Fault("status", n=2, method="GET", status=500, text="<html>oops"))
    trial("500 on writing", Fault("status", n=2, method=write, status=500, text="oops"))
    trial("a write of which nobody knows", Fault("lost", n=2, method=write))
    trial("a reset", Fault("reset", n=2))
    trial("an answer that is cut", Fault("cut", n=2))
    trial("garbage", Fault("garbage", n=3))
    trial("half of a document that is said to be whole", Fault("half", n=3, method="GET"))
    trial("an empty document", Fault("empty", n=2, method="GET"))
    # a service whose clock is two hours ahead says when to come again, as a date of its own
    ahead = email.utils.formatdate(time.time() + 7200, usegmt=True)
    trial("a clock that is off", Fault("status", n=2, status=429, text="{}", headers={
        "Date": ahead, "Retry-After": email.utils.formatdate(time.time() + 7201, usegmt=True)}))
    trial("an answer that trickles", Fault("slow", n=1, method="GET"))
    trial("an answer without an end", Fault("hang", n=1, method="GET"), seconds=75)
    trial("refused credentials", Fault("status", n=3, status=401, text="{}"))
    trial("403", Fault("status", n=2, method=write, status=403, text="{}"))
    if kind not in PAGELESS:  # pages without an end: nothing is written meanwhile
        if kind in ("cloudflare", "hetzner"):
            c.fake.endless = True
        else:
            c.fake.page_loop = True
        with c.fake.lock:
            c.fake.requests.clear()
        lib.wait_for(lambda: "no end" in p.text(), 20)
        time.sleep(0.3)
        wrote = c.fake.writes()
        c.fake.endless = c.fake.page_loop = False
        lib.ok("no end" in p.text() and wrote == [] and foreign(c) == before, "%s: pages without an end change nothing" % kind,
               "%s\n%s" % (wrote, text(c, p)))
        trial("and afterwards it goes on", seconds=60)
    # foreign hands: a record of ours changes under us again and again, others come and go
    stop = threading.Event()

    def meddle():
        k = 0
        while not stop.is_set():
            k += 1
            with c.fake.lock:
                c.fake.seed("A", "foreign-%d.example.test" % k, "203.0.113.%d" % (k % 250))
            time.sleep(0.05)
    t = threading.Thread(target=meddle)
    t.start()
    n[0] += 10
    for i in range(6):
        c.put("s%d" % i, "192.0.2.%d" % ((i + n[0]) % 200))
        time.sleep(0.05)
    time.sleep(1)
    stop.set()
    t.join()

    def settled():
        a = c.records("A")
        return all(a.get(("A", "s%d.example.test" % i)) == {"192.0.2.%d" % ((i + n[0]) % 200)} for i in range(6))
    good = lib.wait_for(settled, 45)
    hands = [r for r in c.fake.dump() if r[1].startswith("foreign-")]
    lib.ok(good and len(hands) >= 10 and p.alive(), "%s: foreign hands at the same time lose nothing" % kind, text(c, p))
    lib.ok(p.stop() == 0, "%s: it stops cleanly" % kind, p.text()[-1500:])
    c.fake.stop()


if len(sys.argv) > 1:
    run(sys.argv[1])
else:  # mostly waiting: all clouds at the same time
    several = {kind: lib.Process([sys.executable, __file__, kind], name=kind) for kind in clouds.FAKES}
    for kind, p in several.items():
        status = p.wait(280)
        print(p.text(), end="")
        lib.ok(status == 0, "%s: came through all of it" % kind, status)
lib.done()
