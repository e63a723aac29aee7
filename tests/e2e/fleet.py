"""fleet - gslbd clusters on loopback for the end-to-end tests: objects as short functions, a cluster with
its folder of manifests, questions to it."""
import json
import os
import subprocess
import urllib.error
import urllib.request

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import lib

ZONE = "cloud.example.com"


def gslb(name, host, strategy="roundRobin", group="k8gb.io", ips=None, annotations=None, service="app",
         namespace="demo", created="2026-01-01T00:00:00Z", policy=None, ref=None, **more):
    """A Gslb with an embedded ingress, or with REF as its resourceRef."""
    hosts = [host] if isinstance(host, str) else host
    notes = dict(annotations or {})
    if ips is not None:
        notes["k8gb.io/exposed-ip-addresses"] = ips if isinstance(ips, str) else ",".join(ips)
    spec = {"strategy": {"type": strategy, **more}}
    if ref is None:
        spec["ingress"] = {"ingressClassName": "nginx", "rules": rules(hosts, service)}
    else:
        spec["resourceRef"] = ref
    if policy:
        spec["serviceHealthPolicy"] = policy
    return {"apiVersion": group + "/v1beta1", "kind": "Gslb", "spec": spec,
            "metadata": {"name": name, "namespace": namespace, "annotations": notes, "creationTimestamp": created}}


def rules(hosts, service="app"):
    services = [service] if isinstance(service, str) else service
    return [{"host": h, "http": {"paths": [{"path": f"/{i}", "pathType": "Prefix",
                                            "backend": {"service": {"name": s, "port": {"number": 80}}}}
                                           for i, s in enumerate(services)]}} for h in hosts]


def thing(api, kind, name, spec=None, status=None, namespace="demo", labels=None, annotations=None):
    o = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    for key, value in (("labels", labels), ("annotations", annotations)):
        if value:
            o["metadata"][key] = value
    if namespace is None:
        del o["metadata"]["namespace"]
    if spec is not None:
        o["spec"] = spec
    if status is not None:
        o["status"] = status
    return o


def load_balancer(*addresses):
    return {"loadBalancer": {"ingress": [{"ip" if a[-1].isdigit() or ":" in a else "hostname": a} for a in addresses]}}


def ingress(name, hosts, addresses=(), service="app", **more):
    hosts = [hosts] if isinstance(hosts, str) else hosts
    return thing("networking.k8s.io/v1", "Ingress", name, {"ingressClassName": "nginx", "rules": rules(hosts, service)},
                 load_balancer(*addresses), **more)


def service(name="app", ready=True, namespace="demo", kind="ClusterIP", addresses=(), labels=None, **more):
    """A Service and its EndpointSlice: READY is True, False or None (no slice)."""
    out = [thing("v1", "Service", name, {"type": kind, "ports": [{"port": 80}], "selector": {"app": name}},
                 load_balancer(*addresses) if addresses else None, namespace, labels, **more)]
    if ready is not None:
        out.append({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                    "metadata": {"name": name + "-1", "namespace": namespace,
                                 "labels": {"kubernetes.io/service-name": name}},
                    "endpoints": [{"addresses": ["10.1.0.5"], "conditions": {"ready": ready}}],
                    "ports": [{"port": 8080}]})
    return out


