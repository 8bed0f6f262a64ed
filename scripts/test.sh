#!/usr/bin/env bash
# Passes all tests: unit, conformance on every backend, UI, examples and doc tests, beside a throw-away PostgreSQL.
#
#   scripts/test.sh [ARGUMENT FOR cargo test…]
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo >/dev/null || {
  echo "test.sh: cargo is missing: install Rust with rustup, see https://rustup.rs" >&2
  exit 1
}
# SQLite is compiled from C.
if ! command -v cc >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev >&2
  else
    echo "test.sh: a C compiler is missing: install gcc or clang" >&2
    exit 1
  fi
fi

# Compiled before the database starts, so that it is not kept waiting.
cargo test --workspace --locked --no-run --quiet "$@"
exec scripts/postgres.sh cargo test --workspace --locked "$@"
