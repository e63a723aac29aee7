#!/usr/bin/python3
"""bench - gslbd beside Debian's gdnsd, NSD and Knot, in one run on this machine.

One worker each on CPU 0, dnsperf on CPU 1, the same zone of 1,000 names (half A, half AAAA, two
addresses each) and the same questions (half of them with EDNS by a second dnsperf run).
Measured are CPU time an answer of the server's processes (user and system, from /proc), which a busy
machine disturbs, and instructions an answer in user space (callgrind, the difference between two
numbers of questions), which nothing disturbs.

usage: bench.py [--build DIR] [--seconds N] [--rounds N] [--names N] [--only NAME,...]
                [--no-instructions] [--markdown]
"""
import argparse
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ORIGIN = "prod.gslb.bench.test"
TICK = os.sysconf("SC_CLK_TCK")


def make_zone(folder, names):
    """Master file, the questions for dnsperf; paths."""
    zone, questions = folder + "/zone", folder + "/questions"
    with open(zone, "w") as z, open(questions, "w") as q:
        z.write(f"$ORIGIN {ORIGIN}.\n$TTL 30\n"
                f"@ 3600 IN SOA ns1.{ORIGIN}. admin.{ORIGIN}. 7 7200 3600 86400 30\n"
                f"@ 3600 IN NS ns1.{ORIGIN}.\n@ 3600 IN NS ns2.{ORIGIN}.\n"
                "ns1 300 IN A 192.0.2.53\nns2 300 IN A 192.0.2.54\n")
        for i in range(names):
            n = f"svc{i:06d}"
            if i % 2:
                z.write(f"{n} IN AAAA 2001:db8::{i:x}\n{n} IN AAAA 2001:db8:1::{i:x}\n")
            else:
                z.write(f"{n} IN A 192.0.2.{i % 250}\n{n} IN A 198.51.100.{i % 250}\n")
            q.write(f"{n}.{ORIGIN} {'AAAA' if i % 2 else 'A'}\n")
    return zone, questions


def free_port():
    """Free for UDP and TCP, and none that the kernel gives to clients."""
    while True:
        port = random.randrange(10000, 30000)
        try:
            with socket.socket() as t, socket.socket(type=socket.SOCK_DGRAM) as u:
                t.bind(("127.0.0.1", port))
                u.bind(("127.0.0.1", port))
                return port
        except OSError:
            pass


def gslbd(folder, zone, port, build):
    return [os.path.abspath(build + "/gslbd"), f"--listen=127.0.0.1:{port}",
            f"--zone={ORIGIN}={zone}", "--workers=1", "--rate-limit=0", "--no-rotate"]


def gdnsd(folder, zone, port, build):
    os.makedirs(folder + "/gdnsd/zones")
    shutil.copy(zone, f"{folder}/gdnsd/zones/{ORIGIN}")
    with open(folder + "/gdnsd/config", "w") as f:
        f.write(f"""options => {{
 listen => 127.0.0.1:{port}, udp_threads => 1, tcp_threads => 1,
 run_dir => {folder}/gdnsd/run, state_dir => {folder}/gdnsd/state
}}
""")
    return ["gdnsd", "-c", folder + "/gdnsd", "start"]


def nsd(folder, zone, port, build):
    with open(folder + "/nsd.conf", "w") as f:
        f.write(f"""server:
 server-count: 1
 ip-address: 127.0.0.1@{port}
 username: ""
 zonesdir: "{folder}"
 database: ""
 pidfile: "{folder}/nsd.pid"
 xfrdfile: "{folder}/xfrd"
 zonelistfile: "{folder}/zonelist"
 logfile: "{folder}/nsd.log"
 minimal-responses: yes
 rrl-ratelimit: 0
remote-control:
 control-enable: no
zone:
 name: {ORIGIN}
 zonefile: {zone}
""")
    return ["nsd", "-d", "-c", folder + "/nsd.conf"]


def knot(folder, zone, port, build):
    with open(folder + "/knot.conf", "w") as f:
        f.write(f"""server:
 listen: 127.0.0.1@{port}
 rundir: {folder}
 udp-workers: 1
 tcp-workers: 1
 background-workers: 1
database:
 storage: {folder}
log:
 - target: stderr
   any: warning
zone:
 - domain: {ORIGIN}
   file: {zone}
   journal-content: none
""")
    return ["knotd", "-c", folder + "/knot.conf"]


SERVERS = {"gslbd": gslbd, "gdnsd": gdnsd, "NSD": nsd, "Knot": knot}


def family(pid):
    """PID and its children."""
    pids = [pid]
    for p in pids:
        for t in os.listdir(f"/proc/{p}/task"):
            with open(f"/proc/{p}/task/{t}/children") as f:
                pids += [int(c) for c in f.read().split()]
    return pids


