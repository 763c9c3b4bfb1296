"""Sends flows in every encapsulation that a mirror uses, over and over, each packet with a tag of its
own: TAG:KIND/FLOW/SERIAL; where the payload begins.

usage: send.py INTERFACE SECONDS
Prints a line with the number of packets of each kind when it is done. Standard library only.
"""

import socket
import struct
import sys
import time

A, B = bytes.fromhex("aaaaaaaaaa01"), bytes.fromhex("aaaaaaaaaa02")
FLOWS = 64


def v4(source, destination, protocol, payload, ident=0, fragment=0):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, fragment, 64, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(destination)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xFFFF) + head[12:] + payload


def v6(source, destination, protocol, payload):
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload


def tcp(source, destination, payload):
    return struct.pack("!HHIIBBHHH", source, destination, 1, 1, 0x50, 0x18, 8192, 0, 0) + payload


def udp(source, destination, payload):
    return struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload


def ether(reply, kind, payload):
    ends = (B, A) if reply else (A, B)
    return ends[1] + ends[0] + struct.pack("!H", kind) + payload


def tag(vlan, kind, payload):
    return struct.pack("!HH", vlan, kind) + payload


def outer(protocol, payload):
    return ether(False, 0x0800, v4("192.0.2.10", "192.0.2.20", protocol, payload))


def inner(flow, reply, text, six=False):
    ends = [("10.1.%d.%d" % (flow // 250, flow % 250 + 1), 20000 + flow * 7), ("10.2.0.%d" % (flow % 200 + 1), 8080)]
    if six:
        ends = [("2001:db8::%x" % (flow + 1), ends[0][1]), ("2001:db8:1::%x" % (flow % 200 + 1), 8080)]
    source, destination = reversed(ends) if reply else ends
    build = v6 if six else v4
    return build(source[0], destination[0], 6, tcp(source[1], destination[1], text))


def entropy(flow, reply):
    """A tunnel's source port, drawn for each direction."""
    return 40000 + (flow * 131 + reply * 977) % 20000


def gre(header, payload):
    return outer(47, header + payload)


def vxlan(source, payload):
    return udp(source, 4789, struct.pack("!II", 0x08000000, 7 << 8) + payload)


def geneve(flow, reply, kind, payload):
    return outer(17, udp(entropy(flow, reply), 6081, struct.pack("!HHI", 0, kind, 9 << 8) + payload))


def mpls(reply, payload):
    labels = [(1000 + reply * 77) << 12 | 64, (2000 + reply * 55) << 12 | 0x140]
    return struct.pack("!II", *labels) + payload


KINDS = {
    "plain4": lambda f, r, t: ether(r, 0x0800, inner(f, r, t)),
    "plain6": lambda f, r, t: ether(r, 0x86DD, inner(f, r, t, True)),
    "vlan": lambda f, r, t: ether(r, 0x8100, tag(10, 0x0800, inner(f, r, t))),
    "vlan-asymmetric": lambda f, r, t: ether(r, 0x8100, tag(10 + r, 0x0800, inner(f, r, t))),
    "qinq": lambda f, r, t: ether(r, 0x88A8, tag(100, 0x8100, tag(10, 0x0800, inner(f, r, t)))),
    "mpls": lambda f, r, t: ether(r, 0x8847, mpls(r, inner(f, r, t))),
    "pppoe": lambda f, r, t: ether(r, 0x8864, struct.pack("!BBHHH", 0x11, 0, 5, 2 + len(inner(f, r, t)), 0x21) + inner(f, r, t)),
    "gre": lambda f, r, t: gre(struct.pack("!HH", 0, 0x0800), inner(f, r, t)),
    "erspan1": lambda f, r, t: gre(struct.pack("!HH", 0, 0x88BE), ether(r, 0x0800, inner(f, r, t))),
    "erspan2": lambda f, r, t: gre(struct.pack("!HHIHHI", 0x1000, 0x88BE, f, 0x100A, 1, 0), ether(r, 0x0800, inner(f, r, t))),
    "erspan3": lambda f, r, t: gre(struct.pack("!HHIHHIHH", 0x1000, 0x22EB, f, 0x200A, 0, 0, 0, 0), ether(r, 0x0800, inner(f, r, t))),
    "ip-in-ip": lambda f, r, t: outer(4, inner(f, r, t)),
    "vxlan-entropy": lambda f, r, t: outer(17, vxlan(entropy(f, r), ether(r, 0x0800, inner(f, r, t)))),
    "vxlan-fixed": lambda f, r, t: outer(17, vxlan(65000, ether(r, 0x0800, inner(f, r, t)))),
    "vxlan-inner-tag": lambda f, r, t: outer(17, vxlan(65000, ether(r, 0x8100, tag(3 + r, 0x0800, inner(f, r, t))))),
    "geneve": lambda f, r, t: geneve(f, r, 0x6558, ether(r, 0x0800, inner(f, r, t))),
    "geneve-vxlan": lambda f, r, t: geneve(f, r, 0x0800, v4("10.50.0.%d" % (f % 5 + 1), "10.60.0.9", 17, vxlan(entropy(f + 7, r), ether(r, 0x0800, inner(f, r, t))))),
    "gtp-u": lambda f, r, t: outer(17, udp(2152, 2152, struct.pack("!BBHI", 0x30, 0xFF, len(inner(f, r, t)), 100 + r) + inner(f, r, t))),
}


def fragments(flow, serial):
    """One datagram in two pieces, each with a tag."""
    text = [b"TAG:fragment/%d/%d;" % (flow, serial + piece) for piece in range(2)]
    first = tcp(30000 + flow, 80, text[0]).ljust(64, b"z")
    address = "10.9.0.%d" % (flow + 1)
    ident = serial & 0xFFFF
    yield ether(False, 0x0800, v4(address, "10.9.1.1", 6, first, ident, 0x2000))
    yield ether(False, 0x0800, v4(address, "10.9.1.1", 6, text[1].ljust(32, b"z"), ident, 8))


def main():
    interface, seconds = sys.argv[1], float(sys.argv[2])
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((interface, 0))
    until, serial, counts = time.monotonic() + seconds, 0, {}
    print("sending", flush=True)
    while time.monotonic() < until:
        for flow in range(FLOWS):
            for kind, build in KINDS.items():
                for reply in (0, 1):
                    text = b"TAG:%s/%d/%d;" % (kind.encode(), flow, serial)
                    link.send(build(flow, reply, text + b"x" * 40))
                    serial += 1
                counts[kind] = counts.get(kind, 0) + 2
            for frame in fragments(flow, serial):
                link.send(frame)
            serial += 2
            counts["fragment"] = counts.get("fragment", 0) + 2
            time.sleep(0.005)
    print("sent", serial, len(counts), flush=True)


if __name__ == "__main__":
    main()
