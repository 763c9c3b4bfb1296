#!/usr/bin/env bash
# Replays a capture with the product, serves its page on loopback, and drives it in chromium.
#
# usage: tests/browser/run.sh [BINARY [CAPTURE [SPECIFICATION]]]
#   BINARY         default: target/release/tapscope, else target/debug/tapscope
#   CAPTURE        default: samples/shop.pcap.zst
#   SPECIFICATION  default: samples/shop.openapi.yaml
# With SCREENSHOTS=DIR in the environment, pictures for README.md are saved to DIR.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

target=${CARGO_TARGET_DIR:-$root/target}
binary=${1:-}
if [ -z "$binary" ]; then
    # The one built last: a stale release build must not stand in for what was just compiled.
    binary=$(ls -t "$target/release/tapscope" "$target/debug/tapscope" 2>/dev/null | head -n 1 || true)
fi
capture=${2:-$root/samples/shop.pcap.zst}
specification=${3:-$root/samples/shop.openapi.yaml}
for file in "${binary:-$target/release/tapscope}" "$capture" "$specification"; do
    [ -e "$file" ] || { echo "browser test: $file is missing; build with: make build" >&2; exit 1; }
done
binary=$(realpath "$binary")

work=$(mktemp -d)
product=
stop() {
    if [ -n "$product" ]; then
        kill -TERM "$product" 2>/dev/null || true
        wait "$product" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap stop EXIT

[ -d "$here/node_modules/playwright-core" ] || npm --prefix "$here" ci --no-audit --no-fund --silent

(cd "$work" && exec "$binary" replay "$capture" --spec "$specification" --store "$work/test.db" \
    --key-file "$work/key" --serve --listen 127.0.0.1:0) >"$work/out" 2>&1 &
product=$!

# The address is printed when the page can be asked for; the replay is over when a source says so.
url=
for _ in $(seq 600); do
    url=$(sed -nE 's/.*listening on (http:\/\/[^ ]+[0-9]).*/\1/p' "$work/out" | head -n 1)
    [ -n "$url" ] && break
    kill -0 "$product" 2>/dev/null || break
    sleep 0.1
done
[ -n "$url" ] || { echo "browser test: tapscope did not come up:" >&2; cat "$work/out" >&2; exit 1; }
export TAPSCOPE_URL=$url

cd "$here"
node ready.mjs || { cat "$work/out" >&2; exit 1; }
if [ -n "${SCREENSHOTS:-}" ]; then
    mkdir -p "$SCREENSHOTS"
    node screenshots.mjs
fi
node --test --test-concurrency=1 --test-reporter=spec
