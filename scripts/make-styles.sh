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

source scripts/namespaces.sh
need make-styles zstd
connect
ip -n "$server" address add 198.51.100.10/24 dev veth0
ip -n "$clients" address add 198.51.100.20/24 dev veth0

capture "$work/styles.pcap"

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
