# Two network namespaces joined by a link whose frames look as on a wire; sourced by the scripts
# that record captures. Gives `server`, `clients` (names of the namespaces), `work` (a directory
# of the run's own) and `children` (processes to be stopped); removes all of it at the end.

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

# need NAME TOOL…: says what NAME cannot do without.
need() {
    local name=$1
    shift
    for tool in ip ethtool tcpdump "$@"; do
        command -v "$tool" >/dev/null || { echo "$name: $tool is missing" >&2; exit 1; }
    done
    [ "$(id -u)" = 0 ] || { echo "$name: network namespaces need root" >&2; exit 1; }
}

# connect: makes the namespaces and the link.
connect() {
    ip netns add "$server"
    ip netns add "$clients"
    ip link add veth0 netns "$server" address 02:00:00:00:00:10 type veth \
        peer name veth0 netns "$clients" address 02:00:00:00:00:20
    for ns in "$server" "$clients"; do
        # A mirror shows frames as they are on the wire: no segmentation or checksum offload.
        ip netns exec "$ns" ethtool -K veth0 tx off rx off tso off gso off gro off >/dev/null
        ip netns exec "$ns" sysctl -qw net.ipv6.conf.veth0.accept_dad=0
        ip -n "$ns" link set lo up
        ip -n "$ns" link set veth0 up
    done
}

# capture FILE: begins to record the server's side; the first of `children`.
capture() {
    ip netns exec "$server" tcpdump -i veth0 -s 0 -B 16384 -U -w "$1" tcp 2>"$work/tcpdump.log" &
    children+=($!)
    for _ in $(seq 100); do grep -q 'listening on' "$work/tcpdump.log" && break; sleep 0.1; done
}
