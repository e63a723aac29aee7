"""hetzner - Cloud API v1: record sets and actions that run a while."""
import json
import re

from .base import Fake, now, ok


class Hetzner(Fake):
    def __init__(self, zones=("example.test",)):
        super().__init__()
        self.zones = {1000 + i: z for i, z in enumerate(zones)}
        self.sets = {z: {} for z in self.zones}  # (name, type) -> {"ttl", "records"}
        self.actions, self.commands, self.endless = {}, {}, False

    def seed(self, type, name, *values, ttl=None):
        zid, zone = next((z, n) for z, n in self.zones.items() if name == n or name.endswith("." + n))
        rel = "@" if name == zone else name[: -len(zone) - 1]
        self.sets[zid][(rel, type)] = {"ttl": ttl, "records": list(values)}

    def dump(self):
        return sorted((t, z if n == "@" else n + "." + z, v) for zid, z in self.zones.items()
                      for (n, t), s in self.sets[zid].items() for v in s["records"])

    def error(self, status, code, message):
        return ok({"error": {"code": code, "message": message, "details": None}}, status)

    def action(self, command, zid, **more):
        aid = 600 + len(self.actions)
        self.actions[aid] = 1  # polls until it is done
        self.commands[aid] = command, zid
        return ok({**more, "action": self.shown(aid, "running")}, 201)

    def zone(self, zid, name):
        ns = ["helium.ns.hetzner.de.", "hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com."]
        return {"id": zid, "name": name, "mode": "primary", "ttl": 86400, "labels": {}, "primary_nameservers": [],
                "created": now(), "protection": {"delete": False}, "status": "ok",
                "authoritative_nameservers": {"assigned": ns, "delegated": ns, "delegation_last_check": now(),
                                              "delegation_status": "valid"},
                "record_count": sum(len(s["records"]) for s in self.sets[zid].values()), "registrar": "hetzner"}

    def rrset(self, zid, name, type):
        s = self.sets[zid][(name, type)]
        return {"id": name + "/" + type, "name": name, "type": type, "ttl": s["ttl"], "labels": s.get("labels", {}),
                "protection": {"change": False}, "records": [{"value": v, "comment": ""} for v in s["records"]],
                "zone": zid}

    def shown(self, aid, status):
        command, zid = self.commands[aid]
        return {"id": aid, "status": status, "command": command, "progress": 100 if status == "success" else 0,
                "started": now(), "finished": now() if status == "success" else None, "error": None,
                "resources": [{"id": zid, "type": "zone"}]}

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
        last = page + 1 if self.endless else max(1, -(-len(items) // n))
        return ok({name: items[(page - 1) * n: page * n],
                   "meta": {"pagination": {"page": page, "per_page": n, "previous_page": page - 1 or None,
                                           "next_page": page + 1 if page < last else None, "last_page": last,
                                           "total_entries": len(items)}}})

    def handle(self, method, path, query, headers, body):
        if headers.get("Authorization") != "Bearer good-token":
            return self.error(401, "unauthorized", "unable to authenticate")
        data = json.loads(body) if body else {}
        if path == "/zones":
            return self.page("zones", [self.zone(i, n) for i, n in self.zones.items()], query, 25)
        m = re.fullmatch(r"/(?:zones/)?actions/(\d+)", path)
        if m:
            if int(m[1]) not in self.actions:
                return self.error(404, "not_found", "Action not found")
            left = self.actions[int(m[1])]
            self.actions[int(m[1])] = left - 1
            return ok({"action": self.shown(int(m[1]), "running" if left > 0 else "success")})
        m = re.fullmatch(r"/zones/([^/]+)(/rrsets(?:/([^/]+)/([A-Z]+)(/actions/(\w+))?)?)?", path)
        zid = next((i for i, n in self.zones.items() if m and m[1] in (str(i), n)), None)
        if zid is None:
            return self.error(404, "not_found", "Zone not found")
        if m[2] is None:
            return ok({"zone": self.zone(zid, self.zones[zid])})
        return self.rrsets(method, zid, m[3], m[4], m[6], query, data)

    def rrsets(self, method, zid, name, type, action, query, data):
        sets, key = self.sets[zid], (name, type)
        if name is None and method == "GET":
            items = [self.rrset(zid, n, t) for n, t in sorted(sets)
                     if query.get("name") in (None, n) and query.get("type") in (None, t)]
            return self.page("rrsets", items, query, 25)
        values = [r["value"] for r in data.get("records", [])]
        if name is None:  # create
            key = (data["name"], data["type"])
            if key in sets:
                return self.error(409, "uniqueness_error", "rrset already exists")
            bad = self.bad_value(key[1], values) or self.conflict(sets, key)
            if bad or (data.get("ttl") or 60) < 60:
                return self.error(422, "invalid_input", bad or "ttl too small")
            sets[key] = {"ttl": data.get("ttl"), "records": values, "labels": data.get("labels", {})}
            return self.action("create_rrset", zid, rrset=self.rrset(zid, *key))
        if key not in sets and action == "add_records":
            sets[key] = {"ttl": data.get("ttl"), "records": []}
        if key not in sets:
            return self.error(404, "not_found", "rrset not found")
        if method == "PUT":
            sets[key]["labels"] = data.get("labels", {})
            return ok({"rrset": self.rrset(zid, *key)})
        if method == "DELETE":
            del sets[key]
            return self.action("delete_rrset", zid)
        if action in ("set_records", "add_records"):
            bad = self.bad_value(type, values)
            if bad:
                return self.error(422, "invalid_input", bad)
            kept = sets[key]["records"] if action == "add_records" else []
            sets[key]["records"] = kept + [v for v in values if v not in kept]
            return self.action("set_rrset_records" if action == "set_records" else "add_rrset_records", zid)
        if action == "remove_records":
            sets[key]["records"] = [v for v in sets[key]["records"] if v not in values]
            if not sets[key]["records"]:
                del sets[key]
            return self.action("remove_rrset_records", zid)
        if action == "change_ttl":
            sets[key]["ttl"] = data["ttl"]
            return self.action("change_rrset_ttl", zid)
        return self.error(404, "not_found", "no such action")

    @staticmethod
    def conflict(sets, key):
        clash = any(n == key[0] and t != key[1] and "CNAME" in (t, key[1]) for n, t in sets)
        return "CNAME conflicts with other rrsets" if clash else None
