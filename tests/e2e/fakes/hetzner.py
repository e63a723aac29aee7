"""hetzner - Cloud API v1: record sets and actions that run a while."""
import json
import re

from .base import Fake, now, ok


class Hetzner(Fake):
    def __init__(self, zones=("example.test",)):
        super().__init__()
        self.zones = {1000 + i: z for i, z in enumerate(zones)}
        self.sets = {z: {} for z in self.zones}  # (name, type) -> {"ttl", "records"}
        self.actions = {}

    def seed(self, type, name, *values, ttl=None):
        zid, zone = next((z, n) for z, n in self.zones.items() if name == n or name.endswith("." + n))
        rel = "@" if name == zone else name[: -len(zone) - 1]
        self.sets[zid][(rel, type)] = {"ttl": ttl, "records": list(values)}

    def dump(self):
        return sorted((t, z if n == "@" else n + "." + z, v) for zid, z in self.zones.items()
                      for (n, t), s in self.sets[zid].items() for v in s["records"])

    def error(self, status, code, message):
        return ok({"error": {"code": code, "message": message, "details": None}}, status)

    def action(self, command):
        aid = 600 + len(self.actions)
        self.actions[aid] = 1  # polls until it is done
        return ok({"action": self.shown(aid, command, "running")}, 201)

    def shown(self, aid, command, status):
        return {"id": aid, "status": status, "command": command, "progress": 100 if status == "success" else 0,
                "started": now(), "finished": now() if status == "success" else None, "error": None,
                "resources": [{"id": 1000, "type": "zone"}]}

    def bad_value(self, type, values):
        if len(set(values)) != len(values):
            return "duplicate values"
        for v in values:
            if type == "A" and not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", v):
                return "invalid A value " + v
            if type == "TXT" and not v.startswith('"'):
                return "TXT value must be quoted"
        return None

    def page(self, name, items, query, per_page):
        n, page = int(query.get("per_page", per_page)), int(query.get("page", 1))
        last = max(1, -(-len(items) // n))
        return ok({name: items[(page - 1) * n: page * n],
                   "meta": {"pagination": {"page": page, "per_page": n, "previous_page": page - 1 or None,
                                           "next_page": page + 1 if page < last else None, "last_page": last,
                                           "total_entries": len(items)}}})

    def handle(self, method, path, query, headers, body):
        if headers.get("Authorization") != "Bearer good-token":
            return self.error(401, "unauthorized", "unable to authenticate")
        data = json.loads(body) if body else {}
        if path == "/zones":
            return self.page("zones", [{"id": i, "name": n, "mode": "primary", "ttl": 86400, "status": "ok"}
                                       for i, n in self.zones.items()], query, 25)
        m = re.fullmatch(r"/(?:zones/)?actions/(\d+)", path)
        if m:
            left = self.actions.get(int(m[1]), 0)
            self.actions[int(m[1])] = left - 1
            return ok({"action": self.shown(int(m[1]), "x", "running" if left > 0 else "success")})
        m = re.fullmatch(r"/zones/(\d+)/rrsets(?:/([^/]+)/([A-Z]+)(/actions/(\w+))?)?", path)
        if not m or int(m[1]) not in self.zones:
            return self.error(404, "not_found", "Zone not found")
        sets, key = self.sets[int(m[1])], (m[2], m[3])
        if m[2] is None and method == "GET":
            return self.page("rrsets", [{"id": n + "/" + t, "name": n, "type": t, "ttl": s["ttl"], "labels": {},
                                         "protection": {"change": False}, "zone": int(m[1]),
                                         "records": [{"value": v, "comment": ""} for v in s["records"]]}
                                        for (n, t), s in sorted(sets.items())], query, 25)
        values = [r["value"] for r in data.get("records", [])]
        if m[2] is None:  # create
            key = (data["name"], data["type"])
            if key in sets:
                return self.error(409, "uniqueness_error", "rrset already exists")
            bad = self.bad_value(key[1], values)
            if bad or (data.get("ttl") or 60) < 60:
                return self.error(422, "invalid_input", bad or "ttl too small")
            sets[key] = {"ttl": data.get("ttl"), "records": values}
            return self.action("create_rrset")
        if key not in sets:
            return self.error(404, "not_found", "rrset not found")
        if method == "DELETE":
            del sets[key]
            return self.action("delete_rrset")
        if m[5] == "set_records":
            bad = self.bad_value(key[1], values)
            if bad:
                return self.error(422, "invalid_input", bad)
            sets[key]["records"] = values
        elif m[5] == "change_ttl":
            sets[key]["ttl"] = data["ttl"]
        else:
            return self.error(404, "not_found", "no such action")
        return self.action(m[5])
