#!/usr/bin/env bash
# Fuzzes one target of tests/fuzz; what it finds interesting is kept in tests/fuzz/corpus (not
# committed), what breaks a law in tests/fuzz/artifacts.
#
# usage: TARGET=name [SECONDS_TO_RUN=60] [SANITIZER=none|address] scripts/fuzz.sh run|shrink|list
#   run     fuzz, starting from what is committed and from what earlier runs found
#   shrink  put the smallest set of inputs with the same coverage into tests/laws/corpus/TARGET
#   list    the targets there are
# The code is free of `unsafe`, so no sanitizer is the default: it is several times faster.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=${TARGET:-decap}
seconds=${SECONDS_TO_RUN:-60}
sanitizer=${SANITIZER:-none}
# The fuzzer's instrumentation is an unstable flag; this lets the pinned compiler take it.
export RUSTC_BOOTSTRAP=1
export PATH="$PATH:$root/.tools/cargo-fuzz/bin"

if ! command -v cargo-fuzz >/dev/null; then
    echo "fuzz: installing cargo-fuzz into .tools/cargo-fuzz" >&2
    cargo install cargo-fuzz --locked --version 0.13.2 --quiet --root "$root/.tools/cargo-fuzz"
fi

grown=tests/fuzz/corpus/$target
committed=tests/laws/corpus/$target
case "${1:-run}" in
list) cargo fuzz list --fuzz-dir tests/fuzz ;;
run)
    mkdir -p "$grown"
    cargo fuzz run --fuzz-dir tests/fuzz --sanitizer "$sanitizer" "$target" "$grown" "$committed" \
        -- -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
    ;;
shrink)
    [ -d "$grown" ] || { echo "fuzz: $grown does not exist; run the target first" >&2; exit 1; }
    smallest=$(mktemp -d)
    trap 'rm -rf "$smallest"' EXIT
    # Small inputs first: merging keeps the first input that reaches something.
    cargo fuzz run --fuzz-dir tests/fuzz --sanitizer "$sanitizer" "$target" "$smallest" "$grown" \
        "$committed" -- -merge=1 -max_len=512
    # What is committed has a bound (tests/laws/tests/replay.rs) and should not be a heap of files:
    # every nth by size, so that there are small and large ones.
    step=$(($(find "$smallest" -type f | wc -l) / 200 + 1))
    taken=0
    find "$smallest" -type f -printf '%s %p\n' | sort -n | awk "NR % $step == 0" |
        while read -r size path; do
            taken=$((taken + size))
            [ "$taken" -le 120000 ] || break
            cp -n "$path" "$committed/"
        done
    du -sb "$committed"
    ;;
*) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
