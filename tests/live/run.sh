#!/usr/bin/env bash
# The live test: nginx in one namespace, wrk in a second, tapscope on a mirror port in a third.
# What tapscope found live must be what nginx logged, and what the same packets give as a capture.
#
# usage (as root): tests/live/run.sh [--binary PATH] [--rate REQUESTS-A-SECOND] [--seconds N]
#                                    [--keep DIR]
# exit code: 0 equal, 1 not equal or something broke, 77 this machine cannot run it
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export PATH="$PATH:/usr/sbin:/sbin"
binary=$here/../../target/release/tapscope rate=2000 seconds=20 keep=
while [ $# -gt 0 ]; do
    case "$1" in
    --binary) binary=$2 ;;
    --rate) rate=$2 ;;
    --seconds) seconds=$2 ;;
    --keep) keep=$2 ;;
    *) echo "live: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
binary=$(realpath "$binary")
[ -x "$binary" ] || { echo "live: $binary is not there; build it first" >&2; exit 1; }

cannot() { echo "live: cannot run here: $1" >&2; exit 77; }
[ "$(id -u)" = 0 ] || cannot "network namespaces need root"
for tool in ip tc ethtool nginx wrk tcpdump python3; do
    command -v "$tool" >/dev/null || cannot "$tool is missing"
done

. "$here/network.sh"
work=${keep:-$(mktemp -d)}
mkdir -p "$work"
chmod 755 "$work"
children=()
cleanup() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    network_down
    [ -n "$keep" ] || rm -rf "$work"
}
trap cleanup EXIT
network_up || cannot "network namespaces, veth or tc mirred are not to be had"

# === The server ===
start_nginx "$work"
children+=("$nginx_pid")

# === The sensor and, beside it, tcpdump on the same port ===
ip netns exec "$sensor_ns" tcpdump -i mirror0 -s 0 -B 65536 -w "$work/live.pcap" 2>"$work/tcpdump.log" &
tcpdump_pid=$!
children+=("$tcpdump_pid")
ip netns exec "$sensor_ns" "$binary" --key-file "$work/key" watch -i mirror0 \
    --store "$work/live.db" --exchange-log "$work/live.jsonl" --listen 127.0.0.1:7878 \
    >"$work/watch.log" 2>&1 &
watch_pid=$!
children+=("$watch_pid")
wait_for "listening on" "$work/tcpdump.log" || { cat "$work/tcpdump.log" >&2; exit 1; }
wait_for "listening on http" "$work/watch.log" || { cat "$work/watch.log" >&2; exit 1; }

# === The load: wrk, each connection pausing so that all of them give about the rate ===
pause_ms=20
connections=$((rate * pause_ms / 1000))
[ "$connections" -ge 2 ] || connections=2
PAUSE_MS=$((pause_ms - 1)) ip netns exec "$client_ns" wrk -t 2 -c "$connections" -d "${seconds}s" \
    --timeout 5s -s "$here/requests.lua" http://10.77.0.1:8080/ >"$work/wrk.log"
grep -E 'requests in|Requests/sec|Non-2xx' "$work/wrk.log" || true

# === The end: everything in flight arrives, then both stop ===
sleep 2
kill -TERM "$tcpdump_pid" "$watch_pid"
wait "$tcpdump_pid" || true
code=0
wait "$watch_pid" || code=$?
[ "$code" = 0 ] || { echo "live: tapscope watch ended with $code" >&2; tail -5 "$work/watch.log" >&2; exit 1; }
grep -E 'captured|dropped' "$work/tcpdump.log" | tr '\n' ';'; echo

"$binary" --key-file "$work/key" replay "$work/live.pcap" --store "$work/replay.db" \
    --exchange-log "$work/replay.jsonl" >"$work/replay.log" 2>&1 || { tail -5 "$work/replay.log" >&2; exit 1; }
"$binary" inventory --store "$work/live.db" --format jsonl >"$work/live.inventory"
"$binary" inventory --store "$work/replay.db" --format jsonl >"$work/replay.inventory"
python3 "$here/compare.py" "$work"
