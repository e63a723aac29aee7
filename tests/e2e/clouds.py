"""clouds - gslbd with each HTTP provider before a fake of its service: what the tests share."""
import json
import os
import subprocess

import lib
from fakes.azure import Azure
from fakes.cloudflare import Cloudflare
from fakes.google import Google
from fakes.hetzner import Hetzner
from fakes.pdns import Pdns
from fakes.route53 import Route53
from fakes.webhook import Webhook

SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: %(name)s
  namespace: shop
  annotations:
    external-dns.alpha.kubernetes.io/hostname: %(host)s
    external-dns.alpha.kubernetes.io/ttl: "120"
spec:
  type: LoadBalancer
status:
  loadBalancer:
    ingress:
      - %(kind)s: %(target)s
"""


def service(name, target, host=None):
    kind = "ip" if target[0].isdigit() else "hostname"
    return SERVICE % {"name": name, "host": host or name + ".example.test", "kind": kind, "target": target}


def rsa_key():
    return subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                          capture_output=True, text=True, check=True).stdout


def environment(kind, fake, d):
    if kind == "cloudflare":
        return {"CLOUDFLARE_BASE_URL": fake.url, "CF_API_TOKEN": "good-token"}
    if kind == "aws":
        return {"AWS_ENDPOINT_URL_ROUTE_53": fake.url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
    if kind == "hetzner":
        return {"HCLOUD_ENDPOINT": fake.url, "HCLOUD_TOKEN": "good-token"}
    if kind == "pdns":
        return {"EXTERNAL_DNS_PDNS_SERVER": fake.url, "EXTERNAL_DNS_PDNS_API_KEY": "good-token"}
    if kind == "webhook":
        return {"EXTERNAL_DNS_WEBHOOK_PROVIDER_URL": fake.url}
    if kind == "google":
        key = os.path.join(d, "key.json")
        with open(key, "w") as f:
            json.dump({"type": "service_account", "project_id": "p1", "client_email": "a@p1.example",
                       "private_key_id": "k", "private_key": rsa_key(), "token_uri": fake.url + "/token"}, f)
        return {"CLOUDSDK_API_ENDPOINT_OVERRIDES_DNS": fake.url, "GOOGLE_APPLICATION_CREDENTIALS": key}
    config = os.path.join(d, "azure.json")
    with open(config, "w") as f:
        json.dump({"tenantId": "t1", "subscriptionId": "s1", "resourceGroup": "rg1", "aadClientId": "c1",
                   "aadClientSecret": "secret", "activeDirectoryAuthorityHost": fake.url}, f)
    return {"AZURE_RESOURCE_MANAGER_ENDPOINT": fake.url}


SPECS = {"cloudflare": "cloudflare-dns-2024-08.json", "hetzner": "hetzner-cloud-dns.json",
         "google": "google-clouddns-v1.json", "azure": "azure-dns-2018-05-01.json",
         "webhook": "external-dns-webhook.yaml"}


class Prism:
    """A proxy before FAKE that answers an error for whatever does not fit the schema of KIND."""

    def __init__(self, kind, fake):
        port = lib.free_ports(1)[0]
        self.url = "http://127.0.0.1:%d" % port
        self.p = lib.Process([os.environ.get("PRISM", "prism"), "proxy", "-h", "127.0.0.1", "-p", str(port), "--errors",
                              os.path.join(os.environ["SPECS"], SPECS[kind]), fake.url], name="prism")
        lib.wait_for(lambda: "listening" in self.p.text(), 60)

    def violations(self):
        return [x for x in self.p.text().splitlines() if "Violation" in x or "\u2716" in x]


PROVIDER = {"azure-private": "azure-private-dns"}
FAKES = {"cloudflare": Cloudflare, "aws": Route53, "hetzner": Hetzner, "google": Google, "azure": Azure,
         "azure-private": lambda: Azure(private=True), "pdns": Pdns, "webhook": Webhook}
CLOUDS = ("cloudflare", "aws", "hetzner", "google", "azure")  # those that the first user may choose among


class Case:
    def __init__(self, kind, fake=None):
        self.kind, self.fake, self.dir = kind, fake or FAKES[kind](), lib.folder()
        self.manifests = os.path.join(self.dir, "m")
        os.mkdir(self.manifests)
        self.env = environment(kind, self.fake, self.dir)
        self.prism = Prism(kind, self.fake) if os.environ.get("SPECS") and kind in SPECS else None
        for name in self.env if self.prism else ():
            if self.env[name] == self.fake.url:
                self.env[name] = self.prism.url
        if self.prism:
            self.fake.link = self.prism.url  # of further pages

    def put(self, name, *args, **kw):
        lib.write(os.path.join(self.manifests, name + ".yaml"), service(name, *args, **kw))

    def drop(self, name):
        os.unlink(os.path.join(self.manifests, name + ".yaml"))

    def write(self, name, text):
        lib.write(os.path.join(self.manifests, name + ".yaml"), text)

    def start(self, *args, name=None, env=None):
        """gslbd with ARGS and what this machine needs."""
        args = [*args, "--manifests=" + self.manifests, "--listen=127.0.0.1:0",
                "--admin=unix:" + os.path.join(self.dir, "ctl" + (name or ""))]
        if self.kind.startswith("azure"):
            args.append("--azure-config-file=" + os.path.join(self.dir, "azure.json"))
        return lib.gslbd(*args, env={**self.env, **(env or {})}, name=name or self.kind)

    def once(self, *more, env=None):
        p = self.start("--source=service", "--source=crd", "--provider=" + PROVIDER.get(self.kind, self.kind), "--once",
                       "--policy=sync", "--txt-owner-id=me", "--txt-prefix=_externaldns.",
                       "--domain-filter=example.test", *more, env=env)
        self.status = p.wait(60)
        self.log = p.text()
        return self.status

    def records(self, *types):
        """{(type, name): {values}}, quotes and final dots aside."""
        out = {}
        for t, n, v in self.fake.dump():
            if not types or t in types:
                out.setdefault((t, n), set()).add(v.strip('"').rstrip("."))
        return out


ENDPOINT = """apiVersion: externaldns.k8s.io/v1alpha1
kind: DNSEndpoint
metadata: {name: %s, namespace: shop}
spec: {endpoints: %s}
"""


def endpoint(name, *endpoints):
    """A DNSEndpoint object; ENDPOINTS are dictionaries."""
    return ENDPOINT % (name, json.dumps(list(endpoints)))


def owner(resource):
    return "heritage=external-dns,external-dns/owner=me,external-dns/resource=" + resource
