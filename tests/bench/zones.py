#!/usr/bin/python3
"""zones - a master file of N records of five types: CPU time and time of day to load it, beside
Debian's nsd-checkzone, kzonecheck and named-checkzone; how long gslbd and NSD take to answer from it;
and a transfer of it.  usage: zones.py --build FOLDER [--records N]"""
import argparse
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time

args = argparse.ArgumentParser()
args.add_argument("--build", default="build")
args.add_argument("--records", type=int, default=1000000)
args = args.parse_args()
work = tempfile.mkdtemp(prefix="gslbd-bench.")
zone = os.path.join(work, "big.zone")
with open(zone, "w") as f:
    f.write("$ORIGIN big.test.\n$TTL 300\n@ SOA ns1 host 1 3600 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n")
    for i in range(args.records // 5):
        f.write(f"h{i} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\nh{i} AAAA 2001:db8::{i >> 16:x}:{i & 65535:x}\n"
                f"c{i} CNAME h{i}\nm{i} MX 10 h{i}\nt{i} TXT \"v=spf1 ip4:10.0.0.{i & 255} -all\"\n")


def cpu():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def run(name, *command):
    if not shutil.which(command[0]):
        print(f"| {name} | not installed | |")
        return
    c, t = cpu(), time.monotonic()
    p = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    print(f"| {name} | {cpu() - c:.2f} | {time.monotonic() - t:.2f} |" + ("" if p.returncode == 0 else " FAILED"), flush=True)


print(f"| {args.records:,} records | CPU s | s |\n|---|---|---|")
run("gslbctl check", os.path.join(args.build, "gslbctl"), "check", f"big.test={zone}")
run("nsd-checkzone", "nsd-checkzone", "big.test", zone)
run("kzonecheck", "kzonecheck", "-o", "big.test", zone)
run("named-checkzone", "named-checkzone", "-i", "none", "-k", "ignore", "big.test", zone)

s = socket.socket()
s.bind(("127.0.0.1", 0))
port = s.getsockname()[1]
s.close()
t = time.monotonic()
p = subprocess.Popen([os.path.join(args.build, "gslbd"), f"--listen=127.0.0.1:{port}", f"--zone=big.test={zone}",
                      "--allow-transfer=127.0.0.1", f"--admin=unix:{work}/ctl"], stderr=subprocess.DEVNULL)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.connect(("127.0.0.1", port))
u.settimeout(0.02)
query = b"\0\7\0\0\0\1\0\0\0\0\0\0\2h1\3big\4test\0\0\1\0\1"
while True:
    try:
        u.send(query)
        if u.recv(512)[7] == 1:
            break
    except OSError:
        time.sleep(0.01)
print(f"\ngslbd answers {time.monotonic() - t:.2f} s after its start")
t = time.monotonic()
subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "big.test", "AXFR", "+noall"], stdout=subprocess.DEVNULL, check=False)
print(f"dig has it by AXFR in {time.monotonic() - t:.2f} s")
p.terminate()
p.wait()
shutil.rmtree(work)
