"""google - Cloud DNS v1 with its token endpoint: changes as a whole, exact deletions."""
import copy
import json
import re

from .base import Fake, ok


class Google(Fake):
    def __init__(self, zones=("example.test",), project="p1"):
        super().__init__()
        self.project, self.zones = project, {z.replace(".", "-"): z for z in zones}
        self.sets = {z: {} for z in self.zones}
        self.visibility = {z: "public" for z in self.zones}
        self.quota, self.changes, self.page_loop = 1000, 0, False

    def seed(self, type, name, *values, ttl=300):
        zid = next(z for z, n in self.zones.items() if name == n or name.endswith("." + n))
        self.sets[zid][(name + ".", type)] = {"kind": "dns#resourceRecordSet", "name": name + ".", "type": type,
                                              "ttl": ttl, "rrdatas": list(values)}

    def dump(self):
        return sorted((t, n.rstrip("."), v) for z in self.sets.values() for (n, t), s in z.items() for v in s.get("rrdatas", ["routingPolicy"]))

    def error(self, status, message):
        return ok({"error": {"code": status, "message": message, "errors": [{"message": message}]}}, status)

    def zone(self, zid):
        return {"kind": "dns#managedZone", "name": zid, "dnsName": self.zones[zid] + ".", "description": "",
                "id": str(699036609868956548 + list(self.zones).index(zid)),
                "nameServers": ["ns-cloud-c%d.googledomains.com." % i for i in (1, 2, 3, 4)],
                "creationTime": "2018-07-06T18:42:27.476Z", "visibility": self.visibility[zid],
                "dnssecConfig": {"kind": "dns#managedZoneDnsSecConfig", "state": "off"}}

    def handle(self, method, path, query, headers, body):
        if path == "/token":
            return ok({"access_token": "good-token", "token_type": "Bearer", "expires_in": 3600})
        if headers.get("Authorization") != "Bearer good-token":
            return self.error(401, "Request had invalid authentication credentials.")
        base = "/dns/v1/projects/" + self.project
        if path == base:
            return ok({"kind": "dns#project", "number": "1", "id": self.project, "quota": {
                "kind": "dns#quota", "managedZones": 10000, "rrsetsPerManagedZone": 10000, "resourceRecordsPerRrset": 100,
                "rrsetAdditionsPerChange": self.quota, "rrsetDeletionsPerChange": self.quota,
                "totalRrdataSizePerChange": 100000}})
        if path == base + "/managedZones":
            return ok({"kind": "dns#managedZonesListResponse", "managedZones": [self.zone(i) for i in self.zones]})
        m = re.fullmatch(re.escape(base) + r"/managedZones/([\w-]+)/(rrsets|changes)", path)
        zid = next((i for i in self.zones if m and m[1] in (i, self.zone(i)["id"])), None)
        if zid is None:
            return self.error(404, "The 'parameters.managedZone' resource does not exist.")
        if m[2] == "rrsets":
            items = [s for _, s in sorted(self.sets[zid].items())]
            n, start = min(int(query.get("maxResults", 100)), 3), int(query.get("pageToken", 0))
            out = {"kind": "dns#resourceRecordSetsListResponse", "rrsets": items[start: start + n]}
            if self.page_loop:
                out["nextPageToken"] = "0"
            elif start + n < len(items):
                out["nextPageToken"] = str(start + n)
            return ok(out)
        data, sets = json.loads(body), copy.deepcopy(self.sets[zid])
        if max(len(data.get("deletions", [])), len(data.get("additions", []))) > self.quota:
            return self.error(400, "The 'entity.change' exceeds the quota")
        for d in data.get("deletions", []):
            now = sets.get((d["name"], d["type"]))
            if now is None:
                return self.error(404, "The 'entity.change.deletions[0]' resource does not exist.")
            if sorted(now.get("rrdatas", [])) != sorted(d.get("rrdatas", [])) or now["ttl"] != d["ttl"] \
                    or now.get("routingPolicy") != d.get("routingPolicy"):
                return self.error(412, "Precondition not met for 'entity.change.deletions[0]'")
            del sets[(d["name"], d["type"])]
        for a in data.get("additions", []):
            key = (a["name"], a["type"])
            if key in sets:
                return self.error(409, "The resource 'entity.change.additions[0]' already exists")
            if a["type"] == "A" and not all(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", v) for v in a["rrdatas"]):
                return self.error(400, "Invalid value for 'entity.change.additions[0].rrdatas[0]'")
            if a["type"] in ("CNAME", "NS") and not all(v.endswith(".") for v in a["rrdatas"]):
                return self.error(400, "Invalid value: not absolute")
            if any(n == a["name"] and t != a["type"] and "CNAME" in (t, a["type"]) for n, t in sets):
                return self.error(400, "The resource record set is invalid because CNAME conflicts")
            sets[key] = {"kind": "dns#resourceRecordSet", **a}
        self.sets[zid] = sets
        self.changes += 1
        shown = {k: [{"kind": "dns#resourceRecordSet", **x} for x in data[k]] for k in ("additions", "deletions") if data.get(k)}
        return ok({"kind": "dns#change", **shown, "startTime": "2018-07-09T13:19:46.705Z", "id": str(self.changes),
                   "status": "pending"})
