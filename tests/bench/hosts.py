#!/usr/bin/python3
"""hosts - ten thousand load-balanced hosts from manifests: how long until they are answered, and how
long a change of one takes to the wire while dnsperf asks for all of them.

usage: tests/bench/hosts.py [BUILD-FOLDER [HOSTS]]"""
import os
import socket
import statistics
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
os.environ.setdefault("BUILD", sys.argv[1] if len(sys.argv) > 1 else "build")
import lib  # noqa: E402

N = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
CHANGES = 200

HOST = """---
apiVersion: k8gb.io/v1beta1
kind: Gslb
metadata: {name: h%(i)d, namespace: bench, annotations: {k8gb.io/exposed-ip-addresses: "192.0.2.%(ip)d"}}
spec:
  resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: h%(i)d}
  strategy: {type: roundRobin, dnsTtlSeconds: 30}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: h%(i)d, namespace: bench}
spec:
  rules:
  - host: h%(i)d.gslb.example.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: h%(i)d, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: h%(i)d, namespace: bench}
spec: {ports: [{port: 80}]}
"""
SLICE = """---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: h%(i)d-1, namespace: bench, labels: {kubernetes.io/service-name: h%(i)d}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], conditions: {ready: %(ready)s}}]
"""


def slice_of(i, ready=True):
    return SLICE % {"i": i, "ready": "true" if ready else "false"}


def question(i):
    name = "".join(chr(len(x)) + x for x in ("h%d" % i, "gslb", "example", "test")).encode() + b"\0"
    return struct.pack("!6H", 7, 0, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1)


def answers(sock, i):
    sock.send(question(i))
    try:
        m = sock.recv(512)
    except OSError:
        return -1
    return struct.unpack("!H", m[6:8])[0] if m[3] & 15 == 0 else -1


def main():
    d = lib.folder()
    for k in range(0, N, 100):
        lib.write(os.path.join(d, "hosts-%05d.yaml" % k),
                  "".join(HOST % {"i": i, "ip": i % 250 + 1} for i in range(k, min(k + 100, N))))
    changed = N // 2
    lib.write(os.path.join(d, "slices.yaml"), "".join(slice_of(i) for i in range(N) if i != changed))
    lib.write(os.path.join(d, "one.yaml"), slice_of(changed))
    port, = lib.free_ports(1)
    start = time.monotonic()
    p = lib.gslbd("--manifests=" + d, "--listen=127.0.0.1:%d" % port, "--rate-limit=0", "--workers=1",
                  "--admin=unix:" + os.path.join(d, ".ctl"),
                  env={"CLUSTER_GEO_TAG": "eu", "DNS_ZONES": "example.test:gslb.example.test:30"})
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    s.connect(("127.0.0.1", port))
    if not lib.wait_for(lambda: answers(s, N - 1) > 0 and answers(s, 0) > 0, 60, 0.002):
        sys.exit("the hosts are not answered\n" + p.text()[-2000:])
    print("%d hosts answered %.2f s after the start" % (N, time.monotonic() - start))
    with open("/proc/%d/status" % p.p.pid) as f:
        print(next(line for line in f if line.startswith("VmRSS")).split(":")[1].strip(), "resident")
    data = os.path.join(d, ".questions")
    with open(data, "w") as f:
        f.writelines("h%d.gslb.example.test A\n" % i for i in range(N))
    load = subprocess.Popen(["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", data, "-l", "15", "-Q", "50000"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    took, ready = [], True
    for _ in range(CHANGES):
        ready = not ready
        with open(os.path.join(d, ".next"), "w") as f:
            f.write(slice_of(changed, ready))
        t = time.monotonic()
        os.rename(os.path.join(d, ".next"), os.path.join(d, "one.yaml"))
        while (answers(s, changed) > 0) != ready:
            if time.monotonic() - t > 10:
                sys.exit("a change is not seen")
        took.append((time.monotonic() - t) * 1000)
    took.sort()
    print("%d changes of one host on the wire: median %.2f ms, p99 %.2f ms, max %.2f ms" %
          (CHANGES, statistics.median(took), took[int(len(took) * 0.99)], took[-1]))
    out = load.communicate()[0]
    print("meanwhile:", next(x for x in out.splitlines() if "Queries per second" in x).strip())


main()
