#!/usr/bin/env python3
"""What costs the sensor most: 1, 2 and 4 MiB of each worst case, with time, peak memory above that of
an idle run, and what the exchanges say. Cost is linear where the last column is near 2: the time that
4 MiB take more than 2 MiB, by what 2 MiB take more than 1 MiB (start-up is in neither).

usage: scripts/worst-cases.py RECORDS [WORD]     only cases whose name holds WORD
RECORDS is the sensor from packet to record: cargo build --profile fast -p tapscope-wrap --bin records
"""
import base64, gzip, json, os, random, resource, struct, subprocess, sys, tempfile, zlib

try:
    import brotli
except ImportError:
    brotli = None
MIB = 1 << 20
LOOKED_AT = 500
SEGMENT = 1400


def capture(path, messages):
    """A capture of one connection: messages are pairs of a side ('c' or 's') and bytes."""
    packets, sequence = [], {'c': 1000, 's': 5000}

    def segment(side, flags, payload=b''):
        other = 's' if side == 'c' else 'c'
        ports = (40000, 80) if side == 'c' else (80, 40000)
        addresses = [bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])]
        if side == 's':
            addresses.reverse()
        tcp = struct.pack('>HHIIBBHHH', *ports, sequence[side], sequence[other], 0x50, flags, 65535, 0, 0) + payload
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, *addresses) + tcp
        packets.append(ip)
        sequence[side] += len(payload) + bool(flags & 3)

    segment('c', 2)
    segment('s', 0x12)
    segment('c', 0x10)
    for side, payload in messages:
        for at in range(0, len(payload), SEGMENT):
            segment(side, 0x18, payload[at:at + SEGMENT])
    segment('c', 0x11)
    segment('s', 0x11)
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for number, packet in enumerate(packets):
            file.write(struct.pack('<IIII', 1000, number % 1000000, len(packet), len(packet)) + packet)


