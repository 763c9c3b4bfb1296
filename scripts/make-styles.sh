#!/usr/bin/env bash
# Records tests/styles/styles.pcap.zst: services of each API style and their clients
# (scripts/styles/) in two network namespaces, joined by a veth pair, captured by tcpdump on the
# server's side. tests/styles.rs says which operations must come out of it.
#
# usage (as root): scripts/make-styles.sh [OUTPUT]
# needs: iproute2 ethtool tcpdump python3 zstd, and from PyPI the packages in
#        scripts/styles/requirements.txt (PYTHON=/path/to/venv/bin/python)
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-tests/styles/styles.pcap.zst}
python=${PYTHON:-python3}

for tool in ip ethtool tcpdump zstd; do
    command -v "$tool" >/dev/null || { echo "make-styles: $tool is missing" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "make-styles: network namespaces need root" >&2; exit 1; }

server=tapscope-srv-$$ clients=tapscope-cli-$$
work=$(mktemp -d)
children=()
cleanup() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    ip netns del "$server" 2>/dev/null || true
    ip netns del "$clients" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

ip netns add "$server"
ip netns add "$clients"
ip link add veth0 netns "$server" address 02:00:00:00:00:10 type veth \
    peer name veth0 netns "$clients" address 02:00:00:00:00:20
for ns in "$server" "$clients"; do
    # A mirror shows frames as they are on the wire: no segmentation or checksum offload.
    ip netns exec "$ns" ethtool -K veth0 tx off rx off tso off gso off gro off >/dev/null
    ip -n "$ns" link set lo up
    ip -n "$ns" link set veth0 up
done
ip -n "$server" address add 198.51.100.10/24 dev veth0
ip -n "$clients" address add 198.51.100.20/24 dev veth0

ip netns exec "$server" tcpdump -i veth0 -s 0 -B 16384 -U -w "$work/styles.pcap" tcp 2>"$work/tcpdump.log" &
children+=($!)
for _ in $(seq 100); do grep -q 'listening on' "$work/tcpdump.log" && break; sleep 0.1; done

ip netns exec "$server" "$python" scripts/styles/server.py 198.51.100.10 &
children+=($!)
sleep 4
ip netns exec "$clients" "$python" scripts/styles/clients.py 198.51.100.10
sleep 1
kill -INT "${children[0]}"
wait "${children[0]}" || true
cat "$work/tcpdump.log" >&2
mkdir -p "$(dirname "$output")"
zstd -q -19 -f "$work/styles.pcap" -o "$output"
ls -l "$work/styles.pcap" "$output"
