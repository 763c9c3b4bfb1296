# Three namespaces for the tests that need live traffic; to be sourced.
#
#   client (10.77.0.2) ──veth── server (10.77.0.1) ══tc mirred══▶ mirror0 in the sensor's
#
# The sensor's namespace has no address and no route: it sees copies and can answer nobody.

server_ns=tapscope-server-$$
client_ns=tapscope-client-$$
sensor_ns=tapscope-sensor-$$

network_down() {
    for ns in "$server_ns" "$client_ns" "$sensor_ns"; do ip netns del "$ns" 2>/dev/null || true; done
}

network_up() {
    {
        ip netns add "$server_ns" && ip netns add "$client_ns" && ip netns add "$sensor_ns" &&
        ip link add veth0 netns "$server_ns" type veth peer name veth0 netns "$client_ns" &&
        ip link add mirror0 netns "$server_ns" type veth peer name mirror0 netns "$sensor_ns" &&
        ip -n "$server_ns" address add 10.77.0.1/24 dev veth0 &&
        ip -n "$client_ns" address add 10.77.0.2/24 dev veth0
    } 2>/dev/null || return 1
    for ns in "$server_ns" "$client_ns"; do
        # A switch's mirror port shows frames as they were on the wire, hence no offloads.
        ip netns exec "$ns" ethtool -K veth0 tx off rx off tso off gso off gro off >/dev/null 2>&1
        ip -n "$ns" link set lo up
        ip -n "$ns" link set veth0 up
    done
    for ns in "$server_ns" "$sensor_ns"; do
        ip netns exec "$ns" sysctl -qw net.ipv6.conf.mirror0.disable_ipv6=1 2>/dev/null || true
        ip netns exec "$ns" ethtool -K mirror0 tx off gso off gro off >/dev/null 2>&1
        ip -n "$ns" link set mirror0 up
    done
    ip -n "$sensor_ns" link set lo up
    # u32 rather than matchall: older and smaller kernels have it too.
    local all="protocol all u32 match u8 0 0 action mirred egress mirror dev mirror0"
    {
        tc -n "$server_ns" qdisc add dev veth0 clsact &&
        tc -n "$server_ns" filter add dev veth0 ingress $all &&
        tc -n "$server_ns" filter add dev veth0 egress $all
    } 2>/dev/null
}

# start_nginx DIRECTORY: serves on 10.77.0.1:8080; sets nginx_pid.
start_nginx() {
    local directory=$1
    mkdir -p "$directory/files" "$directory/temp"
    chmod 777 "$directory/temp"
    python3 -c 'print("[" + ",".join("{\"id\":%d,\"name\":\"row %d\"}" % (n, n) for n in range(90)) + "]")' \
        >"$directory/files/report.json"
    cat >"$directory/nginx.conf" <<NGINX
worker_processes 1;
daemon off;
pid $directory/nginx.pid;
error_log $directory/error.log warn;
events { worker_connections 4096; }
http {
    log_format plain '\$request_method \$status \$msec \$request_uri';
    access_log $directory/access.log plain;
    client_body_temp_path $directory/temp/body;
    proxy_temp_path $directory/temp/proxy;
    fastcgi_temp_path $directory/temp/fastcgi;
    uwsgi_temp_path $directory/temp/uwsgi;
    scgi_temp_path $directory/temp/scgi;
    default_type application/json;
    types { application/json json; }
    gzip on;
    gzip_types application/json;
    gzip_min_length 500;
    server {
        listen 10.77.0.1:8080 backlog=4096;
        keepalive_requests 400;
        location = /reports/daily.json { alias $directory/files/report.json; }
        location ~ ^/api/v1/users/[0-9]+\$ { return 200 '{"id":1,"name":"someone"}'; }
        location ~ ^/api/v1/users/[0-9]+/posts\$ { return 200 '[{"id":7}]'; }
        location = /api/v1/orders { return 201 '{"id":12}'; }
        location ~ ^/api/v1/files/[0-9a-f-]+\$ { return 204; }
        location = /api/v1/flaky { return 503 '{"title":"later"}'; }
        location / { return 404 '{"title":"nothing here"}'; }
    }
}
NGINX
    ip netns exec "$server_ns" nginx -c "$directory/nginx.conf" -p "$directory" \
        >"$directory/nginx.log" 2>&1 &
    nginx_pid=$!
    for _ in $(seq 100); do
        ip netns exec "$server_ns" ss -ltn 2>/dev/null | grep -q ':8080' && return 0
        sleep 0.1
    done
    cat "$directory/nginx.log" >&2
    return 1
}

# wait_for TEXT FILE: until the text is in the file, at most 20 seconds.
wait_for() {
    for _ in $(seq 200); do
        grep -q "$1" "$2" 2>/dev/null && return 0
        sleep 0.1
    done
    echo "no '$1' in $(basename "$2")" >&2
    return 1
}
