#!/usr/bin/env bash
# Adds up what test runners print: cargo's "test result:" lines, vitest's "Tests" line, node's own
# "pass N" lines. A line "SKIPPED: reason" marks a test that passed because it could not run here;
# it is taken from the passed and counted as skipped.
#
# usage: scripts/sum-tests.sh failed|line [EXTRA-FAILURES]   (log on standard input)
set -euo pipefail
sed 's/\x1b\[[0-9;]*[A-Za-z]//g' | awk -v what="${1:-line}" -v extra="${2:-0}" '
    # test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …
    /^test result: / {
        for (i = 1; i < NF; i++) {
            if ($(i + 1) == "passed;") passed += $i
            if ($(i + 1) == "failed;") failed += $i
            if ($(i + 1) == "ignored;") skipped += $i
        }
    }
    #       Tests  1 failed | 22 passed | 3 skipped (26)
    /^ +Tests +[0-9]+ / {
        for (i = 2; i < NF; i++) {
            if ($(i + 1) == "passed") passed += $i
            if ($(i + 1) == "failed") failed += $i
            if ($(i + 1) == "skipped" || $(i + 1) == "todo") skipped += $i
        }
    }
    # ℹ pass 12   or   # pass 12
    /^(ℹ|#) pass [0-9]+$/ { passed += $3 }
    /^(ℹ|#) (fail|cancelled) [0-9]+$/ { failed += $3 }
    /^(ℹ|#) (skipped|todo) [0-9]+$/ { skipped += $3 }
    /^SKIPPED: / { passed -= 1; skipped += 1 }
    END {
        failed += extra
        if (what == "failed") { print failed + 0; exit }
        printf "%d passed, %d failed", passed, failed
        if (skipped > 0) printf ", %d skipped", skipped
        printf "\n"
    }'
