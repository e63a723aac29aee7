"""dns - a name server for tests that is as good or as bad as they want: UDP and TCP on one or more
addresses, records from a table.  What it does with a question is one attribute each, which tests change
while it runs; nobody else writes them."""
import random
import socket
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


class Dns:
    """records: {"name.": {"A": [texts], …}}, answered as CoreDNS with k8gb's plugin does: without AA,
    NXDOMAIN for what is not there."""

    def __init__(self, addresses, port=0, records=None, ttl=30):
        self.records, self.ttl = records or {}, ttl
        self.loss = 0.0         # share of UDP questions that are lost
        self.silent = False     # no answers at all; TCP connections are accepted and nothing said
        self.deaf = set()       # the addresses of ours that are silent
        self.silent_types = set()
        self.truncate = False   # UDP answers are TC and empty
        self.delay_s = 0.0      # before each answer
        self.rcode = None       # answer this and nothing else
        self.rcode_types = {}   # the same for a type
        self.garbage = False    # octets that are no message
        self.wrong_id = False   # lie: an answer to another question comes first
        self.seen = []          # (transport, address, name, type)
        self._random = random.Random(7)
        self._open = True
        self._sockets = []
        self.port = port
        for a in addresses:
            self._listen(a)

    def _listen(self, address):
        t = socket.socket()
        t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind((address, self.port))
        self.port = u.getsockname()[1]
        t.bind((address, self.port))
        t.listen(16)
        self._sockets += [t, u]
        threading.Thread(target=self._udp, args=(u, address), daemon=True).start()
        threading.Thread(target=self._tcp, args=(t, address), daemon=True).start()

    def set(self, name, rdtype, *texts):
        """The records of one name and type; none = gone.  A new table each time: readers see old or new."""
        new = {n: dict(t) for n, t in self.records.items()}
        new.setdefault(name, {})[rdtype] = list(texts)
        if not texts:
            del new[name][rdtype]
            if not new[name]:
                del new[name]
        self.records = new

    def asked(self, name=None, transport=None):
        return [s for s in list(self.seen) if (name is None or s[2] == name) and transport in (None, s[0])]

    def close(self):
        self._open = False
        for s in self._sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _answer(self, wire, transport, address):
        q = dns.message.from_wire(wire)
        name, rdtype = q.question[0].name.to_text(), dns.rdatatype.to_text(q.question[0].rdtype)
        self.seen.append((transport, address, name.lower(), rdtype))
        if self.silent or address in self.deaf or rdtype in self.silent_types:
            return None
        r = dns.message.make_response(q)
        rcode = self.rcode if self.rcode is not None else self.rcode_types.get(rdtype)
        if rcode is not None:
            r.set_rcode(rcode)
            return r
        if self.truncate and transport == "udp":
            r.flags |= dns.flags.TC
            return r
        node = self.records.get(name.lower())
        if node is None:
            r.set_rcode(dns.rcode.NXDOMAIN)
        elif "CNAME" in node and rdtype not in node:
            rdtype = "CNAME"  # the rest is for who asks to find
        texts = (node or {}).get(rdtype, [])
        if texts:
            r.answer.append(dns.rrset.from_text_list(q.question[0].name, self.ttl, "IN", rdtype, texts))
        return r

    def _udp(self, s, address):
        while self._open:
            try:
                wire, who = s.recvfrom(65535)
            except OSError:
                return
            if self.loss and self._random.random() < self.loss:
                continue
            threading.Timer(self.delay_s, self._reply, (s, address, wire, who)).start() if self.delay_s else \
                self._reply(s, address, wire, who)

    def _reply(self, s, address, wire, who):
        try:
            r = self._answer(wire, "udp", address)
            if r is None:
                return
            if self.wrong_id:
                lie = dns.message.from_wire(r.to_wire())
                lie.id = (r.id + 1) % 65536
                lie.set_rcode(dns.rcode.NXDOMAIN)
                lie.answer = []
                s.sendto(lie.to_wire(), who)
            s.sendto(b"\0\1\2" if self.garbage else r.to_wire(), who)
        except (OSError, dns.exception.DNSException):
            pass

    def _tcp(self, s, address):
        while self._open:
            try:
                c, _ = s.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(c, address), daemon=True).start()

    def _connection(self, c, address):
        c.settimeout(10)
        try:
            with c, c.makefile("rb") as f:
                while True:
                    head = f.read(2)
                    if len(head) < 2:
                        return
                    r = self._answer(f.read(int.from_bytes(head, "big")), "tcp", address)
                    if r is not None:
                        wire = r.to_wire()
                        c.sendall(len(wire).to_bytes(2, "big") + wire)
        except (OSError, dns.exception.DNSException):
            pass
