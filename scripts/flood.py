#!/usr/bin/env python3
"""Traffic made to fill memory: random paths on one host, and hosts without number. Writes records for
`tapscope import --format traffic` to standard output, so that nothing of it is kept.

flood.py [--paths 1000000] [--hosts 100000] | /usr/bin/time -v tapscope import --format traffic - --store /tmp/flood.db

Every response succeeds with a structured body: the worst an attacker who controls a server and a client can do, since
what fails is never learned from. Paths have one to five random words, so that they look like no identifier.
"""
import argparse
import random
import sys

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(draw):
    return "".join(draw.choices(LETTERS, k=draw.randint(3, 9)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=1_000_000)
    parser.add_argument("--hosts", type=int, default=100_000)
    arguments = parser.parse_args()
    draw, out, time = random.Random(1), sys.stdout, 1_767_571_200.0

    def record(number, host, path):
        field = LETTERS[number % 26] + LETTERS[number // 26 % 26]
        out.write(
            f'{{"ts":{time + number / 1000:.3f},"client_ip":"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",'
            f'"client_port":40000,"method":"GET","host":"{host}","path":"{path}","query":"","status":200,'
            f'"req_headers":{{}},"resp_headers":{{"content-type":"application/json"}},'
            f'"resp_body":"{{\\"{field}\\":1,\\"id\\":2}}","latency_ms":1}}\n'
        )

    for number in range(arguments.paths):
        record(number, "api.example.com", "/" + "/".join(word(draw) for _ in range(draw.randint(1, 5))))
    for number in range(arguments.hosts):
        record(arguments.paths + number, f"h{number}.example.com", f"/users/{number}")


if __name__ == "__main__":
    main()
