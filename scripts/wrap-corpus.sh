#!/usr/bin/env bash
# Every plain HTTP/1 capture of a set in every encapsulation (tests/wrap): a table of how many give
# the exchanges of the plain run, all of them and to the last field.
#
# With `disturb` instead: the same captures cut into other segments, every packet twice, tagged, and
# in another order within the grace of a hole.
#
# usage: scripts/wrap-corpus.sh [SET_DIR] [compare|disturb]     (../shared/corpus/dev, compare)
set -euo pipefail
cd "$(dirname "$0")/.."
set_dir=${1:-../shared/corpus/dev}
tunnels=vlan,qinq,gre,gtp,vxlan,erspan,geneve,mpls,pppoe,ip-in-ip-nested,teredo,nsh,ayiya,l2tp,wifi
other=nflog,ppp,sctp,ipfrag,snaplen,tls,http2,grpc
mapfile -t plain < <(awk -F'\t' -v without="$tunnels,$other" -v dir="$set_dir" '
    BEGIN { n = split(without, names, ","); for (i = 1; i <= n; i++) skip[names[i]] = 1 }
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    {
        wanted = 0
        n = split($column["features"], features, ",")
        for (i = 1; i <= n; i++) {
            if (features[i] == "http1") wanted = 1
            if (features[i] in skip) next
        }
        if (wanted) print dir "/" $column["file"]
    }' "$set_dir/MANIFEST.tsv")
cargo run --quiet --locked --profile fast -p tapscope-wrap --bin wrap -- "${2:-compare}" "${plain[@]}"
