#!/usr/bin/env bash
# Builds target/release/tapscope twice: once to see which ways the sample's traffic takes through it, and
# once laid out for these. What comes out is the same; it takes about an eighth less time. For
# packages.
#
# usage: scripts/optimize.sh
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "optimize: $*" >&2; }

host=$(rustc -vV | sed -n 's/^host: //p')
merge=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
if [ ! -x "$merge" ]; then
    command -v rustup >/dev/null || {
        say "llvm-profdata is missing; install Rust from https://rustup.rs, or its llvm-tools"
        exit 1
    }
    rustup component add llvm-tools
fi
work=$PWD/target/optimized
built=$work/$host/release/tapscope

# With a target, what runs while it is built is not profiled.
build() {
    RUSTFLAGS="${RUSTFLAGS:-} $1" cargo build --release --locked --target "$host" --target-dir "$work"
}

say "building what writes a profile"
rm -rf "$work/raw" "$work/run"
mkdir -p "$work/run"
build "-Cprofile-generate=$work/raw"
say "replaying the sample"
"$built" replay samples/shop.pcap.zst --key-file "$work/run/key" --store "$work/run/store.db" >/dev/null
"$built" exchanges samples/shop.pcap.zst >/dev/null
"$merge" merge -o "$work/profile" "$work/raw"
say "building with the profile"
build "-Cprofile-use=$work/profile"
mkdir -p target/release
cp "$built" target/release/tapscope
say "target/release/tapscope is done"
