#!/usr/bin/env bash
# Chaos on SQLite with a disk that is full now and again: the file lies on a file system of its own in memory.
#
#   chaos/full-disk.sh [ARGUMENT OF chaos…]
#   chaos/full-disk.sh --tables --events 60000
#
# Mounting takes root, or a system that lets users have name spaces of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --locked --quiet -p chaos
run='set -e
folder=$(mktemp -d)
mount -t tmpfs -o size=160m chaos "$folder"
status=0
"$0" --backend sqlite --small-disk "$folder" "$@" || status=$?
umount "$folder"
rmdir "$folder"
exit $status'
# Whatever happens to this script, the mount is gone with the name space.
private=(unshare --mount)
[ "$(id -u)" -eq 0 ] || private=(unshare --map-root-user --mount)
if ! "${private[@]}" true 2>/dev/null; then
  echo "full-disk.sh: this system lets nobody but root mount a file system; run it as root" >&2
  exit 77
fi
exec "${private[@]}" bash -c "$run" "${CARGO_TARGET_DIR:-target}/release/chaos" "$@"
