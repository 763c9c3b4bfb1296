#!/usr/bin/env bash
# Every test there is, one runner after the other, and one sum as the last line:
# "N passed, N failed" or "N passed, N failed, N skipped". Any failure makes the exit code non-zero.
set -uo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test || exit 1
export PATH="$PATH:/usr/sbin:/sbin"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
broken=0

# Runs one runner; one that fails without having counted a failed test (it did not compile, it was
# killed) counts as one failed test, so that the sum can never look better than what happened.
runner() {
    local name=$1
    shift
    echo "== $name"
    local before after
    before=$(scripts/sum-tests.sh failed <"$log")
    "$@" 2>&1 | tee -a "$log"
    local code=${PIPESTATUS[0]}
    after=$(scripts/sum-tests.sh failed <"$log")
    if [ "$code" != 0 ] && [ "$after" = "$before" ]; then
        echo "$name: the runner itself failed with exit code $code"
        broken=$((broken + 1))
    fi
}

page() { make --no-print-directory ui; }
page_tests() {
    scripts/node.sh run npm --prefix dashboard-api/ui run --silent check &&
        scripts/node.sh run npm --prefix dashboard-api/ui test
}

if [ -f dashboard-api/ui/package.json ]; then
    runner "the page: build" page
    runner "the page: types and unit tests" page_tests
fi
runner "cargo test" cargo test --workspace --locked --no-fail-fast
if [ -x tests/browser/run.sh ]; then runner "the page in a browser" scripts/node.sh run tests/browser/run.sh; fi

echo
scripts/sum-tests.sh line "$broken" <"$log"
[ "$(scripts/sum-tests.sh failed <"$log")" = 0 ] && [ "$broken" = 0 ]
