"""Counts what a kill -9 took with it.

usage: count.py DIRECTORY ROUNDS, as tests/kill/run.sh fills it. Exit code 1 when an endpoint or a
finding is missing, a counter went back, or more than the last second's exchanges are missing.
"""

import json
import sys
from pathlib import Path

#: What the store may be behind.
SECONDS_MAX = 1.0


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def by_id(path):
    return {row["id"]: row for row in rows(path)}


def times(path):
    """When nginx finished each successful request. What only ever fails (a path that does not
    exist) is rightly no endpoint, and therefore not compared."""
    parts = (line.split(" ", 3) for line in path.read_text().splitlines())
    return sorted(float(when) for _, status, when, _ in parts if status.startswith("2"))


def answers_not_seen(path):
    """Exchanges whose response was on the wire when wrk hung up: nginx logged some of them."""
    return sum(row["requests"] - sum(row["statuses"].values()) for row in rows(path))


def successes(path):
    """Successful exchanges in the inventory: all but those known to be something else. (What was
    held back until its endpoint was known counts in `requests` and in no status.)"""
    return sum(row["requests"] - sum(count for status, count in row["statuses"].items()
                                     if not status.startswith("2")) for row in rows(path))


def main():
    work, rounds = Path(sys.argv[1]), int(sys.argv[2])
    faults, stored_before, logged_before = [], 0, 0
    for number in range(1, rounds + 1):
        killed = float((work / f"{number}.killed").read_text())
        lost = {}
        for kind in ("inventory", "findings"):
            before = by_id(work / f"{number}.{kind}.before")
            after = by_id(work / f"{number}.{kind}.after")
            lost[kind] = [row for key, row in before.items() if key not in after]
            faults += [f"round {number}: {kind} lost: {row}" for row in lost[kind]]
            if kind == "inventory":
                faults += [f"round {number}: counter went back: {row['template']}"
                           for key, row in before.items()
                           if key in after and after[key]["requests"] < row["requests"]]
        stored = successes(work / f"{number}.inventory.after")
        served = [t for t in times(work / f"{number}.access")[logged_before:] if t <= killed]
        kept, missing = stored - stored_before, len(served) - (stored - stored_before)
        behind = killed - served[kept] if 0 <= kept < len(served) else 0.0
        print(f"round {number}: lost {len(lost['inventory'])} endpoints, "
              f"{len(lost['findings'])} findings; of {len(served)} exchanges before the kill "
              f"{missing} are missing, the oldest of them {behind:.2f} s old")
        if behind > SECONDS_MAX:
            faults.append(f"round {number}: exchanges from {behind:.2f} s before the kill are missing")
        if not stored:
            faults.append(f"round {number}: nothing was stored")
        stored_before, logged_before = stored, len(times(work / f"{number}.access"))
    last = successes(work / "last.inventory")
    new = len(times(work / "access.log")) - logged_before
    print(f"after the restart: {last - stored_before} exchanges more, nginx logged {new}")
    unseen = (answers_not_seen(work / "last.inventory")
              - answers_not_seen(work / f"{rounds}.inventory.after"))
    if not last - stored_before <= new <= last - stored_before + unseen:
        faults.append("the restarted run did not go on from what was stored")
    ids = by_id(work / "last.inventory")
    for key, row in by_id(work / f"{rounds}.inventory.after").items():
        if key not in ids:
            faults.append(f"an endpoint has another id after the restart: {row['template']}")
    for fault in faults[:20]:
        print(f"LOST {fault}")
    print("nothing was lost beyond the last second" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
