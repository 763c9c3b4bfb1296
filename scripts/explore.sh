#!/usr/bin/env bash
# Property tests and the simulator on cases that no run has seen: prints its seed first.
#
# usage: [SEED=N] [CASES=N] scripts/explore.sh
#   SEED   the draw (random when not given)
#   CASES  dialogues the simulator plays (10000)
set -euo pipefail
cd "$(dirname "$0")/.."
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "explore: SEED=$seed"
export PROPTEST_RNG_SEED=$seed DIALOGUES_SEED=$seed DIALOGUES_CASES=${CASES:-10000}
export LAWS_SEED=$seed LAWS_CASES=${LAWS_CASES:-100000}
cargo test --release --locked --no-fail-fast -p tapscope-decap -p tapscope-flow -p tapscope-http \
    -p tapscope-redact -p tapscope-pipeline -p tapscope-analyzer -p tapscope-laws
