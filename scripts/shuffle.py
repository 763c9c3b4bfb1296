#!/usr/bin/env python3
"""Does the order of traffic change the inventory? Imports each file as it is and shuffled, and compares the rows.

shuffle.py [-n SHUFFLES] TRAFFIC.jsonl...    # $TAPSCOPE or target/fast/tapscope

The times stay in order: shuffled requests take the times of those in whose place they come. Prints, for each file and
over all, the share of rows (method, host, template) that are the same as of the file as it is, and of rows whose number
of requests is the same too (intersection over union, mean over the shuffles).
"""
import argparse
import json
import os
import random
import subprocess
import tempfile


def inventory(tapscope, lines, folder):
    """The rows of a fresh store."""
    traffic, store = os.path.join(folder, "t.jsonl"), os.path.join(folder, "s.db")
    with open(traffic, "w") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    for name in os.listdir(folder):
        if name.startswith("s.db"):
            os.remove(os.path.join(folder, name))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    subprocess.run([tapscope, "import", "--format", "traffic", traffic, "--store", store], **quiet)
    rows = subprocess.run([tapscope, "inventory", "--store", store, "--format", "json"], check=True, capture_output=True)
    return {(r["method"], r["host"], r["template"]): r["requests"] for r in json.loads(rows.stdout)}


def same(a, b):
    """Shares of rows that are the same by name, and by name and number of requests."""
    names = len(a.keys() & b.keys()) / max(1, len(a.keys() | b.keys()))
    counts = len(set(a.items()) & set(b.items())) / max(1, len(set(a.items()) | set(b.items())))
    return names, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("-n", type=int, default=3, help="shuffles of each file")
    arguments = parser.parse_args()
    tapscope = os.environ.get("TAPSCOPE", "target/fast/tapscope")
    every = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.files:
            with open(name) as file:
                lines = [json.loads(line) for line in file]
            times = [line["ts"] for line in lines]
            plain = inventory(tapscope, lines, folder)
            shares = []
            for seed in range(arguments.n):
                shuffled = [dict(line) for line in lines]
                random.Random(seed).shuffle(shuffled)
                for line, time in zip(shuffled, times):
                    line["ts"] = time
                shares.append(same(plain, inventory(tapscope, shuffled, folder)))
            every += shares
            mean = [sum(column) / len(column) for column in zip(*shares)]
            print(f"{os.path.basename(name):32} {len(plain):5} rows  same {mean[0]:.4f}  with counts {mean[1]:.4f}", flush=True)
    mean = [sum(column) / len(column) for column in zip(*every)]
    print(f"{'mean':32} {'':5}       same {mean[0]:.4f}  with counts {mean[1]:.4f}")


if __name__ == "__main__":
    main()
