"""Sends the first frames of a pcap capture out of an interface, as a mirror port does.

usage: send.py INTERFACE CAPTURE.pcap vlan|vxlan FRAMES

`vlan` tags each frame, `vxlan` sends it in VXLAN to another machine. Standard library only.
"""

import socket
import struct
import sys
import time

MACS = bytes.fromhex("aaaaaaaaaa02aaaaaaaaaa01")
BATCH, PAUSE = 50, 0.01


def frames(path):
    with open(path, "rb") as capture:
        capture.read(24)
        while len(head := capture.read(16)) == 16:
            yield capture.read(struct.unpack("<I", head[8:12])[0])


def vlan(frame):
    return frame[:12] + struct.pack("!HH", 0x8100, 12) + frame[12:]


def vxlan(frame):
    inner = struct.pack("!II", 0x08000000, 42 << 8) + frame
    udp = struct.pack("!HHHH", 49152, 4789, 8 + len(inner), 0) + inner
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    ip += socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2")
    return MACS + struct.pack("!H", 0x0800) + ip + udp


interface, path, form, count = sys.argv[1:5]
wrap = {"vlan": vlan, "vxlan": vxlan}[form]
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((interface, 0))
for number, frame in enumerate(frames(path)):
    if number >= int(count):
        break
    link.send(wrap(frame))
    if number % BATCH == BATCH - 1:
        time.sleep(PAUSE)