class Cluster:
    """One gslbd.  peers: {tag: port} for --peer; without, they are found through the edge DNS."""

    def __init__(self, tag, others=(), peers=None, zones=f"example.com:{ZONE}:30", edge=None, args=(), env=None,
                 ips=None, address="127.0.0.1", port=None):
        self.tag, self.address = tag, address
        self.port = port or lib.free_ports(1)[0]
        self.dir = lib.folder()
        self.ctl = os.path.join(lib.folder(), "ctl")
        (self.web,) = lib.free_ports(1)
        self.env = {"CLUSTER_GEO_TAG": tag, "EXT_GSLB_CLUSTERS_GEO_TAGS": ",".join(others)}
        if zones:
            self.env["DNS_ZONES"] = zones
        if edge:
            self.env["EDGE_DNS_SERVERS"] = edge
        if ips:
            self.env["CLUSTER_EXPOSED_IPS"] = ips
        self.env.update(env or {})
        self.args = [f"--manifests={self.dir}", f"--listen={address}:{self.port}", f"--admin=unix:{self.ctl}",
                     f"--admin=127.0.0.1:{self.web}", "--rate-limit=0", "--workers=1", *args]
        for t, p in (peers or {}).items():
            self.args += [f"--peer={t}={a}" for a in ([f"127.0.0.1:{p}"] if isinstance(p, int) else p)]
        self.process = None

    def put(self, file, *objects):
        flat = []
        for o in objects:
            flat += o if isinstance(o, list) else [o]
        lib.write(os.path.join(self.dir, file + ".yaml"), "---\n".join(json.dumps(o) + "\n" for o in flat))

    def drop(self, file):
        os.unlink(os.path.join(self.dir, file + ".yaml"))

    def ready(self, ready, name="app", namespace="demo"):
        self.put("svc-" + name, *service(name, ready, namespace))

    def start(self):
        self.process = lib.gslbd(*self.args, env=self.env, name=self.tag)
        if not lib.wait_for(lambda: not self.process.alive() or self.http("/readyz")[0] == 200, 30):
            print(f"# {self.tag} is not ready\n# " + self.process.text()[-3000:].replace("\n", "\n# "), flush=True)
        return self

    def stop(self):
        return self.process.stop()

    def http(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}{path}", timeout=5) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError as e:
            return 0, str(e)

    def metric(self, start):
        """The value of the first line of /metrics that begins with START."""
        for line in self.http("/metrics")[1].splitlines():
            if line.startswith(start):
                return float(line.split()[-1])
        return None

    def ctl_run(self, *args):
        r = subprocess.run([lib.GSLBCTL, f"--server=unix:{self.ctl}", *args], capture_output=True, text=True,
                           timeout=30, check=False)
        return r.returncode, r.stdout + r.stderr

    def ask(self, name, rdtype="A", tcp=False, ecs=None, source=None):
        q = dns.message.make_query(name, rdtype, use_edns=0 if ecs else None)
        q.flags &= ~dns.flags.RD
        if ecs:
            a, n = ecs.split("/")
            q.use_edns(0, options=[dns.edns.ECSOption(a, int(n))])
        try:
            f = dns.query.tcp if tcp else dns.query.udp
            return f(q, self.address, port=self.port, timeout=2, source=source)
        except (OSError, dns.exception.DNSException):
            return None

    def get(self, name, rdtype="A", **more):
        """Sorted texts of the answer; ["NXDOMAIN"] or the like if that is the rcode; None: no reply."""
        r = self.ask(name, rdtype, **more)
        if r is None:
            return None
        if r.rcode():
            return [dns.rcode.to_text(r.rcode())]
        return sorted(x.to_text() for s in r.answer for x in s)

    def becomes(self, name, want, rdtype="A", seconds=10, **more):
        """Waits until NAME is answered with WANT; whether it was."""
        want = sorted(want)
        return lib.wait_for(lambda: self.get(name, rdtype, **more) == want, seconds, 0.01)

    def stays(self, name, want, seconds, rdtype="A"):
        """Whether every answer within SECONDS is WANT; else the first other one."""
        other = lib.wait_for(lambda: [a for a in [self.get(name, rdtype)] if a != sorted(want)], seconds, 0.02)
        return other == []


def right(cluster, name, want, sentence, rdtype="A", seconds=10, **more):
    """A test case: NAME is answered with WANT, now or soon."""
    good = cluster.becomes(name, want, rdtype, seconds, **more)
    got = None if good else cluster.get(name, rdtype, **more)
    return lib.ok(good, sentence, "" if good else
                  f"{cluster.tag} {name} {rdtype}: got {got}, expected {sorted(want)}\n" + cluster.process.text()[-1500:])
