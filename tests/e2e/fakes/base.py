"""base - what the stateful fakes of provider services share: an HTTP server on loopback that
counts requests, can misbehave on demand, and keeps its zones in plain dictionaries."""
import http.server
import json
import threading
import time
import urllib.parse


class Fault:
    """One planned misbehaviour: the next N requests whose method matches get it."""

    def __init__(self, kind, n=1, method=None, **more):
        self.kind, self.n, self.method, self.more = kind, n, method, more


class Fake:
    """Subclass and define handle(method, path, query, headers, body) -> (status, headers, text)."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = []  # (method, path)
        self.faults = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def serve(self):
                n = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(n).decode() if n else ""
                url = urllib.parse.urlsplit(self.path)
                query = {k: v[-1] for k, v in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
                with fake.lock:
                    fake.requests.append((self.command, self.path, body))
                    fault = fake.take_fault(self.command)
                if fault and fault.kind == "status":
                    return self.reply(fault.more["status"], fault.more.get("headers", {}), fault.more.get("text", ""))
                if fault and fault.kind == "reset":
                    self.close_connection = True
                    self.connection.close()
                    return None
                with fake.lock:
                    status, headers, text = fake.handle(self.command, urllib.parse.unquote(url.path), query,
                                                        self.headers, body)
                if fault and fault.kind == "lost":  # done, but the answer does not arrive
                    self.close_connection = True
                    self.connection.close()
                    return None
                if fault and fault.kind == "cut":
                    data = text.encode()
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data[: len(data) // 2])
                    self.close_connection = True
                    return None
                if fault and fault.kind == "slow":  # a byte now and then
                    data = text.encode()
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    for i in range(0, len(data), max(1, len(data) // 8)):
                        self.wfile.write(data[i: i + max(1, len(data) // 8)])
                        self.wfile.flush()
                        time.sleep(0.3)
                    return None
                if fault and fault.kind == "hang":  # a slow loris: longer than anybody may wait
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text) + 1000))
                    self.end_headers()
                    for _ in range(100):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                        time.sleep(0.5)
                    self.close_connection = True
                    return None
                if fault and fault.kind == "garbage":
                    text = '{"result": [ {'
                if fault and fault.kind == "half":  # said to be whole, but it is not
                    text = text[: len(text) * 2 // 3]
                if fault and fault.kind == "empty":
                    text = ""
                return self.reply(status, headers, text)

            def reply(self, status, headers, text):
                data = text.encode()
                self.send_response_only(status)
                for k, v in {"Server": "fake", "Date": self.date_time_string(), **headers}.items():
                    self.send_header(k, v)
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that left is no news

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take_fault(self, method):
        for f in self.faults:
            if f.n > 0 and f.method in (None, method):
                f.n -= 1
                return f
        return None

    def writes(self):
        """Requests that change something, since the last reset()."""
        with self.lock:
            return [r for r in self.requests if r[0] != "GET" and not r[1].endswith("/token")]

    def reset(self):
        with self.lock:
            self.requests.clear()
            self.faults.clear()

    def stop(self):
        self.server.shutdown()


def ok(obj, status=200):
    return status, {"Content-Type": "application/json"}, json.dumps(obj)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
