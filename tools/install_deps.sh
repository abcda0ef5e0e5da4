#!/usr/bin/env bash
# Installs the Debian 12 packages that building, testing and linting Tarn needs, if any is missing.
# `install_deps.sh bench` adds those of the benchmarks, `install_deps.sh test` the clients that tests start.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  g++ make cmake ninja-build mold git ca-certificates pkg-config npm python3 python3-venv
  libboost1.81-dev libboost-json1.81-dev libsimdjson-dev libavro-dev libsqlite3-dev libyaml-cpp-dev libcli11-dev
  libspdlog-dev libfmt-dev libcurl4-openssl-dev libssl-dev libpugixml-dev libedit-dev libzstd-dev zlib1g-dev
  libgtest-dev libgmock-dev
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev curl
)
# Peers that `make bench` measures beside.
[ "${1:-}" = test ] && packages+=(python3-boto3 awscli rclone s3cmd openssl)
[ "${1:-}" = bench ] && packages+=(libbenchmark-dev postgresql-15 postgresql-client-15)

mkdir -p build
stamp=build/.deps${1:+-$1}
list=$(printf '%s\n' "${packages[@]}" | sha256sum)
[ "$(cat "$stamp" 2>/dev/null)" = "$list" ] && exit 0

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
# A Node.js that came from elsewhere brings its own npm; Debian's would fight with it.
if command -v npm >/dev/null; then missing=("${missing[@]/#npm/}"); fi
# shellcheck disable=SC2206
missing=(${missing[@]})

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || { echo "This is no Debian: please install the like of: ${missing[*]}" >&2; exit 1; }
  root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Run this as root once: apt-get install ${missing[*]}" >&2; exit 1; }
    root=(sudo)
  fi
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${root[@]}" apt-get update -qq
  # PostgreSQL is only a peer in benchmarks: no server of its own is to be started.
  if [ "${1:-}" = bench ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    "${root[@]}" mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | "${root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >build/apt.log 2>&1 || { tail -20 build/apt.log >&2; exit 1; }
fi
echo "$list" >"$stamp"
