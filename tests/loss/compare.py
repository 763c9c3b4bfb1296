#!/usr/bin/env python3
"""compare.py CAPTURE TAPSCOPE [RATE...]: what random packet loss costs, against the lossless capture.

Reads a plain pcap of Ethernet, IPv4 and TCP on which every exchange is whole (as the benches make
them), leaves packets out with the draws of droppkt.c (seed 42), and gives the rest to
`tapscope exchanges`. An exchange is untouched when no packet with a byte of it was left out. Prints
for each rate the share of all exchanges and of the untouched ones that came out as complete pairs,
the pairs that no exchange of the capture explains (another's status), and those that say that they
rest on what most clients do. PACKETS sets how many packets are used; WORK the directory for the lossy
captures.
"""
import collections, json, os, re, struct, subprocess, sys

capture, tapscope, rates = sys.argv[1], sys.argv[2], sys.argv[3:] or ["0.001", "0.01", "0.05"]
limit = int(os.environ.get("PACKETS", "400000"))
work = os.environ.get("WORK", "/tmp")


def draws(seed):
    state = (seed << 16) + 0x330E
    while True:
        state = (0x5DEECE66D * state + 0xB) & 0xFFFFFFFFFFFF
        yield state / 2.0**48


def packets():
    with open(capture, "rb") as file:
        yield file.read(24)
        for _ in range(limit):
            head = file.read(16)
            if len(head) < 16:
                return
            yield head + file.read(struct.unpack("<I", head[8:12])[0])


everything = list(packets())
header, everything = everything[0], everything[1:]
streams = collections.defaultdict(list)  # (source, destination) -> [(seq, index, payload)]
for index, packet in enumerate(everything):
    ip = packet[30:]
    if packet[28:30] != b"\x08\x00" or ip[9] != 6:
        continue
    tcp = ip[(ip[0] & 15) * 4 : struct.unpack(">H", ip[2:4])[0]]
    sport, dport, seq = struct.unpack(">HHI", tcp[:8])
    payload = tcp[(tcp[12] >> 4) * 4 :]
    key = ((ip[12:16], sport), (ip[16:20], dport))
    if tcp[13] & 2:
        seq = (seq + 1) & 0xFFFFFFFF
    if payload or tcp[13] & 2:
        streams[key].append((seq, index, payload))


def assemble(segments):
    """The bytes in order, and for each segment where it stands."""
    base, out, places = segments[0][0], bytearray(), []
    for seq, index, payload in segments:
        start = (seq - base) & 0xFFFFFFFF
        if start > 1 << 31:
            continue
        places.append((start, start + len(payload), index))
        if start <= len(out) < start + len(payload):
            out += payload[len(out) - start :]
    return bytes(out), places


def messages(stream):
    """(start, end, start line, host) of each whole message."""
    at = 0
    while True:
        head_end = stream.find(b"\r\n\r\n", at)
        if head_end < 0:
            return
        head = stream[at : head_end + 2]
        end = head_end + 4
        status = re.match(rb"HTTP/1\.\d (\d+)", head)
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
            while True:
                line = stream.find(b"\r\n", end)
                if line < 0:
                    return
                size = int(stream[end:line], 16)
                end = line + 2 + size + 2
                if not size:
                    break
        elif length and not (status and status.group(1) in (b"204", b"304")):
            end += int(length.group(1))
        if end > len(stream):
            return
        line = head.split(b"\r\n", 1)[0].decode()
        host = re.search(rb"\r\nhost: *([^\r]*)", head, re.I)
        yield at, end, line, host.group(1).decode() if host else None
        at = end


def indices(places, start, end):
    return [index for low, high, index in places if low < end and high > start]


truth = []  # (key, indices of its packets)
for (client, server), segments in list(streams.items()):
    if (server, client) not in streams:
        continue
    up, up_places = assemble(segments)
    if not re.match(rb"[A-Z]+ ", up):
        continue
    down, down_places = assemble(streams[server, client])
    up_at = down_at = 0
    name = ".".join(map(str, client[0])) + f":{client[1]}"
    for request, response in zip(messages(up), messages(down)):
        method, path, _ = request[2].split(" ", 2)
        of = []
        for places, (start, end) in ((up_places, request[:2]), (down_places, response[:2])):
            # Places are nearly sorted: look around the last one.
            of += indices(places[max(0, (up_at if places is up_places else down_at) - 64) :][:4096], start, end)
        while up_at < len(up_places) and up_places[up_at][1] <= request[1]:
            up_at += 1
        while down_at < len(down_places) and down_places[down_at][1] <= response[1]:
            down_at += 1
        truth.append(((name, method, path, int(response[2].split(" ")[1])), of))

print(f"{len(everything)} packets, {len(truth)} exchanges")
wanted = collections.Counter(key for key, _ in truth)
for rate in rates:
    drawn = draws(42)
    dropped = [next(drawn) < float(rate) for _ in everything]
    lossy = f"{work}/loss-{rate}.pcap"
    with open(lossy, "wb") as file:
        file.write(header)
        file.writelines(packet for packet, drops in zip(everything, dropped) if not drops)
    output = subprocess.run([tapscope, "exchanges", lossy], check=True, capture_output=True).stdout
    os.unlink(lossy)
    pairs = collections.Counter()
    supposed = 0
    for line in output.splitlines():
        row = json.loads(line)
        supposed += row["pairing"] == "supposed"
        if row["method"] is not None and row["status"] is not None:
            pairs[row["client"], row["method"], row["path"], row["status"]] += 1
    found = pairs & wanted
    untouched = collections.Counter(key for key, of in truth if not any(dropped[i] for i in of))
    whole = sum((found & untouched).values())
    wrong = sum((pairs - wanted).values())
    print(
        f"loss {rate}: {sum(found.values())} of {len(truth)} ({sum(found.values()) / len(truth):.4%}) paired, "
        f"{whole} of {sum(untouched.values())} untouched ({whole / sum(untouched.values()):.4%}), "
        f"{wrong} pairs of no exchange, {supposed} pairs supposed"
    )
