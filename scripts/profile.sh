#!/usr/bin/env bash
# Makes samples/shop.profdata again: which ways through the product the sample's traffic takes, and
# how often. `make build` lays the product out by it (scripts/release.sh). To be made anew where the
# ways have changed that all traffic takes: what is no longer as it was when the profile was made
# is built as if there were none.
#
# usage: scripts/profile.sh
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "profile: $*" >&2; }

host=$(rustc -vV | sed -n 's/^host: //p')
merge=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
if [ ! -x "$merge" ]; then
    command -v rustup >/dev/null || {
        say "llvm-profdata is missing; install Rust from https://rustup.rs, or its llvm-tools"
        exit 1
    }
    rustup component add llvm-tools
fi
work=$PWD/target/profile
built=$work/$host/release/tapscope

say "building what writes a profile"
# With a target, what runs while it is built is not profiled.
RUSTFLAGS="${RUSTFLAGS:-} -Cprofile-generate=$work/raw" \
    cargo build --release --locked --target "$host" --target-dir "$work"
say "replaying the sample"
rm -rf "$work/raw" "$work/run"
mkdir -p "$work/run"
# On all processors, and on one, where all of it is one thread.
for on in "" "taskset -c 0"; do
    $on "$built" replay samples/shop.pcap.zst --key-file "$work/run/key" \
        --store "$work/run/store${on:+1}.db" >/dev/null
done
"$built" exchanges samples/shop.pcap.zst >/dev/null
"$merge" merge -sparse -o samples/shop.profdata "$work/raw"
say "samples/shop.profdata is done"
