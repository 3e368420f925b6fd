#!/bin/sh
# Proves the newest copy: restores it into a folder of its own, serves it and pushes to it: sh restore-drill.sh FOLDER KEY [PARKS]
# KEY: the kept master key. PARKS: what `vipgate park list --format jsonl` says of the live ledger, to compare with.
set -eu

copies=$1
key=$2
live=${3:-}
port=${DRILL_PORT:-18080}
secret=drill-secret-of-today
body='{"park_uuid":"drill","row":[{"plate":"粤X33333","plate_color":"1","charge_type":"101","vip_type":"1","quantity":"1","pay_partner":"drill-1","pay_type":"1"}]}'

fail() {
    echo "restore drill: $1" >&2
    exit 1
}

gateway=
drill=$(mktemp -d)
clean() {
    status=$?
    trap - EXIT
    if [ -n "$gateway" ]; then
        kill "$gateway" 2>/dev/null || true
        wait "$gateway" || true
    fi
    rm -rf "$drill"
    exit "$status"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# The names sort by time.
newest=
for copy in "$copies"/vipgate-*Z.db; do newest=$copy; done
[ -f "$newest" ] || fail "there is no copy in $copies"
echo "restoring $newest"
install -m 0600 "$newest" "$drill/vipgate.db"
install -m 0600 "$key" "$drill/master.key"

# Nothing of the live gateway's settings: no other database, no other key.
for name in $(env | sed -n 's/^\(VIPGATE_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
export VIPGATE_HOME="$drill"

# Reads every page and row, and compares them with what it read.
"${VIPGATE:-vipgate}" backup --verify "$drill/proof.db"
rm "$drill/proof.db"
"${VIPGATE:-vipgate}" park list --format jsonl > "$drill/restored.jsonl"
[ -s "$drill/restored.jsonl" ] || fail "the copy has no park"

"${VIPGATE:-vipgate}" serve --port "$port" > "$drill/serving.log" 2>&1 &
gateway=$!
tries=0
until curl -fsS --output "$drill/ready.json" "http://127.0.0.1:$((port + 1))/readyz" 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 60 ] || ! kill -0 "$gateway" 2>/dev/null; then
        cat "$drill/serving.log" >&2
        fail "the gateway does not start on the copy; is $key the key of that time?"
    fi
    sleep 1
done

# The gateway has migrated what an older version wrote: each park must have the same records.
"${VIPGATE:-vipgate}" park list --format jsonl > "$drill/served.jsonl"
diff "$drill/restored.jsonl" "$drill/served.jsonl" >&2 || fail "the gateway shows other parks or records than the copy"

echo "$secret" | "${VIPGATE:-vipgate}" park add drill --secret -
signature=$(printf '%s&app_secret=%s' "$body" "$secret" | md5sum | cut -d' ' -f1)
curl -sS -H 'Content-Type: application/json' -H "Authorization: $signature" --data-binary "$body" \
    --output "$drill/answer.json" "http://127.0.0.1:$port/gate/1.0/parking/internal/vip/recharge"
grep -q '"code":"1001"' "$drill/answer.json" || fail "a push got $(cat "$drill/answer.json")"
"${VIPGATE:-vipgate}" request "$(sed 's/.*"seqno":"\([0-9]*\)".*/\1/' "$drill/answer.json")"

if [ -n "$live" ]; then
    [ -s "$live" ] || fail "$live has no park"
    echo "parks that differ (< copy, > live); each must have pushed since the copy:"
    diff "$drill/restored.jsonl" "$live" || [ $? -eq 1 ]
fi
echo "restore drill: good, $(wc -l < "$drill/restored.jsonl") parks"