def cpu_ticks(pid):
    user = system = 0
    for p in family(pid):
        with open(f"/proc/{p}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
    return user, system


class Server:
    def __init__(self, name, folder, zone, build, wrap=()):
        self.port = free_port()
        os.makedirs(folder, exist_ok=True)
        self.log = open(folder + "/log", "wb")
        args = [*wrap, *SERVERS[name](folder, zone, self.port, build)]
        self.p = subprocess.Popen(args, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not self.answers():
            if self.p.poll() is not None or time.monotonic() > end:
                self.log.flush()
                sys.exit(f"{name} does not answer:\n" + open(folder + "/log").read()[-2000:])
            time.sleep(0.05)

    def answers(self):
        name = b"".join(bytes([len(x)]) + x.encode() for x in ORIGIN.split(".")) + b"\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + name + b"\0\6\0\1")
                return s.recv(512)[3] & 15 == 0
            except OSError:
                return False

    def stop(self):
        pids = family(self.p.pid)
        self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(20)
        except subprocess.TimeoutExpired:
            for p in pids:
                os.kill(p, signal.SIGKILL)
            self.p.wait()
        self.log.close()


def dnsperf(port, questions, *args, cpu="1"):
    """Answers received, answers a second."""
    out = subprocess.run(["taskset", "-c", cpu, "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d",
                          questions, *args], capture_output=True, text=True, check=True).stdout
    done = int(re.search(r"Queries completed:\s+(\d+)", out).group(1))
    lost = int(re.search(r"Queries lost:\s+(\d+)", out).group(1))
    return done, lost, float(re.search(r"Queries per second:\s+([\d.]+)", out).group(1))


def measure(server, questions, seconds, args):
    u0, s0 = cpu_ticks(server.p.pid)
    done, _, qps = dnsperf(server.port, questions, "-l", str(seconds), *args)
    u1, s1 = cpu_ticks(server.p.pid)
    return (u1 - u0) / TICK / done * 1e6, (s1 - s0) / TICK / done * 1e6, qps


def instructions(name, folder, zone, questions, build, args):
    """User-space instructions an answer."""
    totals = []
    counts = (5000, 25000)
    for n in counts:
        d = f"{folder}/cg{n}"
        os.makedirs(d)
        server = Server(name, d, zone, build,
                        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={d}/out.%p"])
        with open(questions) as f:
            per_run = sum(1 for _ in f)
        done, lost, _ = dnsperf(server.port, questions, "-n", str(n // per_run), *args)
        server.stop()
        total = 0
        for f in os.listdir(d):
            if f.startswith("out."):
                with open(f"{d}/{f}") as text:
                    m = re.search(r"^(?:summary|totals): (\d+)", text.read(), re.M)
                total += int(m.group(1)) if m else 0
        totals.append((total, done))
    return round((totals[1][0] - totals[0][0]) / (totals[1][1] - totals[0][1]))


UDP = ("-q", "100")
RUNS = {
    "UDP": UDP,
    "UDP, EDNS": (*UDP, "-e"),
    "TCP": ("-m", "tcp", "-c", "8", "-q", "200"),
}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--names", type=int, default=1000)
    p.add_argument("--only", default=",".join(SERVERS))
    p.add_argument("--no-instructions", action="store_true")
    p.add_argument("--no-time", action="store_true")
    a = p.parse_args()
    chosen = [s for s in SERVERS if s in a.only.split(",")]
    folder = tempfile.mkdtemp(prefix="gslbd-bench.")
    zone, questions = make_zone(folder, a.names)
    times = {}
    try:
        if not a.no_time:
            running = {s: Server(s, f"{folder}/{s}", zone, a.build, ["taskset", "-c", "0"])
                       for s in chosen}
            for s in chosen:  # warm up
                dnsperf(running[s].port, questions, "-l", "0.5", *UDP)
            for _ in range(a.rounds):
                for run, args in RUNS.items():
                    for s in chosen:  # one after another: the same neighbours for all
                        times.setdefault((run, s), []).append(
                            measure(running[s], questions, a.seconds, args))
            for s in running.values():
                s.stop()
        counts = {}
        if not a.no_instructions:
            for run, args in RUNS.items():
                for s in chosen:
                    counts[run, s] = instructions(s, f"{folder}/{s}.{run.replace(', ', '')}", zone,
                                                  questions, a.build, args)
        print(f"| {a.names} names | user µs | system µs | CPU µs an answer | "
              "instructions an answer |\n|---|---|---|---|---|")
        for run in RUNS:
            for s in chosen:
                user, system, total = ("–",) * 3
                if (run, s) in times:
                    rounds = sorted(times[run, s], key=lambda t: t[0] + t[1])
                    m = rounds[len(rounds) // 2]
                    user, system, total = f"{m[0]:.2f}", f"{m[1]:.2f}", f"{m[0] + m[1]:.2f}"
                print(f"| {run}: {s} | {user} | {system} | {total} | "
                      f"{counts.get((run, s), '–')} |")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
