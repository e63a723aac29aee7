#!/usr/bin/python3
"""What probing costs: 10,000 targets every 5 s by TCP, as a share of one core.

    tests/bench/probes.py --build BUILD [--targets N] [--interval S] [--seconds S] [--type TCP|HTTP]

A listener of its own process takes the connections on all of 127/8; what is counted is the
daemon's user and system time (/proc/PID/stat) after the first round.
"""
import argparse
import multiprocessing
import os
import socket
import subprocess
import tempfile
import time

PER_HOST = 50
HOST = """---
apiVersion: k8gb.io/v1beta1
kind: Gslb
metadata:
  name: h{n}
  namespace: bench
  annotations: {{k8gb.io/exposed-ip-addresses: "{ips}"}}
spec:
  resourceRef: {{apiVersion: networking.k8s.io/v1, kind: Ingress, name: h{n}}}
  strategy: {{type: roundRobin, dnsTtlSeconds: 30}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: h{n}, namespace: bench}}
spec:
  rules:
  - host: h{n}.cloud.example.com
    http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: s, port: {{number: 80}}}}}}}}]}}
"""
COMMON = """apiVersion: v1
kind: Service
metadata: {{name: s, namespace: bench}}
spec: {{ports: [{{port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: s, namespace: bench, labels: {{kubernetes.io/service-name: s}}}}
addressType: IPv4
endpoints: [{{addresses: [10.0.0.1], conditions: {{ready: true}}}}]
ports: [{{port: 80}}]
---
apiVersion: gslbd.io/v1alpha1
kind: GslbPolicy
metadata: {{name: p, namespace: bench}}
spec:
  hosts: ["*.cloud.example.com"]
  probes: [{{name: p, type: {type}, port: {port}, interval: {interval}s, timeout: 2s}}]
"""


def serve(listener, speaks):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    while True:
        conn, _ = listener.accept()
        try:
            if speaks and conn.recv(4096):
                conn.send(answer)
        except OSError:
            pass
        conn.close()


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--targets", type=int, default=10000)
    p.add_argument("--interval", type=int, default=5)
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--type", default="TCP")
    a = p.parse_args()
    listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
    port = listener.getsockname()[1]
    server = multiprocessing.Process(
        target=serve, args=(listener, a.type != "TCP"), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/a.yaml", "w", encoding="ascii") as f:
            f.write(COMMON.format(type=a.type, port=port, interval=a.interval))
            for n in range(a.targets // PER_HOST):
                ips = [f"127.{1 + n // 250}.{n % 250}.{1 + i}" for i in range(PER_HOST)]
                f.write(HOST.format(n=n, ips=",".join(ips)))
        daemon = subprocess.Popen(
            [f"{a.build}/gslbd", "--cluster-geo-tag=eu", f"--manifests={folder}",
             "--dns-zones=example.com:cloud.example.com:30", "--edge-dns-servers=127.0.0.1:9",
             "--listen=127.0.0.1:0", f"--admin=unix:{folder}/admin"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2 * a.interval)  # the first round and the settling
            before, start = cpu_s(daemon.pid), time.monotonic()
            time.sleep(a.seconds)
            used, took = cpu_s(daemon.pid) - before, time.monotonic() - start
            metrics = subprocess.run(
                [f"{a.build}/gslbctl", f"--server=unix:{folder}/admin", "metrics",
                 "gslbd_probes_total"], capture_output=True, text=True, check=False).stdout
        finally:
            daemon.terminate()
            daemon.wait()
            server.terminate()
    checks = took * a.targets / a.interval
    print(f"{a.targets} {a.type} targets every {a.interval} s: {100 * used / took:.1f} % of one "
          f"core, {1e6 * used / checks:.0f} us a check")
    print(metrics, end="")


if __name__ == "__main__":
    main()
