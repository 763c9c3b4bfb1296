#!/usr/bin/env bash
# Records samples/shop.pcap.zst: the server and the clients of scripts/sample/ in two network
# namespaces, joined by a veth pair, captured by tcpdump on the server's side.
#
# usage (as root): scripts/make-sample.sh [OUTPUT] [SCALE]
#   SCALE compresses the timetable for a trial run (10 = ten times as fast).
# needs: iproute2 ethtool tcpdump curl python3 zstd
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-samples/shop.pcap.zst}
scale=${2:-1}

source scripts/namespaces.sh
need make-sample curl python3 zstd
connect
ip -n "$server" address add 198.51.100.10/32 dev veth0
ip -n "$server" -6 address add 2001:db8:10::10/128 dev veth0 nodad
ip -n "$server" route add 203.0.113.0/24 dev veth0
ip -n "$server" route add 192.0.2.0/24 dev veth0
ip -n "$server" -6 route add 2001:db8:20::/64 dev veth0
for last in $(seq 10 21) $(seq 40 53) $(seq 70 74) 120 130 131 140; do
    ip -n "$clients" address add "203.0.113.$last/32" dev veth0
done
for last in 5 20 30 66; do ip -n "$clients" address add "192.0.2.$last/32" dev veth0; done
ip -n "$clients" -6 address add 2001:db8:20::7/128 dev veth0 nodad
ip -n "$clients" route add 198.51.100.10/32 dev veth0
ip -n "$clients" -6 route add 2001:db8:10::10/128 dev veth0

capture "$work/shop.pcap"

start=$(date -d '+3 seconds' +%s)
ip netns exec "$server" python3 scripts/sample/server.py --start "$start" --scale "$scale" &
children+=($!)
sleep 1
ip netns exec "$clients" python3 scripts/sample/clients.py --start "$start" --scale "$scale"
sleep 1
kill -INT "${children[0]}"
wait "${children[0]}" || true
cat "$work/tcpdump.log" >&2
zstd -q -19 --ultra --long=24 -f "$work/shop.pcap" -o "$output"
ls -l "$work/shop.pcap" "$output"
