#!/usr/bin/env bash
# Kills the cart program ten times while it works, and checks that nothing is lost and nothing done twice.
#
#   examples/cart/chaos.sh sqlite
#   examples/cart/chaos.sh postgres postgres://user:password@host/database
#
# First an undisturbed run is timed. Then the same input is processed on a fresh database by a program that is killed
# with `kill -9` at ten random moments of that time, and started again each time. At the end `cart --verify` reads the
# log, and the listings are compared with those of the undisturbed run. On Postgres two fresh schemas are used, and
# dropped again when `psql` is there.
#
# CART_KILLS sets another number of kills, CART_SEED repeats the same random moments.
set -euo pipefail

usage() {
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
    exit 64
}

folder=$(cd "$(dirname "$0")" && pwd)
kills=${CART_KILLS:-10}
RANDOM=${CART_SEED:-$$}
input=$folder/data/commands.jsonl
work=$(mktemp -d)

case ${1:-} in
sqlite)
    calm_database=$work/calm.db
    chaos_database=$work/chaos.db
    ;;
postgres)
    url=${2:?"the URL of a Postgres database is missing"}
    separator=$([[ $url == *\?* ]] && echo '&' || echo '?')
    calm_schema=cart_calm_$$
    chaos_schema=cart_chaos_$$
    schemas=($calm_schema $chaos_schema)
    calm_database="$url${separator}schema=$calm_schema"
    chaos_database="$url${separator}schema=$chaos_schema"
    ;;
*) usage ;;
esac

pid=
tidy_up() {
    [[ -z $pid ]] || kill -9 "$pid" 2>/dev/null || true
    if [[ -n ${url:-} ]] && command -v psql >/dev/null; then
        psql -q "$url" -c "SET client_min_messages TO warning" \
            -c "DROP SCHEMA IF EXISTS $(IFS=,; echo "${schemas[*]}") CASCADE" || true
    fi
    rm -rf "$work"
}
trap tidy_up EXIT

cargo build --quiet --release -p cart --bin cart --manifest-path "$folder/Cargo.toml"
target=$(cargo metadata --format-version 1 --no-deps --manifest-path "$folder/Cargo.toml" |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cart=$target/release/cart

now_ms() { echo $(($(date +%s%N) / 1000000)); }

echo "undisturbed run"
started=$(now_ms)
"$cart" "$input" --database "$calm_database" --quiet --listings "$work/calm.txt" 2>"$work/calm.log"
took=$(($(now_ms) - started))
sed 's/^/    /' "$work/calm.log"

# A run that was killed has less left to do, so each of the ten gets a share of the time on average; the moment is
# random. Starting takes time too, so every start is given a little before anything can hit it.
share=$((took / (kills + 2) + 1))
hits=0
attempts=0
while ((hits < kills)); do
    attempts=$((attempts + 1))
    "$cart" "$input" --database "$chaos_database" --quiet --listings "$work/chaos.txt" 2>"$work/run.log" &
    pid=$!
    # Two random numbers of 15 bits: one alone would be coarse for a long run.
    moment=$((20 + (RANDOM * 32768 + RANDOM) % (2 * share)))
    sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
    if kill -9 "$pid" 2>/dev/null; then
        status=0
        wait "$pid" 2>/dev/null || status=$?
        pid=
        if ((status == 137)); then
            hits=$((hits + 1))
            stored=$("$cart" "$input" --database "$chaos_database" --verify 2>&1 | grep '^verified' || true)
            echo "kill $hits after $moment ms: ${stored%% in *}"
            continue
        fi
    fi
    wait "${pid:-}" 2>/dev/null || true
    pid=
    # The work was done before all kills had hit: an honest chaos run needs a smaller share.
    if ((attempts > kills * 3)); then
        echo "the program was too quick: only $hits of $kills kills hit it while it was running" >&2
        exit 1
    fi
    echo "(finished before the kill after $moment ms; starting over with shorter times)"
    share=$((share / 2 + 1))
    hits=0
    case $1 in
    sqlite) rm -f "$chaos_database" "$chaos_database"-wal "$chaos_database"-shm ;;
    postgres)
        chaos_schema=${chaos_schema}x
        schemas+=("$chaos_schema")
        chaos_database="$url${separator}schema=$chaos_schema"
        ;;
    esac
done

echo "last run, to the end"
"$cart" "$input" --database "$chaos_database" --quiet --listings "$work/chaos.txt" 2>"$work/run.log"
sed 's/^/    /' "$work/run.log"
"$cart" "$input" --database "$chaos_database" --verify
diff "$work/calm.txt" "$work/chaos.txt"
echo "the listings are those of the undisturbed run: $(wc -l <"$work/chaos.txt") carts"
