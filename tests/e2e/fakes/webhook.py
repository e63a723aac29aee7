"""webhook - a provider behind ExternalDNS's webhook protocol, as its own server behaves."""
import json

from .base import Fake

TYPE = "application/external.dns.webhook+json;version=1"


class Webhook(Fake):
    def __init__(self, zones=("example.test",)):
        super().__init__()
        self.zones = zones
        self.sets = {}  # (name, type, set identifier) -> endpoint

    def seed(self, type, name, *values, ttl=300):
        self.sets[(name, type, "")] = {"dnsName": name, "recordType": type, "recordTTL": ttl, "targets": list(values)}

    def dump(self):
        return sorted((e["recordType"], e["dnsName"], t) for e in self.sets.values() for t in e["targets"])

    @staticmethod
    def good(obj):
        return 200, {"Content-Type": TYPE, "Vary": "Content-Type"}, json.dumps(obj)

    @staticmethod
    def key(e):
        return (e["dnsName"], e["recordType"], e.get("setIdentifier", ""))

    def change(self, body):
        changes = {k.lower(): v or [] for k, v in json.loads(body).items()}
        sets = dict(self.sets)
        for e in changes.get("delete", []) + changes.get("updateold", []):
            sets.pop(self.key(e), None)
        for e in changes.get("create", []) + changes.get("updatenew", []):
            sets[self.key(e)] = {k: e[k] for k in ("dnsName", "recordType", "recordTTL", "targets", "setIdentifier") if k in e}
        self.sets = sets
        return 204, {}, ""

    def handle(self, method, path, query, headers, body):
        if method == "GET" and headers.get("Accept") != TYPE or method == "POST" and headers.get("Content-Type") != TYPE:
            return 415, {}, "Unsupported Media Type"
        if (method, path) == ("GET", "/"):
            return self.good({"include": list(self.zones)})
        if (method, path) == ("GET", "/records"):
            return self.good(list(self.sets.values()))
        if (method, path) == ("POST", "/adjustendpoints"):
            return self.good(json.loads(body))
        if (method, path) == ("POST", "/records"):
            return self.change(body)
        return 404, {}, ""

    def writes(self):
        return [r for r in super().writes() if r[1] != "/adjustendpoints"]
