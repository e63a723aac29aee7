"""RFC 2136 in every trouble, BIND behind a proxy that misbehaves: refusals, failures, resets, answers
that are lost, trickle, never end, are cut or garbage, transfers without an end, a clock that is off,
foreign hands at the same time.  After each the zone is as wished and foreign records are as they were."""
import os
import random
import shutil
import socket
import struct
import sys
import threading
import time

import dns.opcode
import dns.rdatatype

sys.path.insert(0, os.path.dirname(__file__))
import clouds  # noqa: E402
import lib  # noqa: E402
from test_sync_servers import Bind  # noqa: E402

if shutil.which("named") is None:
    print("named is not there")
    sys.exit(77)
FOREIGN = ["foreign.e.org. 60 A 203.0.113.7", 'note.e.org. 60 TXT "by hand"', "gone.e.org. 60 NS ns.other.org.",
           "mail.e.org. 60 MX 10 mx.other.org."]


class Proxy:
    """TCP before PORT; FAULTS: [kind, how often, "read" or "write"]."""

    def __init__(self, port):
        self.behind, self.faults, self.done, self.lock = port, [], [], threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.quietly, args=(client,), daemon=True).start()

    def quietly(self, client):
        try:
            self.serve(client)
        except (OSError, EOFError, struct.error):
            pass
        client.close()

    @staticmethod
    def take(s):
        def whole(n):
            out = b""
            while len(out) < n:
                part = s.recv(n - len(out))
                if not part:
                    raise EOFError
                out += part
            return out
        return whole(struct.unpack("!H", whole(2))[0])

    @staticmethod
    def give(s, message):
        s.sendall(struct.pack("!H", len(message)) + message)

    def fault(self, message):
        kind = "write" if (message[2] >> 3) & 15 == dns.opcode.UPDATE else "read"
        with self.lock:
            for f in self.faults:  # one after another
                if f[1] > 0 and f[2] in (kind, "any"):
                    f[1] -= 1
                    self.done.append(f[0])
                    return f[0]
        return None

    def answers(self, server, message):
        """All messages of the answer: a transfer ends when the server has been silent."""
        self.give(server, message)
        yield self.take(server)
        server.settimeout(0.3)
        while True:
            try:
                yield self.take(server)
            except (socket.timeout, EOFError):
                server.settimeout(None)
                return

    def serve(self, client):
        server = socket.create_connection(("127.0.0.1", self.behind))
        while True:
            message = self.take(client)
            fault = self.fault(message)
            if fault == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if fault in ("refused", "servfail", "badtime"):
                self.give(client, self.refusal(message, fault))
                continue
            for answer in self.answers(server, message):
                if fault == "lost":
                    return
                if fault == "garbage":
                    answer = bytes(random.Random(1).randrange(256) for _ in range(200))
                if fault == "half":  # whole by its length, but it is not
                    answer = answer[: len(answer) // 2]
                if fault == "cut":
                    client.sendall(struct.pack("!H", len(answer)) + answer[: len(answer) // 2])
                    return
                if fault == "forged":  # one octet is another
                    answer = answer[:-20] + bytes([answer[-20] ^ 1]) + answer[-19:]
                if fault == "trickles":
                    data = struct.pack("!H", len(answer)) + answer
                    for i in range(0, len(data), max(1, len(data) // 8)):
                        client.sendall(data[i: i + max(1, len(data) // 8)])
                        time.sleep(0.1)
                    continue
                if fault == "hangs":
                    client.sendall(struct.pack("!H", len(answer)) + answer[:-1])
                    time.sleep(40)
                    return
                if fault == "endless":
                    for _ in range(100000):
                        self.give(client, answer)
                self.give(client, answer)

    @staticmethod
    def refusal(message, kind):
        """The header and the question, with an unsigned TSIG that says BADTIME if it is that."""
        rcode = {"refused": 5, "servfail": 2, "badtime": 9}[kind]
        head = bytearray(message[:12])
        head[2] |= 0x80
        head[3] = rcode
        if kind != "badtime":
            head[4:12] = b"\0" * 8
            return bytes(head)
        head[4:12] = b"\0" * 6 + b"\0\1"
        now = int(time.time())
        rdata = (b"\x0bhmac-sha256\0" + struct.pack("!HI", 0, now) + struct.pack("!HH", 300, 0) + message[:2] +
                 struct.pack("!HH", 18, 6) + struct.pack("!HI", 0, now + 7200))
        return bytes(head) + b"\x01k\0" + struct.pack("!HHIH", dns.rdatatype.TSIG, 255, 0, len(rdata)) + rdata


def main():
    s = Bind(FOREIGN)
    before = s.zone()
    proxy = Proxy(s.port)
    d = lib.folder()
    os.mkdir(d + "/m")

    def put(i, target):
        lib.write("%s/m/s%d.yaml" % (d, i), clouds.service("s%d" % i, target, host="s%d.e.org" % i))
    flags = [f if "rfc2136-port" not in f else "--rfc2136-port=%d" % proxy.port for f in s.flags()]
    for i in range(6):
        put(i, "192.0.2.%d" % i)
    p = lib.gslbd(*flags, "--source=service", "--txt-owner-id=me", "--txt-prefix=_externaldns.", "--interval=300ms",
                  "--policy=sync", "--manifests=" + d + "/m", "--listen=127.0.0.1:0", "--admin=unix:" + d + "/ctl")
    n = [0]

    def is_as_wished():
        z = s.zone()
        ours = {x for x in z if x.startswith("s") and " A " in x}
        return before <= z and ours == {"s%d.e.org. A 192.0.2.%d" % (i, (i + n[0]) % 200) for i in range(6)} and \
            len([x for x in z if "heritage" in x]) == 6 and len(z) == len(before) + 12

    def trial(sentence, *faults, seconds=60):
        n[0] += 10
        with proxy.lock:
            proxy.faults[:] = [list(f) for f in faults]
            proxy.done.clear()
        for i in range(6):
            put(i, "192.0.2.%d" % ((i + n[0]) % 200))
        good = lib.wait_for(lambda: is_as_wished() and len(proxy.done) >= sum(f[1] for f in faults), seconds)
        lib.ok(good and p.alive(), "rfc2136: " + sentence, "%s\n%s\n%s" % (s.zone() ^ before, proxy.done, p.text()[-2500:]))

    lib.ok(lib.wait_for(is_as_wished, 30), "rfc2136: all is written", p.text()[-2000:])
    for what in ("read", "write"):
        at = " at a " + what
        trial("REFUSED" + at, ("refused", 2, what))
        trial("SERVFAIL" + at, ("servfail", 2, what))
        trial("a reset" + at, ("reset", 2, what))
        # a write whose answer does not come has landed: there is no second
        trial("an answer that is lost" + at, ("lost", 1, what))
        trial("garbage" + at, ("garbage", 1, what))
        trial("half an answer that is said to be whole" + at, ("half", 1, what))
        trial("an answer that is cut" + at, ("cut", 1, what))
        trial("an answer that was changed on its way" + at, ("forged", 1, what))
        trial("an answer that trickles" + at, ("trickles", 1, what))
        trial("a clock that is off" + at, ("badtime", 2, what))
    trial("an answer that never ends", ("hangs", 1, "read"))
    trial("a transfer without an end", ("endless", 1, "read"))
    # foreign hands
    n[0] += 10
    for i in range(6):
        put(i, "192.0.2.%d" % ((i + n[0]) % 200))
        s.edit("add foreign-%d.e.org 60 A 203.0.113.%d" % (i, i))
        s.edit("delete s%d.e.org A" % i, "add s%d.e.org 60 A 192.0.2.222" % i)
    hands = {"foreign-%d.e.org. A 203.0.113.%d" % (i, i) for i in range(6)}
    before |= hands
    lib.ok(lib.wait_for(is_as_wished, 60), "rfc2136: foreign hands at the same time lose nothing",
           "%s\n%s" % (s.zone() ^ before, p.text()[-2500:]))
    lib.ok(p.stop() == 0, "rfc2136: it stops cleanly", p.text()[-1500:])
    s.stop()
    lib.done()


main()
