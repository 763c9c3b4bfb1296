#!/usr/bin/env bash
# What must hold besides the tests: format, lints, documentation, dependencies. Warnings are errors.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh lint

echo "== format"
cargo fmt --all --check
echo "== clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings
echo "== documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
echo "== dependencies"
scripts/cargo-deny.sh run --log-level error --workspace --locked check bans licenses sources
# The advisory database is a git repository on the network; without it the other checks stand.
if timeout 120 scripts/cargo-deny.sh run --log-level error --workspace --locked fetch db >/dev/null 2>&1; then
    scripts/cargo-deny.sh run --log-level error --workspace --locked check advisories
else
    echo "dependencies: the advisory database could not be fetched; advisories were not checked"
fi
