"""Compares what nginx logged, what tapscope found live and what it finds in the same packets.

usage: compare.py DIRECTORY, as tests/live/run.sh fills it. Exit code 1 when anything differs.
"""

import json
import sys
from collections import Counter
from pathlib import Path

SAME = ("method", "host", "template", "lifecycle", "requests", "statuses", "completeness",
        "authentication")


def lines(path):
    with open(path, encoding="utf-8") as handle:
        return [json.loads(line) for line in handle if line.strip()]


def main():
    work = Path(sys.argv[1])
    faults = []
    logged = Counter()
    for line in (work / "access.log").read_text().splitlines():
        method, status, _, _ = line.split(" ", 3)
        logged[method, int(status)] += 1
    for name in ("live", "replay"):
        found = Counter((e["method"], e["status"]) for e in lines(work / f"{name}.jsonl"))
        total, wanted = sum(found.values()), sum(logged.values())
        print(f"{name}: {total} exchanges, nginx logged {wanted}")
        for key in sorted(logged | found, key=str):
            if logged[key] != found[key]:
                faults.append(f"{name}: {key}: nginx {logged[key]}, tapscope {found[key]}")
    inventories = {}
    for name in ("live", "replay"):
        rows = lines(work / f"{name}.inventory")
        inventories[name] = sorted(json.dumps([row.get(k) for k in SAME], sort_keys=True) for row in rows)
        print(f"{name}: {len(rows)} inventory rows, {sum(row['requests'] for row in rows)} requests")
    if not inventories["live"]:
        faults.append("the live inventory is empty")
    for row in sorted(set(inventories["live"]) ^ set(inventories["replay"])):
        where = "live" if row in inventories["live"] else "replay"
        faults.append(f"only {where}: {row}")
    for fault in faults[:20]:
        print(f"DIFFERENT {fault}")
    print("live equals nginx's log and the replay" if not faults else f"{len(faults)} differences")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
