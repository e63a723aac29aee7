"""The protocol as a client sees it: raw messages to the real daemon, one line a rule.
Data rules are in tests/server/test_answer.c and test_differential.py; here is what needs sockets,
flags of the command line, or two daemons."""
import os
import resource
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import lib
from lib import ok

A, NS, SOA, TXT, AXFR, IXFR, ANY = 1, 2, 6, 16, 252, 251, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH = 0, 1, 2, 3, 4, 5, 9
BADVERS, BADCOOKIE = 16, 23
ZONE = """$ORIGIN z.test.
$TTL 300
@ 3600 IN SOA ns1 admin 7 7200 3600 86400 30
@ NS ns1
ns1 A 192.0.2.53
www A 192.0.2.1
sub NS ns.sub
ns.sub A 192.0.2.54
""" + "".join(f"big TXT \"{'x' * 200} {i}\"\n" for i in range(5)) + \
    "".join(f"h{i} A 10.0.{i // 256}.{i % 256}\n" for i in range(2000))


def name(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.split(".") if x) + b"\0"


def option(code, data):
    return struct.pack(">HH", code, len(data)) + data


def opt(options=b"", size=1232, version=0, flags=0):
    return b"\0" + struct.pack(">HHBBHH", 41, size, 0, version, flags, len(options)) + options


def query(qname, qtype, flags=0, qclass=1, edns=None, ident=0x1234, counts=(1, 0, 0)):
    m = struct.pack(">HHHHHH", ident, flags, *counts, edns is not None)
    return m + name(qname) + struct.pack(">HH", qtype, qclass) + (edns or b"")


class Reply:
    def __init__(self, m):
        self.m = m
        (self.id, flags, self.qd, self.an, self.ns, self.ar) = struct.unpack(">HHHHHH", m[:12])
        self.qr, self.opcode, self.aa = flags >> 15, flags >> 11 & 15, flags >> 10 & 1
        self.tc, self.rd, self.ra = flags >> 9 & 1, flags >> 8 & 1, flags >> 7 & 1
        self.rcode = flags & 15
        self.options, self.opt = {}, None
        pos = 12
        for _ in range(self.qd):
            pos = self.skip(pos) + 4
        self.question = m[12:pos]
        for _ in range(self.an + self.ns + self.ar):
            pos = self.skip(pos)
            rtype, size, ext, _, oflags, rdlen = struct.unpack(">HHBBHH", m[pos:pos + 10])
            if rtype == 41:
                self.opt, self.flags = size, oflags
                self.rcode |= ext << 4
                at = pos + 10
                while at < pos + 10 + rdlen:
                    code, n = struct.unpack(">HH", m[at:at + 4])
                    self.options[code] = m[at + 4:at + 4 + n]
                    at += 4 + n
            pos += 10 + rdlen
        assert pos == len(m), "octets behind the message"

    def skip(self, pos):
        while self.m[pos]:
            if self.m[pos] >= 0xc0:
                return pos + 2
            pos += self.m[pos] + 1
        return pos + 1


class Server:
    def __init__(self, *args, listen=None):
        self.port = lib.free_ports(1)[0]
        folder = lib.folder()
        lib.write(folder + "/z", ZONE)
        listen = listen or [f"127.0.0.1:{self.port}"]
        self.p = lib.gslbd(*[f"--listen={x.replace('PORT', str(self.port))}" for x in listen],
                           f"--zone=z.test={folder}/z", *args)
        if not lib.wait_for(self.answers):
            ok(False, "gslbd answers", self.p.text())
            lib.done()

    def answers(self):
        try:
            return self.udp(query("z.test", SOA), 0.3).rcode == 0
        except OSError:
            return False

    def udp(self, m, timeout=2, to="127.0.0.1"):
        with socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.connect((to, self.port))
            s.send(m)
            return Reply(s.recv(65535))

    def silent(self, m):
        try:
            self.udp(m, 0.2)
            return False
        except TimeoutError:
            return True

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), 5)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def tcp(self, m):
        with self.connect() as s:
            s.sendall(struct.pack(">H", len(m)) + m)
            return receive(s)


