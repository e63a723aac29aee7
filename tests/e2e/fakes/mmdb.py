"""mmdb - MaxMind database files for tests: {"192.0.2.0/24": {"datacenter": "site1"}, …}."""
import ipaddress


def _head(kind, size):
    first = min(size, 29)
    out = bytes([first, kind - 7]) if kind > 7 else bytes([kind << 5 | first])
    return out + (bytes([size - 29]) if size >= 29 else b"")


def _value(v):
    if isinstance(v, dict):
        return _head(7, len(v)) + b"".join(_value(k) + _value(x) for k, x in v.items())
    if isinstance(v, list):
        return _head(11, len(v)) + b"".join(_value(x) for x in v)
    if isinstance(v, int):
        return _head(6, 4) + v.to_bytes(4, "big")
    if isinstance(v, tuple):  # a number of another type: 5 = 16 bits, 9 = 64
        return _head(v[0], {5: 2, 9: 8}[v[0]]) + v[1].to_bytes({5: 2, 9: 8}[v[0]], "big")
    return _head(2, len(v.encode())) + v.encode()


def write(path, networks):
    """IPv4 networks only, not nested in one another."""
    nodes, data = [[None, None]], b""
    for text, fields in networks.items():
        net = ipaddress.ip_network(text)
        bits = bin(int(net.network_address) | 1 << 128)[3:][: 96 + net.prefixlen]
        at = 0
        for b in bits[:-1]:
            if nodes[at][int(b)] is None:
                nodes.append([None, None])
                nodes[at][int(b)] = len(nodes) - 1
            at = nodes[at][int(b)]
        nodes[at][int(bits[-1])] = ("data", len(data))
        data += _value(fields)
    n = len(nodes)

    def record(r):
        return (n if r is None else r if isinstance(r, int) else n + 16 + r[1]).to_bytes(3, "big")

    meta = {"node_count": n, "record_size": (5, 24), "ip_version": (5, 6), "database_type": "Test", "languages": ["en"],
            "binary_format_major_version": (5, 2), "binary_format_minor_version": (5, 0),
            "build_epoch": (9, 1700000000), "description": {"en": "Test"}}
    with open(path, "wb") as f:
        f.write(b"".join(record(a) + record(b) for a, b in nodes) + b"\0" * 16 + data)
        f.write(b"\xab\xcd\xefMaxMind.com" + _value(meta))
