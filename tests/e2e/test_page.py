"""The status page in a real browser: it shows the zones, follows changes by itself, keeps its policy,
fits a phone.  With PICTURES=FOLDER it leaves pictures there to look at."""
import os
import sys
import time

import browser
import lib
from lib import ok

if not browser.found():
    print("chromium is not installed")
    sys.exit(77)

ZONE = """$ORIGIN {0}.
$TTL 60
@ SOA ns hostmaster {1} 3600 600 86400 60
@ NS ns
ns A 192.0.2.1
"""
d = lib.folder()
port, admin = lib.free_ports(2)
lib.write(d + "/a.zone", ZONE.format("first.test", 7))
g = lib.gslbd(f"--zone=first.test={d}/a.zone", f"--listen=127.0.0.1:{port}", f"--admin=127.0.0.1:{admin}",
              "--cluster-geo-tag=eu")
b = browser.Browser()
b.size(1200, 900)
lib.wait_for(lambda: "runs" in g.text() or not g.alive())
b.open(f"http://127.0.0.1:{admin}/")

ok(b.wait("document.getElementById('live').textContent === 'live'"), "the page is live")
ok(b.wait("document.getElementById('ready').textContent === 'ready'"), "the page says that we are ready")
ok(b.wait("document.title === 'eu · gslbd'"), "the title has the geo tag")
ok(b.wait("document.getElementById('zones').innerText.includes('first.test')"), "the zone is shown")
ok(b.wait("/\\b7\\b/.test(document.getElementById('zones').innerText)"), "its serial is shown")

b.eval("window.notReloaded = true")
t0 = time.monotonic()
lib.write(d + "/a.zone", ZONE.format("first.test", 8))
ok(b.wait("/\\b8\\b/.test(document.getElementById('zones').innerText)", 10) and b.eval("window.notReloaded"),
   "a changed zone shows without a reload")
ok(time.monotonic() - t0 < 3, "within three seconds", time.monotonic() - t0)

b.size(390, 844)
ok(b.eval("document.documentElement.scrollWidth <= 390"), "a phone needs no scrolling sideways",
   b.eval("document.documentElement.scrollWidth"))
if os.environ.get("PICTURES"):
    b.picture(os.environ["PICTURES"] + "/phone.png")
    b.size(1200, 900, True)
    b.picture(os.environ["PICTURES"] + "/dark.png")
ok(not b.complaints(), "no error on the console, no breach of the policy", b.complaints())

g.stop()
ok(b.wait("document.getElementById('live').textContent === 'disconnected'"), "the page says when it is cut off")
ok(g.p.returncode == 0, "gslbd stops cleanly with a page open", g.text())
b.close()
lib.done()