def repeat(unit, size):
    return unit * max(1, size // len(unit))


def request(body, kind='application/json', *fields, target='/x'):
    lines = [f'POST {target} HTTP/1.1', 'Host: h', f'Content-Type: {kind}', f'Content-Length: {len(body)}', *fields]
    return [('c', '\r\n'.join(lines).encode() + b'\r\n\r\n' + body), ('s', b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')]


def response(body, kind='application/json', *fields):
    lines = ['HTTP/1.1 200 OK', f'Content-Type: {kind}', f'Content-Length: {len(body)}', *fields]
    return [('c', b'GET /x HTTP/1.1\r\nHost: h\r\n\r\n'), ('s', '\r\n'.join(lines).encode() + b'\r\n\r\n' + body)]


def head(middle):
    return [('c', b'GET /x HTTP/1.1\r\nHost: h\r\n' + middle + b'\r\n\r\n'), ('s', b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')]


def chunked(chunks):
    return [('c', b'POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n' + chunks + b'0\r\n\r\n'),
            ('s', b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')]


def many(make, size, each):
    """Messages of many small exchanges, `size` bytes of them."""
    messages, sent = [], 0
    while sent < size:
        pair = make(each)
        messages += pair
        sent += sum(len(payload) for _, payload in pair)
    return messages


def blocks(size):
    """About `size` bytes of raw deflate that are a thousand times as many zeros: one block again and
    again, for compressing all of them would take longer than what is measured."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return repeat(block, size)


def zeros(size):
    """The same as gzip; nobody reads as far as its checksum."""
    return b'\x1f\x8b\x08\0\0\0\0\0\0\x03' + blocks(size) + b'\x03\0' + bytes(8)


def layered(times):
    body = bytes(8 * MIB)
    for _ in range(times):
        body = gzip.compress(body, 9)

    def make(size):
        return many(lambda _: request(body, 'application/json', 'Content-Encoding: ' + ', '.join(['gzip'] * times)), size, 0)
    return make


def websocket(frames):
    key = 'Sec-WebSocket-Extensions: permessage-deflate\r\n'
    return [('c', f'GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{key}\r\n'.encode()),
            ('s', f'HTTP/1.1 101 s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n{key}\r\n'.encode() + frames)]


def ws_frame(first, payload):
    n = len(payload)
    length = bytes([n]) if n < 126 else b'\x7e' + n.to_bytes(2, 'big') if n < 65536 else b'\x7f' + n.to_bytes(8, 'big')
    return bytes([first]) + length + payload


def deflated(size):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(size)) + packer.flush(zlib.Z_SYNC_FLUSH)[:-4]


def h2(kind, flags, stream, payload):
    return len(payload).to_bytes(3, 'big') + bytes([kind, flags]) + stream.to_bytes(4, 'big') + payload


PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
BLOCK = b'\x82\x86\x84\x01\x01h'
GRPC = b'\x83\x86\x44\x04/s/m\x01\x01h\x5f\x10application/grpc'
BIG = b'\x82\x86\x84\x40\x7f\xa1\x1e' + b'n' * 4000 + b'\0'


def client(payload):
    return [('c', PREFACE + payload)]


def resets(size):
    out, length, stream = [], 0, 1
    while length < size:
        out.append(h2(1, 5, stream, BLOCK) + h2(3, 0, stream, b'\0\0\0\x08'))
        length += len(out[-1])
        stream += 2
    return b''.join(out)


def graphql(query):
    return request(json.dumps({'query': query}).encode(), target='/graphql')


def nested_xml(size):
    return repeat(b'<a>', size)


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">' + b''.join(
    f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">'.encode() for i in range(12)) + b']><r>'

R = random.Random(1)
CASES = {
    'head: header lines of 8 bytes': lambda n: head(repeat(b'a: bcd\r\n', n)),
    'head: heads of 1,000 lines': lambda n: many(lambda _: head(b'a: b\r\n' * 1000), n, 0),
    'head: one long line': lambda n: head(b'a: ' + b'x' * n),
    'head: folded lines': lambda n: head(b'a: b\r\n' + repeat(b' c\r\n', n)),
    'head: heads of 1,000 folded lines': lambda n: many(lambda _: head(b'a: b\r\n' + b' c\r\n' * 1000), n, 0),
    'head: lines without colon': lambda n: head(repeat(b'x\r\n', n)),
    'head: bare CR': lambda n: [('c', b'GET /x HTTP/1.1\r' + repeat(b'a: b\r', n) + b'\r')],
    'head: long target': lambda n: [('c', b'GET /' + b'a' * n + b' HTTP/1.1\r\n\r\n')],
    'head: targets of blanks': lambda n: many(lambda _: [('c', b'GET ' + b' \t' * 30000 + b'/ HTTP/1.1\r\n\r\n')], n, 0),
    'head: empty lines': lambda n: [('c', repeat(b'\r\n', n))],
    'head: requests of HTTP/0.9': lambda n: [('c', repeat(b'GET /a\r\n', n))],
    'head: pipelined requests': lambda n: [('c', repeat(b'GET / HTTP/1.1\r\n\r\n', n))],
    'head: interim responses': lambda n: [('c', b'GET / HTTP/1.1\r\n\r\n'), ('s', repeat(b'HTTP/1.1 100 c\r\n\r\n', n))],
    'head: Content-Length lines': lambda n: many(lambda _: head(b'Content-Length: 1\r\n' * 1000), n, 0),
    'stream: garbage lines': lambda n: head(b'') + [('c', repeat(b'GET x\r\n', n))],
    'stream: garbage without lines': lambda n: head(b'') + [('c', repeat(b'GET  HTTP/1.1 ', n))],
    'stream: random': lambda n: [('c', R.randbytes(n))],
    'body: 1-byte chunks': lambda n: chunked(repeat(b'1\r\nx\r\n', n)),
    'body: chunk extensions': lambda n: chunked(repeat(b'1;' + b'a' * 1000 + b'\r\nx\r\n', n)),
    'body: one endless extension': lambda n: chunked(b'1;' + b'a' * n + b'\r\nx\r\n'),
    'body: two lengths and chunks': lambda n: [('c', b'POST /x HTTP/1.1\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n' % n + repeat(b'1\r\nx\r\n', n) + b'0\r\n\r\n')],
    'body: trailer lines': lambda n: [('c', b'POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n' + repeat(b'a: b\r\n', n) + b'\r\n')],
    'coding: gzip bomb': lambda n: response(zeros(n), 'application/json', 'Content-Encoding: gzip'),
    'coding: deflate bomb': lambda n: response(b'\x78\xda' + blocks(n), 'application/json', 'Content-Encoding: deflate'),
    'coding: small gzip bombs': lambda n: many(lambda _: response(zeros(4000), 'application/json', 'Content-Encoding: gzip'), n, 0),
    'coding: gzip, 3 layers': layered(3),
    'coding: 1,000 names': lambda n: many(lambda _: request(b'x', 'text/plain', 'Content-Encoding: ' + ', '.join(['gzip'] * 1000)), n, 0),
    'json: deep': lambda n: request(repeat(b'[', n)),
    'json: deep, 16 KiB each': lambda n: many(lambda _: request(b'[' * 16000), n, 0),
    'json: deep objects, 16 KiB each': lambda n: many(lambda _: request(b'{"a":' * 3200), n, 0),
    'json: wide, 16 KiB each': lambda n: many(lambda _: request(b'{' + b','.join(b'"k%d":1' % i for i in range(1600)) + b'}'), n, 0),
    'json: array of arrays': lambda n: many(lambda _: request(b'[' + b'[1],' * 4000 + b'1]'), n, 0),
    'json: escapes': lambda n: many(lambda _: request(b'"' + b'\\u0041' * 2700 + b'"'), n, 0),
    'json: long number': lambda n: many(lambda _: request(b'9' * 16000), n, 0),
    'json-rpc: batch of calls': lambda n: many(lambda _: request(b'[' + b','.join(b'{"jsonrpc":"2.0","method":"m%d","id":1}' % i for i in range(350)) + b']'), n, 0),
    'graphql: aliases': lambda n: many(lambda _: graphql('{' + ' '.join(f'a{i}:x' for i in range(2000)) + '}'), n, 0),
    'graphql: nested': lambda n: many(lambda _: graphql('{a' * 7000), n, 0),
    'graphql: fragments twice each': lambda n: many(lambda _: graphql('{...f0}' + ''.join(f'fragment f{i} on T{{...f{i+1} ...f{i+1}}}' for i in range(300))), n, 0),
    'graphql: fragment cycle': lambda n: many(lambda _: graphql('{...a}fragment a on T{...b}fragment b on T{...a}' + ' fragment c on T{...a}' * 400), n, 0),
    'xml: entities': lambda n: many(lambda _: request(ENTITIES + b'&m;' * 3000 + b'</r>', 'application/xml'), n, 0),
    'xml: deep': lambda n: many(lambda _: request(nested_xml(16000), 'application/xml'), n, 0),
    'xml: attributes': lambda n: many(lambda _: request(b'<a ' + b' '.join(b'a%d="1"' % i for i in range(1600)) + b'/>', 'application/xml'), n, 0),
    'form: fields': lambda n: many(lambda _: request(b'&'.join(b'k%d=1' % i for i in range(2000)), 'application/x-www-form-urlencoded'), n, 0),
    'query: fields': lambda n: many(lambda _: [('c', b'GET /x?' + b'&'.join(b'k%d=1' % i for i in range(2000)) + b' HTTP/1.1\r\nHost: h\r\n\r\n')], n, 0),
    'cookie: fields': lambda n: many(lambda _: head(b'Cookie: ' + b'; '.join(b'k%d=1' % i for i in range(2000))), n, 0),
    'multipart: parts': lambda n: many(lambda _: request(b'--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n' * 300 + b'--b--', 'multipart/form-data; boundary=b'), n, 0),
    'multipart: boundary of dashes': lambda n: many(lambda _: request(b'-' * 16000, 'multipart/form-data; boundary=' + '-' * 60), n, 0),
    'multipart: one big body': lambda n: request(repeat(b'--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n', n) + b'--b--', 'multipart/form-data; boundary=b'),
    'protobuf: nested': lambda n: many(lambda _: request(b'\x0a\xff\x7f' * 5000, 'application/x-protobuf'), n, 0),
    'path: segments': lambda n: many(lambda _: [('c', b'GET ' + b'/a' * 2000 + b' HTTP/1.1\r\nHost: h\r\n\r\n')], n, 0),
    'events: empty events': lambda n: response(repeat(b'data:\n\n', n), 'text/event-stream'),
    'websocket: empty frames': lambda n: websocket(repeat(ws_frame(0x81, b''), n)),
    'websocket: 1-byte frames': lambda n: websocket(repeat(ws_frame(0x81, b'x'), n)),
    'websocket: 1-byte fragments': lambda n: websocket(ws_frame(0x01, b'x') + repeat(ws_frame(0x00, b'x'), n)),
    'websocket: deflate bombs': lambda n: websocket(repeat(ws_frame(0xc1, deflated(4 * MIB)), n)),
    'websocket: small deflate bombs': lambda n: websocket(repeat(ws_frame(0xc1, deflated(100000)), n)),
    'grpc: empty messages': lambda n: client(h2(1, 4, 1, GRPC) + repeat(h2(0, 0, 1, b'\0' * 5 * 200), n)),
    'grpc: 1-byte messages in 1-byte frames': lambda n: client(h2(1, 4, 1, GRPC) + repeat(b''.join(h2(0, 0, 1, bytes([b])) for b in b'\0\0\0\0\x01x'), n)),
    'h2: empty DATA': lambda n: client(h2(1, 4, 1, BLOCK) + repeat(h2(0, 0, 1, b''), n)),
    'h2: 1-byte DATA': lambda n: client(h2(1, 4, 1, BLOCK) + repeat(h2(0, 0, 1, b'x'), n)),
    'h2: PING': lambda n: client(repeat(h2(6, 0, 0, b'12345678'), n)),
    'h2: SETTINGS': lambda n: client(repeat(h2(4, 0, 0, b'\0\1\0\0\x10\0'), n)),
    'h2: CONTINUATION of 1 byte': lambda n: client(h2(1, 0, 1, BLOCK) + repeat(h2(9, 0, 1, b'\x82'), n)),
    'h2: CONTINUATION, empty': lambda n: client(h2(1, 0, 1, BLOCK) + repeat(h2(9, 0, 1, b''), n)),
    'h2: rapid reset': lambda n: client(resets(n)),
    'h2: open streams': lambda n: client(b''.join(h2(1, 5, 2 * i + 1, BLOCK) for i in range(n // 15))),
    'hpack: 1-byte references to 4 KB': lambda n: client(b''.join(h2(1, 5, 2 * i + 1, BIG + b'\xbe' * 12000) for i in range(n // 16000))),
    'hpack: inserts with a 4 KB name': lambda n: client(b''.join(h2(1, 5, 2 * i + 1, BIG + b'\x7e\x00' * 6000) for i in range(n // 16000))),
    'hpack: table size changes': lambda n: client(b''.join(h2(1, 5, 2 * i + 1, b'\x20\x3f\xe1\x1f' * 3000 + BLOCK) for i in range(n // 12000))),
    'h2: random behind a gapless start': lambda n: [('c', R.randbytes(n))],
    'h2: zero-heavy, no frames': lambda n: [('c', bytes(b if b > 200 else 0 for b in R.randbytes(n)))],
    'h2: false DATA chains': lambda n: [('c', repeat(b'\0\0\x01\0\0\0\0\0\x01', n))],
}
if brotli:
    CASES['coding: br bomb'] = lambda n: many(lambda _: response(brotli.compress(bytes(8 * MIB), quality=1), 'application/json', 'Content-Encoding: br'), n, 0)


def zstd_bomb(n):
    body = subprocess.run(['zstd', '-3', '-c'], input=bytes(8 * MIB), capture_output=True, check=True).stdout
    return many(lambda _: response(body, 'application/json', 'Content-Encoding: zstd'), n, 0)


CASES['coding: zstd bomb'] = zstd_bomb


def run(program, path):
    """Seconds of CPU, peak KiB, and the lines that came out."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ['/usr/bin/time', '-f', '%M', program, path]
    with open(path + '.records', 'w+b') as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=600)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        count, first = 0, []
        for line in output:
            count += 1
            if count <= LOOKED_AT:
                first.append(line)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, int(done.stderr.strip().splitlines()[-1]), (count, first)


def says(found):
    """What the first exchanges say beyond being there: anomalies, signals and limits, by how many."""
    count, first = found
    told = {}
    for line in first:
        record = json.loads(line)
        names = set(record.get('anomalies') or [])
        names |= {signal.get('kind', '?') if isinstance(signal, dict) else signal for signal in record.get('signals') or []}
        for side in ('request', 'response'):
            names |= set((record.get(side) or {}).get('limits') or [])
        for name in names:
            told[name] = told.get(name, 0) + 1
    most = sorted(told.items(), key=lambda item: -item[1])[:5]
    return f'{count} exchanges' + ''.join(f', {name} {n}' for name, n in most)


def main():
    program, word = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ''
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'case.pcap')
        capture(path, head(b''))
        idle = run(program, path)
        print(f'idle: {idle[0]:.3f} s, {idle[1] // 1024} MiB')
        print(f'{"case":42} {"bytes at 1x":>11} {"MiB 1x":>6} {"4x":>4} {"s 1x":>6} {"2x":>6} {"4x":>6} {"ratio":>5}  says (at 1x)')
        for name, make in CASES.items():
            if word not in name:
                continue
            times, peaks, size, told = [], [], 0, ''
            for times_n in (1, 2, 4):
                capture(path, make(times_n * MIB))
                seconds, peak, found = run(program, path)
                times.append(seconds)
                peaks.append(max(0, peak - idle[1]) / 1024)
                if times_n == 1:
                    size, told = os.path.getsize(path), says(found)
            ratio = (times[2] - times[1]) / max(times[1] - times[0], 0.005)
            print(f'{name:42} {size:>11} {peaks[0]:>6.1f} {peaks[2]:>4.0f} {times[0]:>6.2f} {times[1]:>6.2f} {times[2]:>6.2f} {ratio:>5.1f}  {told}', flush=True)


if __name__ == '__main__':
    sys.exit(main() if len(sys.argv) > 1 else __doc__)
