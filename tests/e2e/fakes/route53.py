"""route53 - API 2013-04-01: hosted zones, record sets, change batches as a whole."""
import copy
import re
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from .base import Fake

NS = "https://route53.amazonaws.com/doc/2013-04-01/"


def strip(node):
    """The element without its namespace, as (name, text or children)."""
    return (re.sub(r"\{.*\}", "", node.tag), [strip(c) for c in node] or (node.text or ""))


def get(node, name):
    return next((v for k, v in node if k == name), None)


def write(node):
    name, v = node
    return "<%s>%s</%s>" % (name, escape(v) if isinstance(v, str) else "".join(map(write, v)), name)


class Route53(Fake):
    def __init__(self, zones=("example.test",)):
        super().__init__()
        self.zones = {"Z%013d" % (i + 1): z for i, z in enumerate(zones)}
        self.sets = {z: {} for z in self.zones}  # key -> list of (name, value)
        self.private, self.tags, self.page_loop = set(), {}, False
        self.page_size = 300
        self.pending = {}  # change id -> how often it is still PENDING when asked for
        self.slow_changes = 0

    @staticmethod
    def key(s):
        return (get(s, "Name").rstrip(".").lower(), get(s, "Type"), get(s, "SetIdentifier") or "")

    def seed(self, type, name, *values, ttl=300):
        zid = next(z for z, n in self.zones.items() if name == n or name.endswith("." + n))
        s = [("Name", name + "."), ("Type", type), ("TTL", str(ttl)),
             ("ResourceRecords", [("ResourceRecord", [("Value", v)]) for v in values])]
        self.sets[zid][self.key(s)] = s

    def dump(self):
        out = []
        for z in self.sets.values():
            for (name, type, sid), s in z.items():
                values = [get(r[1], "Value") for r in get(s, "ResourceRecords") or []]
                alias = get(s, "AliasTarget")
                if alias:
                    values = ["ALIAS " + get(alias, "DNSName")]
                out += [(type, name, v) for v in values]
        return sorted(out)

    def error(self, code, message, status=400):
        return status, {"Content-Type": "text/xml"}, (
            '<?xml version="1.0"?>\n<ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>%s</Code>'
            "<Message>%s</Message></Error><RequestId>r</RequestId></ErrorResponse>" % (NS, code, escape(message)))

    def good(self, name, inner):
        return 200, {"Content-Type": "text/xml"}, '<?xml version="1.0"?>\n<%s xmlns="%s">%s</%s>' % (name, NS, inner, name)

    def change(self, zid, body):
        sets, root = copy.deepcopy(self.sets[zid]), strip(ET.fromstring(body))[1]
        for _, c in get(get(root, "ChangeBatch"), "Changes"):
            action, s = get(c, "Action"), get(c, "ResourceRecordSet")
            k = self.key(s)
            zone = self.zones[zid]
            if not (k[0] == zone or k[0].endswith("." + zone)):
                return self.error("InvalidChangeBatch", "[RRSet with DNS name %s. is not permitted in zone %s.]" % (k[0], zone))
            if action == "DELETE":
                now = sets.get(k)
                if now is None or {n: v for n, v in now if n != "Name"} != {n: v for n, v in s if n != "Name"}:
                    return self.error("InvalidChangeBatch", "[Tried to delete resource record set %s but it was not found]" % (k,))
                del sets[k]
                continue
            if action == "CREATE" and k in sets:
                return self.error("InvalidChangeBatch", "[Tried to create resource record set %s but it already exists]" % (k,))
            values = [get(r[1], "Value") for r in get(s, "ResourceRecords") or []]
            twice = [v for v in values if values.count(v) > 1]
            if twice:
                return self.error("InvalidChangeBatch", "[Duplicate Resource Record: '%s']" % twice[0])
            for r in get(s, "ResourceRecords") or []:
                v = get(r[1], "Value")
                if k[1] == "A" and not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", v):
                    return self.error("InvalidChangeBatch", "[Invalid Resource Record: not a valid IPv4 address: %s]" % v)
                if k[1] == "MX" and not re.fullmatch(r"\d+ \S+", v):
                    return self.error("InvalidChangeBatch", "[Invalid Resource Record: MX needs a preference: %s]" % v)
                if k[1] == "TXT" and not v.startswith('"'):
                    return self.error("InvalidChangeBatch", "[Invalid Resource Record: TXT not quoted]")
            for o in sets:
                if o[0] == k[0] and o[1] != k[1] and "CNAME" in (o[1], k[1]):
                    return self.error("InvalidChangeBatch", "[RRSet of type %s conflicts with CNAME at %s]" % (k[1], k[0]))
            sets[k] = s
        self.sets[zid] = sets
        cid = "C%d" % (len(self.pending) + 1)
        self.pending[cid] = self.slow_changes
        return self.good("ChangeResourceRecordSetsResponse", self.shown_change(cid, "PENDING"))

    @staticmethod
    def shown_change(cid, status):
        return ("<ChangeInfo><Id>/change/%s</Id><Status>%s</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>"
                % (cid, status))

    def handle(self, method, path, query, headers, body):
        if not headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"):
            return self.error("InvalidClientTokenId", "The security token included in the request is invalid", 403)
        if path in ("/2013-04-01/hostedzone", "/2013-04-01/hostedzonesbyname"):
            zones = "".join("<HostedZone><Id>/hostedzone/%s</Id><Name>%s.</Name><CallerReference>c</CallerReference>"
                            "<Config><PrivateZone>%s</PrivateZone></Config></HostedZone>" % (
                                i, n, "true" if i in self.private else "false") for i, n in self.zones.items())
            return self.good("ListHostedZones%sResponse" % ("ByName" if path.endswith("name") else ""), "<HostedZones>%s</HostedZones><IsTruncated>false</IsTruncated>"
                             "<MaxItems>100</MaxItems>" % zones)
        if path == "/2013-04-01/tags/hostedzone":
            return self.good("ListTagsForResourcesResponse", "<ResourceTagSets>%s</ResourceTagSets>" % "".join(
                "<ResourceTagSet><ResourceType>hostedzone</ResourceType><ResourceId>%s</ResourceId><Tags>%s</Tags></ResourceTagSet>"
                % (i, "".join("<Tag><Key>%s</Key><Value>%s</Value></Tag>" % t for t in self.tags.get(i, {}).items()))
                for i in re.findall(r"<ResourceId>(\w+)<", body)))
        m = re.fullmatch(r"/2013-04-01/change/(\w+)", path)
        if m:
            if m[1] not in self.pending:
                return self.error("NoSuchChange", "Could not find resource with ID: " + m[1], 404)
            self.pending[m[1]] -= 1
            return self.good("GetChangeResponse", self.shown_change(m[1], "PENDING" if self.pending[m[1]] >= 0 else "INSYNC"))
        m = re.fullmatch(r"/2013-04-01/hostedzone/(\w+)/rrset/?", path)
        if not m or m[1] not in self.zones:
            return self.error("NoSuchHostedZone", "No hosted zone found", 404)
        if method == "POST":
            return self.change(m[1], body)
        items = sorted(self.sets[m[1]].items())
        start = query.get("name")
        if start:
            items = [i for i in items if i[0] >= (start.rstrip("."), query.get("type", ""), query.get("identifier", ""))]
        part, rest = items[: self.page_size], items[self.page_size:]
        inner = "<ResourceRecordSets>%s</ResourceRecordSets><IsTruncated>%s</IsTruncated>" % (
            "".join(write(("ResourceRecordSet", self.shown(s))) for _, s in part), "true" if rest else "false")
        if self.page_loop and items:
            rest, inner = items[:1], inner.replace("<IsTruncated>false", "<IsTruncated>true")
        if rest:
            (name, type, sid), _ = rest[0]
            inner += "<NextRecordName>%s.</NextRecordName><NextRecordType>%s</NextRecordType>" % (name, type)
            inner += "<NextRecordIdentifier>%s</NextRecordIdentifier>" % sid if sid else ""
        return self.good("ListResourceRecordSetsResponse", inner + "<MaxItems>300</MaxItems>")

    @staticmethod
    def shown(s):
        """As the service lists it: full name with a final dot, asterisk as \\052."""
        return [(n, v.rstrip(".").lower().replace("*", "\\052") + "." if n == "Name" else v) for n, v in s]