def exactly(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def receive(s):
    return Reply(exactly(s, struct.unpack(">H", exactly(s, 2))[0]))


def closes(s, seconds=5):
    s.settimeout(seconds)
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def header_rules(s):
    q = query("wWw.Z.tEsT", A, 0x0100, ident=0xbeef)
    r = s.udp(q)
    ok((r.qr, r.aa, r.ra, r.rd, r.id, r.rcode) == (1, 1, 0, 1, 0xbeef, 0) and
       r.question == q[12:], "RFC 1035: id, RD and question come back as they were, QR and AA set")
    r = s.udp(query("www.z.test", A, 0x0070))
    ok(r.m[3] == 0, "RFC 4035: AD, CD and Z are 0 in the answer")
    ok(s.udp(query("www.z.test", A, 0x0680)).rcode == 0, "RFC 8906: AA, TC, RA in a query are ignored")
    ok(s.silent(query("www.z.test", A, 0x8000)), "a response is not answered")
    ok(s.silent(b"\x12\x34\0\0\0\1\0\0\0\0\0"), "less than a header is not answered")
    for opcode in (1, 2, 3, 6, 15):
        r = s.udp(struct.pack(">HHHHHH", 7, opcode << 11, 0, 0, 0, 0))
        ok((r.rcode, r.opcode, r.id) == (NOTIMP, opcode, 7), f"RFC 8906: opcode {opcode} is NOTIMP")
    r = s.udp(query("z.test", SOA, 4 << 11))
    ok(r.rcode in (REFUSED, NOTAUTH, NOERROR), "RFC 1996: NOTIFY from a stranger is refused")
    r = s.udp(query("other.test", SOA, 4 << 11))
    ok(r.rcode in (REFUSED, NOTAUTH), "RFC 1996: NOTIFY for a zone not served")
    r = s.udp(query("z.test", SOA, 5 << 11))
    ok(r.rcode in (REFUSED, NOTIMP, NOTAUTH), "RFC 2136: UPDATE without permission")
    ok(s.udp(struct.pack(">HHHHHH", 7, 0, 0, 0, 0, 0)).rcode == FORMERR, "RFC 9619: QDCOUNT 0")
    ok(s.udp(query("www.z.test", A, counts=(2, 0, 0)) + name("z.test") + b"\0\1\0\1").rcode ==
       FORMERR, "RFC 9619: QDCOUNT 2")
    for what, tail in (("truncated", b"\3www"), ("pointer", b"\xc0\x0c\0\1\0\1"),
                       ("label type 0x40", b"\x41www\0\0\1\0\1"),
                       ("over 255 octets", (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1")):
        r = s.udp(struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + tail)
        ok(r.rcode == FORMERR and len(r.m) == 12, f"RFC 1035: a malformed question ({what})")
    ok(s.udp(query("www.z.test", A) + b"\0").rcode == FORMERR, "octets behind the message")
    for qtype in (41, 249, 250, 128):
        ok(s.udp(query("www.z.test", qtype)).rcode == FORMERR, f"QTYPE {qtype} is malformed")
    ok(s.udp(query("www.z.test", 65535)).rcode == NOERROR, "RFC 3597: type 65535 is NODATA")
    ok(s.udp(query("www.z.test", A, qclass=4)).rcode == REFUSED, "class HS is refused")
    r = s.udp(query("www.example.net", A, edns=opt()))
    ok((r.rcode, r.aa, r.options.get(15)) == (REFUSED, 0, b"\0\x14"),
       "names out of our zones: REFUSED with EDE 20")
    m = query("www.z.test", A) + b"x" * 5000
    ok(s.udp(m).rcode == FORMERR, "a datagram of 5,000 octets")


def edns_rules(s):
    r = s.udp(query("www.z.test", A))
    ok(r.opt is None, "RFC 6891: no OPT without OPT")
    r = s.udp(query("www.z.test", A, edns=opt(flags=0x80ff)))
    ok((r.opt, r.flags) == (1232, 0x8000), "RFC 3225: 1232 offered, DO copied, Z cleared")
    r = s.udp(query("www.z.test", A, edns=opt(version=1)))
    ok((r.rcode, r.an, r.aa) == (BADVERS, 0, 0), "RFC 6891: BADVERS")
    for what, edns in (("twice", opt() + opt()), ("not at the root", b"\1z" + opt()),
                       ("with half an option", opt(b"\0\3\0")),
                       ("with a long option", opt(b"\0\3\0\5"))):
        m = query("www.z.test", A, edns=edns)
        if what == "twice":
            m = m[:11] + b"\2" + m[12:]
        ok(s.udp(m).rcode == FORMERR, f"RFC 6891: OPT {what} is FORMERR")
    r = s.udp(query("big.z.test", TXT))
    ok((r.tc, r.an) == (1, 0), "RFC 2181: what does not fit in 512 is left out whole, TC set")
    r = s.udp(query("big.z.test", TXT, edns=opt(size=4096)))
    ok((r.tc, r.an) == (0, 5) and len(r.m) <= 1232, "RFC 9715: up to 1232 octets")
    ok(s.tcp(query("big.z.test", TXT)).an == 5, "and whole over TCP")
    r = s.udp(query("z.test", SOA, edns=opt(option(3, b"") + option(9, b"") + option(19, b"") +
                                            option(8, b"\0\1\x18\0\xc0\0\2"))))
    ok(r.options == {3: b"fra1", 9: struct.pack(">I", 86400), 19: b"\2\0\0\0\0\7",
                     8: b"\0\1\x18\0\xc0\0\2"}, "NSID, EXPIRE, ZONEVERSION, client subnet", r.options)
    r = s.tcp(query("z.test", SOA, edns=opt(option(11, b""))))
    ok(r.options == {11: struct.pack(">H", 100)}, "RFC 7828: keepalive over TCP, 10 s", r.options)
    for what, data in (("bits behind the prefix", b"\0\1\x17\0\xc0\0\3"),
                       ("scope", b"\0\1\x18\x18\xc0\0\2"), ("family", b"\0\3\x18\0\xc0\0\2"),
                       ("length", b"\0\1\x18\0\xc0\0")):
        ok(s.udp(query("www.z.test", A, edns=opt(option(8, data)))).rcode == FORMERR,
           f"RFC 7871: a client subnet with bad {what}")
    for names, text in ((("id.server", "hostname.bind"), b"me"), (("version.bind",), None)):
        for n in names:
            r = s.udp(query(n, TXT, qclass=3))
            ok(r.rcode == (0 if text else REFUSED) and (not text or r.m.endswith(b"\2me")),
               f"RFC 4892: {n}")


def cookie_rules():
    secret = "--cookie-secret=e5e973e5a6b2a43f48e7dc849e37bfcf"
    a, b = Server(secret), Server(secret)
    client = b"\x24\x64\xc4\xab\xcf\x10\xc9\x57"
    r = a.udp(query("www.z.test", A, edns=opt(option(10, client))))
    cookie = r.options.get(10, b"")
    ok(len(cookie) == 24 and cookie[:12] == client + b"\1\0\0\0", "RFC 9018: a server cookie")
    r = b.udp(query("www.z.test", A, edns=opt(option(10, cookie))))
    ok(r.options.get(10) == cookie, "RFC 9018: another server with the secret takes it")
    r = b.udp(query("www.z.test", A, edns=opt(option(10, client + b"\xff" * 16))))
    ok(r.rcode == NOERROR and r.options[10] != client + b"\xff" * 16,
       "RFC 7873: a wrong one is answered with a good one")
    for n in (7, 9, 15, 41):
        ok(a.udp(query("www.z.test", A, edns=opt(option(10, b"x" * n)))).rcode == FORMERR,
           f"RFC 7873: a cookie of {n} octets")
    r = a.udp(struct.pack(">HHHHHH", 7, 0, 0, 0, 0, 1) + opt(option(10, client)))
    ok((r.rcode, r.qd, len(r.options.get(10, b""))) == (NOERROR, 0, 24),
       "RFC 7873 5.4: no question but a cookie")
    strict = Server(secret, "--require-cookies")
    r = strict.udp(query("www.z.test", A, edns=opt(option(10, client))))
    ok((r.rcode, r.an) == (BADCOOKIE, 0), "RFC 7873: BADCOOKIE where cookies are required")
    r = strict.udp(query("www.z.test", A, edns=opt(option(10, r.options[10]))))
    ok((r.rcode, r.an) == (NOERROR, 1), "and with that cookie the answer")
    ok(strict.udp(query("www.z.test", A)).tc == 1, "who knows no cookies is sent to TCP")
    for s in (a, b, strict):
        s.p.stop()


def tcp_rules(s):
    m = query("www.z.test", A)
    framed = struct.pack(">H", len(m)) + m
    with s.connect() as c:
        for i in range(len(framed)):
            c.send(framed[i:i + 1])
        ok(receive(c).an == 1, "RFC 7766: one octet a segment")
        c.sendall(framed + framed[:7])
        receive(c)
        c.sendall(framed[7:])
        ok(receive(c).an == 1, "one and a half messages in a segment")
        many = b"".join(struct.pack(">H", len(m)) + struct.pack(">H", i) + m[2:] for i in range(500))
        c.sendall(many)
        ids = {receive(c).id for _ in range(500)}
        ok(ids == set(range(500)), "RFC 7766: 500 pipelined queries")
        c.sendall(framed)
        c.shutdown(socket.SHUT_WR)
        ok(receive(c).an == 1 and closes(c), "half-closed: answered, then closed")
    with s.connect() as c:
        c.sendall(b"\0\0")
        ok(closes(c), "a message of length 0 closes")
    with s.connect() as c:
        c.sendall(b"\0\5hello")
        ok(closes(c), "nonsense closes")
    r = s.tcp(query("z.test", AXFR))
    ok(r.rcode in (REFUSED, NOTAUTH), "RFC 5936: transfers are refused by default")
    r = s.udp(query("z.test", AXFR))
    ok(r.rcode in (REFUSED, NOTIMP, FORMERR), "RFC 5936: no AXFR over UDP")
    r = s.tcp(query("www.z.test", ANY))
    ok(r.rcode == 0 and r.an >= 1, "RFC 8482: ANY over TCP")


def idle_rules():
    s = Server("--tcp-idle-timeout=500ms")
    t = time.monotonic()
    with s.connect() as c:
        ok(closes(c) and time.monotonic() - t < 4, "RFC 7766 6.2.3: an idle connection is closed")
    s.p.stop()
    s = Server("--max-tcp-clients=20", "--workers=1")
    held = []
    for _ in range(40):
        c = s.connect()
        m = query("www.z.test", A)
        c.sendall(struct.pack(">H", len(m)) + m)
        receive(c)
        held.append(c)
    ok(closes(held[0]) and closes(held[19]), "the longest idle are closed when there are too many")
    held[39].sendall(struct.pack(">H", len(m)) + m)
    ok(receive(held[39]).an == 1, "and the newest go on")
    s.p.stop()


def rss(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def many_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11000:
        print("# no 10,000 connections: RLIMIT_NOFILE is", hard)
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    s = Server("--tcp-idle-timeout=60s")
    before = rss(s.p.p.pid)
    m = query("www.z.test", A)
    framed = struct.pack(">H", len(m)) + m
    held = []
    for i in range(10000):
        c = socket.socket()
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no TIME_WAIT
        c.bind((f"127.1.{i // 5000}.1", 0))
        c.connect(("127.0.0.1", s.port))
        c.sendall(framed[:-1])
        held.append(c)
    for c in held:
        c.sendall(framed[-1:])
    good = sum(receive(c).an == 1 for c in held)
    grown = rss(s.p.p.pid) - before
    ok(good == 10000, f"10,000 connections at once are all answered ({good})")
    ok(grown < 40 * 1024, f"in bounded memory ({grown} KiB more)")
    for c in held:
        c.close()
    s.p.stop()


def rate_limit():
    s = Server()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.connect(("127.0.0.1", s.port))
        c.settimeout(0.5)
        whole = cut = 0
        t = time.monotonic()
        for i in range(1020):
            if i < 1000:
                c.send(query("www.z.test", A))
            c.settimeout(0.5 if i >= 1000 else 0.0005)
            try:
                r = Reply(c.recv(65535))
                whole += not r.tc
                cut += r.tc
            except (TimeoutError, BlockingIOError):
                pass
        took = time.monotonic() - t
        ok(200 <= whole <= 200 + 250 * took and 250 <= cut <= 450,
           f"RRL is on by default: {whole} whole, {cut} truncated of 1,000 equal queries")
    cookie = s.udp(query("h1.z.test", A, edns=opt(option(10, b"12345678")))).options[10]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.connect(("127.0.0.1", s.port))
        c.settimeout(1)
        good = 0
        for _ in range(500):
            c.send(query("www.z.test", A, edns=opt(option(10, cookie))))
            good += not Reply(c.recv(65535)).tc
        ok(good == 500, f"RFC 7873: a good cookie is never limited ({good} of 500)")
    ok(all(not s.tcp(query("www.z.test", A)).tc for _ in range(20)), "nor is TCP")
    s.p.stop()


def addresses():
    s = Server(listen=["127.0.0.1:PORT", "[::1]:PORT", "127.0.0.2:PORT"])
    for to in ("127.0.0.1", "::1", "127.0.0.2"):
        ok(s.udp(query("www.z.test", A), to=to).an == 1, f"answers on {to}")
    s.p.stop()
    s = Server(listen=["[::]:PORT"])
    for to in ("127.0.0.1", "127.0.0.77", "::1"):
        ok(s.udp(query("www.z.test", A), to=to).an == 1,
           f"the wildcard answers from the address asked, {to}")
    s.p.stop()
    s = Server(listen=["0.0.0.0:PORT", "[::]:PORT"])
    for to in ("127.0.0.77", "::1"):
        ok(s.udp(query("www.z.test", A), to=to).an == 1, f"both wildcards at once, {to}")
    s.p.stop()


server = Server("--nsid=fra1", "--server-id=me", "--rate-limit=0")
header_rules(server)
edns_rules(server)
tcp_rules(server)
ok(server.p.stop() == 0, "stops with status 0")
cookie_rules()
idle_rules()
addresses()
rate_limit()
many_connections()
lib.done()
