#!/usr/bin/env bash
# kill -9 in the middle of a live run, then a restart on the same store: what was lost, counted.
# Findings and endpoints that were reported before the kill must all be there; of the counters, at
# most what happened in the second before it may be missing.
#
# usage (as root): tests/kill/run.sh [--binary PATH] [--rate REQUESTS-A-SECOND] [--seconds N]
#                                    [--rounds N]
# exit code: 0 nothing lost, 1 something was, 77 this machine cannot run it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PATH="$PATH:/usr/sbin:/sbin"
binary=$here/../../target/release/tapscope rate=1000 seconds=4 rounds=3
while [ $# -gt 0 ]; do
    case "$1" in
    --binary) binary=$2 ;;
    --rate) rate=$2 ;;
    --seconds) seconds=$2 ;;
    --rounds) rounds=$2 ;;
    *) echo "kill: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
binary=$(realpath "$binary")
[ -x "$binary" ] || { echo "kill: $binary is not there; build it first" >&2; exit 1; }

cannot() { echo "kill: cannot run here: $1" >&2; exit 77; }
[ "$(id -u)" = 0 ] || cannot "network namespaces need root"
for tool in ip tc ethtool nginx wrk python3; do
    command -v "$tool" >/dev/null || cannot "$tool is missing"
done

. "$here/../live/network.sh"
work=${KEEP:-$(mktemp -d)}; mkdir -p "$work"
chmod 755 "$work"
children=()
cleanup() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    network_down
    [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
network_up || cannot "network namespaces, veth or tc mirred are not to be had"
start_nginx "$work"
children+=("$nginx_pid")

list() { "$binary" "$1" --store "$work/kill.db" --format jsonl >"$2"; }

start_tapscope() {
    ip netns exec "$sensor_ns" "$binary" --key-file "$work/key" watch -i mirror0 \
        --store "$work/kill.db" --exchange-log "$work/exchanges-$1.jsonl" --spec "$here/../live/openapi.yaml" --listen 127.0.0.1:7878 \
        >"$work/watch-$1.log" 2>&1 &
    watch_pid=$!
    children+=("$watch_pid")
    wait_for "listening on http" "$work/watch-$1.log" || { cat "$work/watch-$1.log" >&2; exit 1; }
}

pause_ms=20
connections=$((rate * pause_ms / 1000))
for round in $(seq "$rounds"); do
    start_tapscope "$round"
    PAUSE_MS=$((pause_ms - 1)) ip netns exec "$client_ns" wrk -t 2 -c "$connections" \
        -d "$((seconds + 2))s" -s "$here/../live/requests.lua" http://10.77.0.1:8080/ >"$work/wrk.log" &
    wrk_pid=$!
    children+=("$wrk_pid")
    sleep "$seconds"
    # What somebody could have read in the moment before the kill …
    list inventory "$work/$round.inventory.before"
    list findings "$work/$round.findings.before"
    sleep "0.$((RANDOM % 10))"
    kill -9 "$watch_pid"
    date +%s.%N >"$work/$round.killed"
    wait "$watch_pid" 2>/dev/null || true
    # … and what is there after it.
    list inventory "$work/$round.inventory.after"
    list findings "$work/$round.findings.after"
    wait "$wrk_pid" || true
    cp "$work/access.log" "$work/$round.access"
done
# The last run ends in peace: restarted on the same store, it must go on from what was there.
start_tapscope last
PAUSE_MS=$((pause_ms - 1)) ip netns exec "$client_ns" wrk -t 2 -c "$connections" -d 2s \
    -s "$here/../live/requests.lua" http://10.77.0.1:8080/ >"$work/wrk.log"
sleep 2
kill -TERM "$watch_pid"
wait "$watch_pid"
list inventory "$work/last.inventory"
list findings "$work/last.findings"
python3 "$here/count.py" "$work" "$rounds"
