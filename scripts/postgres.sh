#!/usr/bin/env bash
# Runs a command beside a throw-away PostgreSQL: finds or installs the server, starts a cluster on a free port with a
# data folder of its own, tells the command about it in SOURCED_TEST_POSTGRES_URL, and removes everything afterwards.
#
#   scripts/postgres.sh COMMAND [ARGUMENT…]
set -euo pipefail

fail() {
  printf 'postgres.sh: %s\n' "$*" >&2
  exit 1
}

# The folder with initdb, postgres and pg_ctl, or nothing.
find_binaries() {
  local candidate
  for candidate in "$(pg_config --bindir 2>/dev/null || true)" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr) \
    /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin "$(dirname "$(command -v initdb 2>/dev/null || echo /)")"; do
    if [ -n "$candidate" ] && [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ] && [ -x "$candidate/pg_ctl" ]; then
      printf '%s\n' "$candidate"
      return
    fi
  done
}

install_debian_package() {
  command -v apt-get >/dev/null || fail "PostgreSQL's server programs (initdb, postgres, pg_ctl) are missing, and so is apt-get to install them: install PostgreSQL 13 or later and put its bin folder on the PATH"
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "PostgreSQL's server programs are missing: run 'apt-get install postgresql' as root"
    sudo="sudo -n"
  fi
  echo "postgres.sh: installing the Debian package postgresql" >&2
  # The package would start a cluster of its own, which nobody here needs.
  $sudo mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
  { $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends postgresql; } >&2 ||
    fail "'apt-get install postgresql' failed: install PostgreSQL 13 or later by hand and put its bin folder on the PATH"
}

free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 20000))
    # Nobody answers there: the port is free.
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
      printf '%s\n' "$port"
      return
    }
  done
  fail "no free port was found between 20000 and 40000"
}

[ $# -gt 0 ] || fail "say the command to run beside PostgreSQL"

bin=$(find_binaries)
if [ -z "$bin" ]; then
  install_debian_package
  bin=$(find_binaries)
  [ -n "$bin" ] || fail "PostgreSQL was installed, but initdb, postgres and pg_ctl were found in no folder"
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/sourced-postgres.XXXXXX")
as_owner=()
if [ "$(id -u)" -eq 0 ]; then
  # initdb refuses to work for root.
  owner=postgres
  id "$owner" >/dev/null 2>&1 || owner=nobody
  chown "$owner" "$folder"
  if command -v runuser >/dev/null; then
    as_owner=(runuser -u "$owner" --)
  else
    as_owner=(setpriv "--reuid=$owner" --clear-groups --)
  fi
fi

remove() {
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$folder"
"${as_owner[@]}" "$bin/initdb" -D "$folder/data" -U sourced -A trust -E UTF8 --no-locale >"$folder/initdb.log" 2>&1 || {
  cat "$folder/initdb.log" >&2
  fail "initdb failed"
}
port=""
for _ in 1 2 3; do
  port=$(free_port)
  "${as_owner[@]}" "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/data/server.log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c max_connections=300" start >/dev/null && break
  port=""
done
[ -n "$port" ] || {
  cat "$folder/data/server.log" >&2
  fail "the cluster did not start"
}
cd "$OLDPWD"

export SOURCED_TEST_POSTGRES_URL="postgres://sourced@127.0.0.1:$port/postgres"
status=0
"$@" || status=$?
exit "$status"
