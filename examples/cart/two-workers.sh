#!/usr/bin/env bash
# Two worker processes and one that only dispatches, on one Postgres: they share the work, and nothing is done twice.
#
#   examples/cart/two-workers.sh postgres://user:password@host/database
#
# Everything happens in a fresh schema, which is dropped at the end when `psql` is there.
set -euo pipefail

url=${1:?"the URL of a Postgres database is missing"}
folder=$(cd "$(dirname "$0")" && pwd)
separator=$([[ $url == *\?* ]] && echo '&' || echo '?')
schema=cart_two_workers_$$
database="$url${separator}schema=$schema"
work=$(mktemp -d)

pids=()
tidy_up() {
    for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    if command -v psql >/dev/null; then
        psql -q "$url" -c "SET client_min_messages TO warning" -c "DROP SCHEMA IF EXISTS $schema CASCADE" || true
    fi
    rm -rf "$work"
}
trap tidy_up EXIT

cargo build --quiet --release -p cart --bin cart --manifest-path "$folder/Cargo.toml"
target=$(cargo metadata --format-version 1 --no-deps --manifest-path "$folder/Cargo.toml" |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
cart=$target/release/cart

for worker in 1 2; do
    "$cart" --database "$database" --workers-only --quiet 2>"$work/worker-$worker.log" &
    pids+=($!)
done

# Ends when everything is handled, by the workers. If one of those ends first, it is in trouble.
"$cart" "$folder/data/commands.jsonl" --database "$database" --no-workers --quiet --listings "$work/shared.txt" \
    2>"$work/dispatcher.log" &
dispatcher=$!
pids+=("$dispatcher")
status=0
wait -n -p ended "${pids[@]}" || status=$?
sed 's/^/dispatcher: /' "$work/dispatcher.log"
if ((ended != dispatcher || status != 0)); then
    tail -n 3 "$work"/worker-*.log >&2
    exit 1
fi

# A worker that is asked to stop says how much it has handled.
for worker in 1 2; do
    pid=${pids[$((worker - 1))]}
    kill -TERM "$pid"
    wait "$pid"
    sed "s/^/worker $worker: /" "$work/worker-$worker.log"
    handled=$(sed -n 's/ handled here$//p' "$work/worker-$worker.log")
    if ((handled == 0)); then
        echo "worker $worker had no share of the work" >&2
        exit 1
    fi
done
pids=()

"$cart" "$folder/data/commands.jsonl" --database "$database" --verify
"$cart" "$folder/data/commands.jsonl" --database memory --quiet --listings "$work/alone.txt" 2>/dev/null
diff "$work/alone.txt" "$work/shared.txt"
echo "the listings are those of one process: $(wc -l <"$work/shared.txt") carts"
