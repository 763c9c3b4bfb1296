#!/usr/bin/env python3
"""Writes captures that try to fill memory, the same ones for the same arguments.

    scripts/gen-memory-load.py half-open 5000000 OUT.pcap   # as many SYNs, each from elsewhere
    scripts/gen-memory-load.py handshakes 1000000 OUT.pcap  # SYN, SYN-ACK, ACK, and never a byte
    scripts/gen-memory-load.py hosts 1000000 OUT.pcap       # as many requests, each host and path new

Beside the first two go on 1,000 connections with an exchange before, amid and after the flood:
what `tapscope exchanges` gives must be these 3,000. The flood comes at --rate packets a second of
packet time.
"""
import argparse
import random
import struct

SERVER = b"\x0a\x4d\x00\x01"
SYN, RST, PSH, ACK = 2, 4, 8, 16
PRODUCTIVE = 1000

RECORD = struct.Struct("<IIII")
IP = struct.Struct(">BBHHHBBH4s4s")
TCP = struct.Struct(">HHIIBBHHH")


class Capture:
    """A pcap file and its clock."""

    def __init__(self, path, rate):
        self.file = open(path, "wb", buffering=1 << 22)
        self.file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))
        self.nanos = 1_790_000_000_000_000_000
        self.step = max(1, 10**9 // rate)
        self.packets = 0

    def packet(self, source, destination, seq, ack, flags, payload=b""):
        """A TCP segment in a bare IPv4 packet; checksums are left out, as offloading does."""
        (source_ip, source_port), (destination_ip, destination_port) = source, destination
        length = 40 + len(payload)
        self.nanos += self.step
        self.packets += 1
        self.file.write(
            RECORD.pack(self.nanos // 10**9, self.nanos % 10**9, length, length)
            + IP.pack(0x45, 0, length, 0, 0, 64, 6, 0, source_ip, destination_ip)
            + TCP.pack(
                source_port,
                destination_port,
                seq & 0xFFFFFFFF,
                ack & 0xFFFFFFFF,
                0x50,
                flags,
                0xFFFF,
                0,
                0,
            )
            + payload
        )

    def close(self):
        self.file.close()


class Connection:
    """A keep-alive connection of one client."""

    def __init__(self, number):
        ip = struct.pack(">I", 0x0A640000 + number)
        self.client, self.server = (ip, 40000), (SERVER, 80)
        self.seq, self.ack = 1000 + number, 500_000 + number

    def open(self, capture):
        capture.packet(self.client, self.server, self.seq, 0, SYN)
        capture.packet(self.server, self.client, self.ack, self.seq + 1, SYN | ACK)
        self.seq += 1
        self.ack += 1
        capture.packet(self.client, self.server, self.seq, self.ack, ACK)

    def exchange(self, capture, host, path):
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()
        response = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
        capture.packet(self.client, self.server, self.seq, self.ack, PSH | ACK, request)
        self.seq += len(request)
        capture.packet(self.server, self.client, self.ack, self.seq, PSH | ACK, response)
        self.ack += len(response)


def flood(capture, count, draw, completes):
    """As many handshakes, from addresses and ports that hardly ever repeat."""
    for _ in range(count):
        bits = draw.getrandbits(96)
        client = (struct.pack(">I", bits & 0xFFFFFFFF), 1024 + (bits >> 32) % 60000)
        seq, ack = bits >> 64, (bits >> 48) & 0xFFFFFFFF
        capture.packet(client, (SERVER, 443), seq, 0, SYN)
        if completes:
            capture.packet((SERVER, 443), client, ack, seq + 1, SYN | ACK)
            capture.packet(client, (SERVER, 443), seq + 1, ack + 1, ACK)


def flooded(capture, count, draw, completes):
    connections = [Connection(number) for number in range(PRODUCTIVE)]
    for connection in connections:
        connection.open(capture)
    for round_ in range(3):
        for number, connection in enumerate(connections):
            connection.exchange(capture, "api.example", f"/orders/{number * 3 + round_}")
        if round_ < 2:
            flood(capture, count // 2, draw, completes)


def hosts(capture, count, draw):
    connections = [Connection(number) for number in range(PRODUCTIVE)]
    for connection in connections:
        connection.open(capture)
    for number in range(count):
        host = f"h{draw.getrandbits(40):x}.example"
        path = f"/{draw.getrandbits(48):x}/{draw.getrandbits(32):x}"
        connections[number % PRODUCTIVE].exchange(capture, host, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kind", choices=["half-open", "handshakes", "hosts"])
    parser.add_argument("count", type=int)
    parser.add_argument("out")
    parser.add_argument("--rate", type=int, default=500_000, help="packets a second")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    capture, draw = Capture(arguments.out, arguments.rate), random.Random(arguments.seed)
    if arguments.kind == "hosts":
        hosts(capture, arguments.count, draw)
    else:
        flooded(capture, arguments.count, draw, arguments.kind == "handshakes")
    capture.close()
    print(f"{capture.packets} packets")


main()
