"""lib - what the end-to-end tests share: free ports, gslbd processes that end with the test, waiting
for conditions (never for time), and ok / not ok lines."""
import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build")
GSLBD = os.environ.get("GSLBD", os.path.join(BUILD, "gslbd"))
GSLBCTL = os.environ.get("GSLBCTL", os.path.join(BUILD, "gslbctl"))
_failed = 0
_processes = []
_folders = []


def ok(good, sentence, detail=""):
    """One test case: prints its line; the process' exit status is 1 if any failed."""
    global _failed
    print(("ok - " if good else "not ok - ") + sentence, flush=True)
    if not good:
        _failed += 1
        if detail:
            print("# " + str(detail).replace("\n", "\n# "), flush=True)
    return good


def done():
    sys.exit(1 if _failed else 0)


def folder():
    d = tempfile.mkdtemp(prefix="gslbd-test.")
    _folders.append(d)
    return d


def free_ports(n):
    """N ports free for TCP and UDP on loopback just now."""
    held = []
    while len(held) < n:
        t = socket.socket()
        t.bind(("127.0.0.1", 0))
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            u.bind(("127.0.0.1", t.getsockname()[1]))
        except OSError:
            t.close()
            continue
        held.append((t, u))
    ports = [t.getsockname()[1] for t, _ in held]
    for t, u in held:
        t.close()
        u.close()
    return ports


def wait_for(condition, seconds=20, every=0.02):
    """Until condition() is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def write(path, text):
    """Atomically, as editors and controllers do."""
    with open(path + ".new~", "w") as f:
        f.write(text)
    os.rename(path + ".new~", path)


class Process:
    """A program that ends with the test; its output goes to a file."""

    def __init__(self, args, env=None, name="process"):
        self.log = os.path.join(folder(), name + ".log")
        self.out = open(self.log, "wb")
        self.p = subprocess.Popen(args, stdout=self.out, stderr=self.out, env={**os.environ, **(env or {})},
                                  stdin=subprocess.DEVNULL)
        _processes.append(self)

    def alive(self):
        return self.p.poll() is None

    def wait(self, seconds=60):
        try:
            return self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            return "timeout"

    def stop(self, sig=signal.SIGTERM):
        if self.alive():
            self.p.send_signal(sig)
            self.wait(20)
        return self.p.returncode

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


def gslbd(*args, env=None, name="gslbd"):
    return Process([GSLBD, *args], env, name)


@atexit.register
def _clean():
    for p in _processes:
        if p.alive():
            p.p.kill()
            p.p.wait()
    for d in _folders:
        shutil.rmtree(d, ignore_errors=True)
