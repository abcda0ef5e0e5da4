#!/usr/bin/env bash
# The demo: starts a lake from lake.yaml, streams three million real US flights into it and shows what SQL sees
# meanwhile, then what was written. Everything stays under build/demo; run `make demo` again at any time.
set -euo pipefail
cd "$(dirname "$0")/../.."

tarn=$PWD/build/release/bin/tarn
work=$PWD/build/demo
data=$PWD/build/data/flights-3m.parquet
package=vega-datasets@2.11.0
sha=756f1be82d0dbbb9acc77c3bdbcb9b994054a157ea09357a731395b6948ebf69

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m' clear=$'\r\e[K'; else bold='' dim='' plain='' clear=''; fi
say() { printf '%s\n%s%s%s\n' "" "$bold" "$*" "$plain"; }
run() { # shows the command as one would type it, and runs it
  local word line=''
  for word in "$@"; do case $word in *[\ \*\(]*) line+=" \"$word\"" ;; *) line+=" $word" ;; esac; done
  printf '%s$ tarn%s%s\n' "$dim" "$line" "$plain"
  "$tarn" "$@"
}

fetch_flights() {
  if [ -f "$data" ] && echo "$sha  $data" | sha256sum --check --quiet --status; then return; fi
  say "Fetching the flights (npm package $package, 17 MB)"
  local folder
  folder=$(mktemp -d)
  (cd "$folder" && npm pack --silent "$package" >/dev/null && tar -xzf vega-datasets-*.tgz package/data/flights-3m.parquet)
  echo "$sha  $folder/package/data/flights-3m.parquet" | sha256sum --check --quiet ||
    { echo "The flights have another checksum than expected; not used." >&2; exit 1; }
  mkdir -p "$(dirname "$data")"
  mv "$folder/package/data/flights-3m.parquet" "$data"
  rm -rf "$folder"
}

stop_lake() {
  [ -n "${lake:-}" ] && kill "$lake" 2>/dev/null && wait "$lake" 2>/dev/null
  lake=''
}

fetch_flights
rm -rf "$work"
mkdir -p "$work"
trap stop_lake EXIT

say "Starting a lake from examples/flights/lake.yaml"
"$tarn" up -f examples/flights/lake.yaml --data "$work/lake" --http 127.0.0.1:0 2>"$work/tarn.log" &
lake=$!
for _ in $(seq 100); do
  [ -s "$work/lake/http.address" ] && break
  kill -0 "$lake" 2>/dev/null || { cat "$work/tarn.log" >&2; exit 1; }
  sleep 0.1
done
TARN_URL=http://$(cat "$work/lake/http.address")
export TARN_URL TARN_DATA=$work/lake  # where the commands find the root's key
sed -n 's/^[^ ]* *info *//p' "$work/tarn.log"

say "Streaming 3,000,000 flights into it; SQL looks once a second"
"$tarn" put flights "$data" &
put=$!
while kill -0 "$put" 2>/dev/null; do
  answer=$("$tarn" sql --format csv -c "SELECT count(*), round(avg(delay), 2), count(DISTINCT origin) FROM raw.flights" 2>/dev/null | tail -n 1) || true
  IFS=, read -r flights delay origins <<<"${answer:-}"
  [ -n "${flights:-}" ] && [ "$flights" != 0 ] &&
    printf '%s%s  flights %9s   average delay %5s min   airports %3s\n' "$clear" "$(date +%T)" "$flights" "$delay" "$origins"
  sleep 1
done
wait "$put"

say "Delivering the rest, and what was written"
run flush flights
run sql -c "SELECT committed_at, operation, records FROM system.snapshots WHERE database = 'raw' ORDER BY committed_at DESC LIMIT 5"
run sql -c "SELECT name, records, files, bytes, snapshots FROM system.tables WHERE database = 'raw'"
echo "${dim}Parquet files under build/demo/lake/objects:$plain"
find "$work/lake/objects" -name '*.parquet' -printf '  %P  %s bytes\n' | sort | head -n 5

say "Average delay in minutes, by hour of departure"
run sql --chart -c "SELECT strftime(time, '%H:00') AS hour, round(avg(delay), 1) AS delay FROM raw.flights GROUP BY hour ORDER BY hour"

stop_lake
say "What to try next"
cat <<END
  export TARN_DATA=build/demo/lake                                                    # where its root key is
  build/release/bin/tarn up -f examples/flights/lake.yaml --data build/demo/lake      # start this lake again, here
  build/release/bin/tarn sql                                                          # and ask it, in another terminal
  eval "\$(build/release/bin/tarn env --data build/demo/lake)"                         # or with any S3 client, and curl:
  curl -u "\$AWS_ACCESS_KEY_ID:\$AWS_SECRET_ACCESS_KEY" --data-binary '{"date":"01012359","delay":5}' localhost:9700/v1/streams/flights/records
END
