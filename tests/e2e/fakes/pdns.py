"""pdns - PowerDNS Authoritative's HTTP API: zones and their RRsets, a PATCH lands as a whole or not at all."""
import copy
import json
import re

from .base import Fake, ok


class Pdns(Fake):
    def __init__(self, zones=("example.test",)):
        super().__init__()
        self.zones = {z + ".": {} for z in zones}  # zone -> {(name, type): RRset}

    def seed(self, type, name, *values, ttl=300):
        zone = next(z for z in self.zones if (name + ".").endswith("." + z) or name + "." == z)
        self.zones[zone][(name + ".", type)] = {
            "name": name + ".", "type": type, "ttl": ttl, "comments": [],
            "records": [{"content": v, "disabled": False} for v in values]}

    def dump(self):
        return sorted((t, n.rstrip("."), r["content"]) for z in self.zones.values() for (n, t), s in z.items()
                      for r in s["records"])

    @staticmethod
    def error(status, words):
        return status, {"Content-Type": "application/json"}, json.dumps({"error": words})

    @staticmethod
    def refusal(rrset):
        for r in rrset.get("records", []):
            v = r["content"]
            if rrset["type"] == "A" and not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", v):
                return "Record %s/A '%s': Parsing record content" % (rrset["name"], v)
            if rrset["type"] == "TXT" and not v.startswith('"'):
                return "Record %s/TXT '%s': Data field in DNS should start with quote" % (rrset["name"], v)
            if rrset["type"] in ("CNAME", "NS") and not v.endswith("."):
                return "Record %s/%s '%s': Not in expected format" % (rrset["name"], rrset["type"], v)
        return None

    def patch(self, zone, body):
        sets = copy.deepcopy(self.zones[zone])
        for s in body["rrsets"]:
            key = (s["name"], s["type"])
            if not (s["name"] == zone or s["name"].endswith("." + zone)):
                return self.error(422, "RRset %s IN %s: Name is out of zone" % key)
            sets.pop(key, None)
            if s["changetype"] == "REPLACE" and s["records"]:
                if self.refusal(s):
                    return self.error(422, self.refusal(s))
                sets[key] = {k: v for k, v in s.items() if k != "changetype"}
        for n, t in sets:
            if t == "CNAME" and len([1 for m, _ in sets if m == n]) > 1:
                return self.error(422, "RRset %s IN CNAME: Conflicts with pre-existing RRset" % n)
        self.zones[zone] = sets
        return 204, {}, ""

    def handle(self, method, path, query, headers, body):
        if headers.get("X-API-Key") != "good-token":
            return 401, {}, "Unauthorized"
        base = "/api/v1/servers/localhost/zones"
        if path == base:
            return ok([{"id": z, "name": z, "kind": "Native", "url": base + "/" + z} for z in self.zones])
        zone = path[len(base) + 1:]
        if not path.startswith(base + "/") or zone not in self.zones:
            return self.error(404, "Not Found")
        if method == "PATCH":
            return self.patch(zone, json.loads(body))
        return ok({"id": zone, "name": zone, "kind": "Native", "rrsets": list(self.zones[zone].values())})
