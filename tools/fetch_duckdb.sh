#!/usr/bin/env bash
# Fetches libduckdb.so and duckdb.h into the folder given, from npm packages pinned by version and SHA-256.
set -euo pipefail
dir=${1:?usage: fetch_duckdb.sh FOLDER}

library=@duckdb/node-bindings-linux-x64@1.5.5-r.5
library_sha=86d2bda909785550e8a14a57a8a4584827aff0e268d8f1a58c3fd48559f7020e
header=duckdb@1.4.4 # the newest package with the sources; the C API only grows (src/columns/duckdb_newer.h)
header_sha=5bb967dcbcd517670ba5f169f238fb9d6787e53752c60ebe24386169d76941ed

fail() { echo "fetch_duckdb: $*" >&2; exit 1; }
command -v npm >/dev/null || fail "npm is needed: apt-get install npm (or run: make deps)"
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pack() { # package, checksum → prints the archive's path
  local file
  file=$(cd "$work" && npm pack --silent "$1") || fail "npm could not fetch $1: is the network there?"
  echo "$2  $work/$file" | sha256sum --check --quiet >&2 || fail "$1 has another checksum than the pinned one; not used"
  echo "$work/$file"
}

echo "fetching $library" >&2
archive=$(pack "$library" "$library_sha")
tar -xzf "$archive" -C "$work" package/libduckdb.so
echo "fetching the header from $header" >&2
archive=$(pack "$header" "$header_sha")
tar -xzf "$archive" -C "$work" package/src/duckdb/src/include/duckdb.h
mv "$work/package/src/duckdb/src/include/duckdb.h" "$dir/duckdb.h"
mv "$work/package/libduckdb.so" "$dir/libduckdb.so"
