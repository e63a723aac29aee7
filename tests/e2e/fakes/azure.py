"""azure - Resource Manager's dnsZones 2018-05-01 with the AAD token endpoint; ETags are checked."""
import json
import re

from .base import Fake, ok

PRIVATE = {"A": "aRecords", "AAAA": "aaaaRecords", "TXT": "txtRecords", "CNAME": "cnameRecord"}
MEMBERS = {"A": ("ARecords", "ipv4Address"), "AAAA": ("AAAARecords", "ipv6Address"), "NS": ("NSRecords", "nsdname")}


class Azure(Fake):
    def __init__(self, zones=("example.test",), private=False):
        super().__init__()
        self.private, self.page_loop, self.link, self.page_size = private, False, None, 2
        self.version = "2018-09-01" if private else "2018-05-01"
        self.zones, self.sets, self.serial = list(zones), {z: {} for z in zones}, 0

    def root(self):
        return "/subscriptions/s1/resourceGroups/rg1/providers/Microsoft.Network/" + (
            "privateDnsZones" if self.private else "dnszones")

    def put(self, zone, type, rel, props):
        self.serial += 1
        s = {"id": "%s/%s/%s/%s" % (self.root(), zone, type, rel), "name": rel,
             "type": "Microsoft.Network/%s/%s" % ("privateDnsZones" if self.private else "dnszones", type),
             "etag": "e%d" % self.serial,
             "properties": {**props, "fqdn": rel + "." + zone + ".", "targetResource": {}, "provisioningState": "Succeeded"}}
        self.sets[zone][(rel, type)] = s
        return s

    def seed(self, type, name, *values, ttl=300):
        zone = next(z for z in self.zones if name == z or name.endswith("." + z))
        rel = "@" if name == zone else name[: -len(zone) - 1]
        if type == "TXT":
            props = {"TTL": ttl, "TXTRecords": [{"value": [v]} for v in values]}
        elif type == "CNAME":
            props = {"TTL": ttl, "CNAMERecord": {"cname": values[0]}}
        else:
            lst, member = MEMBERS[type]
            props = {"TTL": ttl, lst: [{member: v} for v in values]}
        if self.private:
            props = {"ttl" if k == "TTL" else PRIVATE[type]: v for k, v in props.items()}
        self.put(zone, type, rel, props)

    def dump(self):
        out = []
        for zone, sets in self.sets.items():
            for (rel, type), s in sets.items():
                p, name = self.public(type, s["properties"]), zone if rel == "@" else rel + "." + zone
                if type == "TXT":
                    values = ["".join(t["value"]) for t in p["TXTRecords"]]
                elif type == "CNAME":
                    values = [p["CNAMERecord"]["cname"]]
                elif type in MEMBERS:
                    lst, member = MEMBERS[type]
                    values = [v[member] for v in p.get(lst, [])]
                else:
                    values = [" ".join(map(str, v.values())) for k in p if k.lower().endswith("records") for v in p[k]]
                out += [(type, name, v) for v in values]
        return sorted(out)

    def public(self, type, props):
        """Members as public zones spell them."""
        back = {PRIVATE[t]: l for t, l in [("A", "ARecords"), ("AAAA", "AAAARecords"), ("TXT", "TXTRecords"),
                                           ("CNAME", "CNAMERecord")]}
        return {back.get(k, "TTL" if k == "ttl" else k): v for k, v in props.items()} if self.private else props

    def error(self, status, code, message):
        return ok({"error": {"code": code, "message": message}}, status)

    def handle(self, method, path, query, headers, body):
        if path == "/t1/oauth2/token":  # the older endpoint says its numbers as text
            return ok({"token_type": "Bearer", "expires_in": "3599", "ext_expires_in": "3599", "access_token": "good-token"})
        if path == "/t1/oauth2/v2.0/token":
            return ok({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "good-token"})
        if headers.get("Authorization") != "Bearer good-token":
            return self.error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        if query.get("api-version") != self.version:
            return self.error(400, "MissingApiVersionParameter", "api-version")
        root = self.root()
        if path.lower() == root.lower():
            return ok({"value": [{"id": root + "/" + z, "name": z, "type": root.split("providers/")[1], "etag": "z",
                                  "location": "global", "tags": {}, "properties": {
                                      "maxNumberOfRecordSets": 10000,
                                      "nameServers": ["ns1-05.azure-dns.com."], "numberOfRecordSets": len(self.sets[z]),
                                      "zoneType": "Public"}} for z in self.zones]})
        m = re.fullmatch(re.escape(root) + r"/([^/]+)/(all|recordsets|[A-Z]+|([A-Z]+)/([^/]+))", path, re.I)
        if not m or m[1] not in self.zones:
            return self.error(404, "ResourceNotFound", "The resource was not found.")
        sets = self.sets[m[1]]
        if m[4] is None:
            kind = m[2] if m[2].isupper() and m[2] != "ALL" else None
            items, start = [s for (_, t), s in sorted(sets.items()) if kind in (None, t)], int(query.get("$skiptoken", 0))
            out = {"value": items[start: start + self.page_size]}
            if start + self.page_size < len(items) or self.page_loop:
                out["nextLink"] = "%s%s/%s/%s?api-version=%s&$skiptoken=%d" % (
                    self.link or self.url, root.replace("dnszones", "dnsZones"), m[1], m[2], self.version,
                    0 if self.page_loop else start + self.page_size)
            return ok(out)
        key = (m[4], m[3])
        now = sets.get(key)
        match, none = headers.get("If-Match"), headers.get("If-None-Match")
        if (none == "*" and now) or (match and (not now or (match != "*" and now["etag"] != match))):
            return self.error(412, "PreconditionFailed", "The condition was not satisfied.")
        if method == "DELETE":
            if now is None:
                return 204, {}, ""
            del sets[key]
            return 200, {}, ""
        props = json.loads(body)["properties"]
        if ("ttl" in props) != self.private:
            return self.error(400, "BadRequest", "members of the other API")
        if key[1] == "A" and not all(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", v["ipv4Address"]) for v in self.public("A", props)["ARecords"]):
            return self.error(400, "BadRequest", "The IPv4 address is invalid")
        if any(r == key[0] and t != key[1] and "CNAME" in (t, key[1]) for r, t in sets):
            return self.error(400, "BadRequest", "A CNAME cannot stand beside other records")
        return ok(self.put(m[1], key[1], key[0], props), 200 if now else 201)
