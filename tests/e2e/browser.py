"""browser - headless Chromium by its DevTools protocol: open a page, evaluate, take a picture."""
import base64
import json
import os
import shutil
import socket
import struct
import time
import urllib.request

import lib

FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-allow-origins=*").split()


def found():
    return shutil.which("chromium")


class Browser:
    def __init__(self, *flags):
        port = lib.free_ports(1)[0]
        self.process = lib.Process([found(), *FLAGS, *flags, f"--remote-debugging-port={port}",
                                    f"--user-data-dir={lib.folder()}", "about:blank"], name="chromium")
        self.next_id = 0
        self.events = []

        def page():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=2) as r:
                    return [t for t in json.load(r) if t["type"] == "page"]
            except OSError:
                return None

        pages = lib.wait_for(page, 30, 0.1)
        if not pages:
            raise RuntimeError("chromium does not start: " + self.process.text())
        self.connect(port, pages[0]["webSocketDebuggerUrl"].split(str(port), 1)[1])
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    # --- WebSocket (RFC 6455), as much as is needed ---

    def connect(self, port, path):
        self.s = socket.create_connection(("127.0.0.1", port), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.s.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.f = self.s.makefile("rb")
        while self.f.readline() not in (b"\r\n", b""):
            pass

    def send(self, text):
        data = text.encode()
        mask = os.urandom(4)
        head = bytes([0x81]) + (bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xfe]) + struct.pack("!H", len(data)))
        self.s.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        whole = b""
        while True:
            a, b = self.f.read(2)
            n = b & 0x7f
            if n == 126:
                n = struct.unpack("!H", self.f.read(2))[0]
            elif n == 127:
                n = struct.unpack("!Q", self.f.read(8))[0]
            whole += self.f.read(n)
            if a & 0x80:
                return json.loads(whole)

    # --- DevTools ---

    def call(self, method, **params):
        self.next_id += 1
        self.send(json.dumps({"id": self.next_id, "method": method, "params": params}))
        while True:
            m = self.receive()
            if m.get("id") == self.next_id:
                return m.get("result", m.get("error"))
            self.events.append(m)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def eval(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return r.get("result", {}).get("value")

    def wait(self, expression, seconds=15):
        return lib.wait_for(lambda: self.eval(expression), seconds, 0.05)

    def complaints(self):
        """What went to the console as an error, and breaches of the page's policy."""
        self.eval("1")
        return [m["params"] for m in self.events
                if m.get("method") == "Runtime.exceptionThrown" or
                (m.get("method") == "Log.entryAdded" and m["params"]["entry"]["level"] == "error") or
                (m.get("method") == "Runtime.consoleAPICalled" and m["params"]["type"] == "error")]

    def size(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self):
        self.process.stop()
