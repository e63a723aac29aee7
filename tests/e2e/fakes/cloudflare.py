"""cloudflare - API v4 as its recordings answer: zones, dns_records, batch (all or nothing)."""
import copy
import json
import re

from .base import Fake, now, ok


class Cloudflare(Fake):
    def __init__(self, zones=("example.test",), plan="free", has_batch=True):
        super().__init__()
        self.zones = {("%032x" % (i + 1)): z for i, z in enumerate(zones)}
        self.plan, self.has_batch = plan, has_batch
        self.records = {z: {} for z in self.zones}
        self.custom = {z: {} for z in self.zones}    # id -> custom hostname
        self.regions = {z: {} for z in self.zones}   # hostname -> region key
        self.refuse = None                           # a name that is refused
        self.endless = False                         # says that there is always one more page
        self.serial = 0

    def seed(self, type, name, content, ttl=1, **more):
        zid = next(z for z, n in self.zones.items() if name == n or name.endswith("." + n))
        self.serial += 1
        rid = "%032x" % (0xabc000 + self.serial)
        r = {"id": rid, "name": name, "type": type, "content": content, "proxiable": type in ("A", "AAAA", "CNAME"),
             "proxied": False, "ttl": ttl, "settings": {}, "meta": {}, "comment": None, "tags": [],
             "created_on": now(), "modified_on": now()}
        r.update(more)
        self.records[zid][rid] = r
        return r

    def dump(self):
        return sorted((r["type"], r["name"], r["content"]) for z in self.records.values() for r in z.values())

    def error(self, code, message, status=400):
        return ok({"result": None, "success": False, "errors": [{"code": code, "message": message}], "messages": []},
                  status)

    def good(self, result, info=None):
        o = {"result": result, "success": True, "errors": [], "messages": []}
        if info:
            o["result_info"] = info
        return ok(o)

    def page(self, items, query, per_page):
        n, page = int(query.get("per_page", per_page)), int(query.get("page", 1))
        part = items[(page - 1) * n: page * n]
        return self.good(part, {"page": page, "per_page": n, "count": len(part), "total_count": len(items),
                                "total_pages": page + 1 if self.endless else max(1, -(-len(items) // n))})

    def check(self, zid, r, store, skip=None):
        """The service's own rules; None if R may stand in STORE."""
        if r["name"] == self.refuse:
            return 9003, "Target is not allowed for a proxied record."
        if r["type"] not in ("SRV", "CAA") and not r.get("content"):
            return 9005, "Content is missing"
        if r["type"] == "A" and not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", r["content"]):
            return 9005, "Content for A record is invalid. Must be a valid IPv4 address"
        if r["ttl"] != 1 and not (30 if self.plan == "enterprise" else 60) <= r["ttl"] <= 86400:
            return 9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic"
        if r.get("comment") and len(r["comment"]) > 100 and self.plan == "free":
            return 9313, "Comment too long"
        if r.get("proxied") and r["type"] not in ("A", "AAAA", "CNAME"):
            return 9004, "This record type cannot be proxied"
        for o in store.values():
            if o["id"] == skip or o["name"] != r["name"]:
                continue
            if o["type"] == r["type"] and o["content"] == r.get("content"):
                return 81058, "An identical record already exists."
            if "CNAME" in (o["type"], r["type"]) and not {o["type"], r["type"]} <= {"CNAME", "TXT", "NS"}:
                return 81053, "An A, AAAA, or CNAME record with that host already exists."
        return None

    def full(self, zid, body, rid=None):
        r = {"id": rid, "name": body["name"].lower(), "type": body["type"], "content": body.get("content", ""),
             "proxiable": body["type"] in ("A", "AAAA", "CNAME") and not re.match(r"127\.|10\.", body.get("content") or ""),
             "proxied": body.get("proxied", False), "ttl": body.get("ttl", 1),
             "settings": {"flatten_cname": False} if body["type"] == "CNAME" else {}, "meta": {},
             "comment": body.get("comment"), "tags": body.get("tags", []), "created_on": now(), "modified_on": now()}
        if r["proxied"]:
            r["ttl"] = 1
        if "priority" in body:
            r["priority"] = body["priority"]
        d = body.get("data")
        if d and r["type"] == "SRV":
            r["data"], r["priority"] = d, d["priority"]
            r["content"] = "%d %d %s" % (d["weight"], d["port"], d["target"])
        if d and r["type"] == "CAA":
            r["data"], r["content"] = d, '%d %s "%s"' % (d["flags"], d["tag"], d["value"])
        if rid is None:
            self.serial += 1
            r["id"] = "%032x" % (0xdef000 + self.serial)
        return r

    def batch(self, zid, body):
        store, out = copy.deepcopy(self.records[zid]), {"deletes": [], "patches": [], "puts": [], "posts": []}
        n = sum(len(body.get(k) or []) for k in out)
        if n > (200 if self.plan == "free" else 3500):
            return self.error(9999, "too many operations in a batch")
        for d in body.get("deletes") or []:
            if d["id"] not in store:
                return self.error(81044, "Record does not exist.", 404)
            out["deletes"].append(store.pop(d["id"]))
        for kind in ("puts", "posts"):
            for b in body.get(kind) or []:
                rid = b.get("id") if kind == "puts" else None
                if rid and rid not in store:
                    return self.error(81044, "Record does not exist.", 404)
                r = self.full(zid, b, rid)
                bad = self.check(zid, r, store, rid)
                if bad:
                    return self.error(*bad)
                store[r["id"]] = r
                out[kind].append(r)
        self.records[zid] = store
        return self.good(out)

    def zone(self, zid, name):
        return {"id": zid, "name": name, "status": "active", "paused": False, "type": "full", "development_mode": 0,
                "name_servers": ["blakely.ns.cloudflare.com", "vin.ns.cloudflare.com"], "original_name_servers": None,
                "original_registrar": None, "original_dnshost": None, "modified_on": now(), "created_on": now(),
                "activated_on": now(), "vanity_name_servers": [], "vanity_name_servers_ips": None,
                "meta": {"step": 4, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": False},
                "owner": {"id": None, "type": "user", "email": None}, "account": {"id": "a" * 32, "name": "Account"},
                "tenant": {"id": None, "name": None}, "tenant_unit": {"id": None},
                "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
                "plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "name": self.plan, "price": 0, "currency": "USD",
                         "frequency": "", "is_subscribed": False, "can_subscribe": False, "legacy_id": self.plan,
                         "legacy_discount": False, "externally_managed": False}}

    def hosts(self, method, zid, kind, key, query, data):
        """custom_hostnames and addressing/regional_hostnames."""
        if kind == "custom_hostnames":
            store = self.custom[zid]
            if method == "GET":
                return self.page(list(store.values()), query, 20)
            if method == "DELETE":
                return self.good({"id": key}) if store.pop(key, None) else self.error(1436, "not found", 404)
            if any(c["hostname"] == data["hostname"] for c in store.values()):
                return self.error(1406, "Duplicate custom hostname found.", 409)
            self.serial += 1
            rid = "%032x" % (0xc0c000 + self.serial)
            store[rid] = {"id": rid, "hostname": data["hostname"], "status": "pending", "ssl": data["ssl"],
                          "custom_origin_server": data.get("custom_origin_server")}
            return self.good(store[rid])
        store = self.regions[zid]
        if method == "GET":
            return self.good([{"hostname": h, "region_key": r, "created_on": now()} for h, r in store.items()])
        if method == "DELETE":
            return self.good(None) if store.pop(key, None) else self.error(1000, "not found", 404)
        host = key or data["hostname"]
        if (method == "POST") == (host in store):
            return self.error(1001, "exists" if method == "POST" else "does not exist", 400)
        store[host] = data["region_key"]
        return self.good({"hostname": host, "region_key": data["region_key"], "created_on": now()})

    def handle(self, method, path, query, headers, body):
        if headers.get("Authorization") != "Bearer good-token":
            return self.error(10000, "Authentication error", 403)
        data = json.loads(body) if body else {}
        zones = [self.zone(i, n) for i, n in self.zones.items()]
        if path == "/zones":
            return self.page(zones, query, 20)
        m = re.fullmatch(r"/zones/(\w+)/(custom_hostnames|addressing/regional_hostnames)(?:/([^/]+))?", path)
        if m and m[1] in self.zones:
            return self.hosts(method, m[1], m[2], m[3], query, data)
        m = re.fullmatch(r"/zones/(\w+)(/dns_records(/batch|/(\w+))?)?", path)
        if not m or m[1] not in self.zones:
            return self.error(7003, "Could not route to " + path, 404)
        zid, rid = m[1], m[4]
        if not m[2]:
            return self.good(next(z for z in zones if z["id"] == zid))
        store = self.records[zid]
        if m[3] == "/batch":
            return self.batch(zid, data) if self.has_batch else (404, {}, "not found")
        if method == "GET":
            return self.page(list(store.values()), query, 100)
        if rid and rid not in store:
            return self.error(81044, "Record does not exist.", 404)
        if method == "DELETE":
            del store[rid]
            return self.good({"id": rid})
        r = self.full(zid, data, rid)
        bad = self.check(zid, r, store, rid)
        if bad:
            return self.error(*bad)
        store[r["id"]] = r
        return self.good(r)
