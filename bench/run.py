"""Measures Tarn beside its peers, in one run, and writes build/bench.json.

    build/venv/bin/python bench/run.py [--events 2000000] [--only NAME]

Each figure stands beside a peer's from the same run on the same machine, because machines differ and are noisy: the
ratio is what counts. `ok` says whether the bar of docs/performance.md was reached. Nothing here fails a build.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import lake as lakes  # noqa: E402
import peers  # noqa: E402

RESULTS = []


def report(name, value, unit, peer, ratio, bar, ok):
    RESULTS.append({"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "bar": bar, "ok": ok})
    shown_peer = "-" if peer is None else f"{peer:,.3g}"
    shown_ratio = "-" if ratio is None else f"{ratio:.2f}"
    print(f"{'ok ' if ok else 'LOW'} {name:<58} {value:>12,.4g} {unit:<9} peer {shown_peer:>10}  ratio {shown_ratio:>5}"
          f"  bar {bar}", flush=True)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text} …", end="", file=sys.stderr, flush=True)


def bench_records(options, figures):
    """Rows 1 and 2: log to Parquet as deliveries write it, beside DuckDB's read_json on the same bytes."""
    program = ROOT / "build/release/src/records_bench"
    lines = subprocess.run([program, f"--events={options.events}", "--case=Parquet",
                            "--copy-options=DICTIONARY_SIZE_LIMIT 2000"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    for line in lines:
        if "ratio" not in line:
            continue
        kind = "declared" if "declared" in line else "inferred"
        words = line.replace(",", " ").split()
        rates = [float(words[i - 1]) for i, word in enumerate(words) if word == "M"]
        ratio = float(words[words.index("ratio") + 1])
        bar = 1.3 if kind == "declared" else 1.15
        report(f"log range to zstd Parquet, schema {kind}", rates[0] * 1e6, "events/s", rates[1] * 1e6, ratio, f">= {bar} x",
               ratio >= bar)
        if kind == "declared":
            figures["parquet"] = rates[0] * 1e6


def bench_durable(options, figures):
    """Row 3: NDJSON over loopback HTTP, batches of 500, acknowledged after fdatasync, until the last snapshot."""
    bodies = lakes.batches(options.events, 500)
    with lakes.Lake({"streams": {"events": {"deliver": {"table": "raw.events", "every": {"age": "5s", "size": "64MiB"}}}}}) as lake:
        started = time.monotonic()
        lake.send_all("events", bodies, connections=3)
        acknowledged = time.monotonic()
        lake.flush("events")
        seconds = time.monotonic() - started
        count = lake.sql("SELECT count(*) FROM raw.events")[0][0]
        assert count == options.events, count
    rate = options.events / seconds
    print(f"    (acknowledged at {options.events / (acknowledged - started):,.0f} events/s)")
    peer = figures.get("parquet")
    report("durable end to end, HTTP to committed snapshot", rate, "events/s", peer, rate / peer if peer else None,
           ">= 0.5 x row 1", bool(peer) and rate >= 0.5 * peer)


def bench_visible(options, figures):
    """Row 4: from acknowledgement to visible in SQL, at 20,000 events/s."""
    per_second, per_batch, seconds = 20_000, 200, options.seconds
    bodies = lakes.batches(per_second * seconds, per_batch)
    latencies = []
    with lakes.Lake({"streams": {"events": {"deliver": {"table": "raw.events", "every": {"age": "1s", "size": "16MiB"}}}}}) as lake:
        sender = lake.connect()
        asker = lake.connect()
        acknowledged = threading.Event()
        state = {"last": -1, "at": 0.0, "done": False}

        def produce():
            begin = time.monotonic()
            for number, body in enumerate(bodies):
                wait = begin + number * per_batch / per_second - time.monotonic()
                if wait > 0:
                    time.sleep(wait)  # the pace of the producer, which is what is measured at
                sender.put("events", body)
                state["last"], state["at"] = (number + 1) * per_batch - 1, time.monotonic()
                acknowledged.set()
            state["done"] = True
            acknowledged.set()

        producer = threading.Thread(target=produce)
        producer.start()
        time.sleep(1)  # warm
        while not state["done"]:
            acknowledged.clear()
            acknowledged.wait()
            wanted, at = state["last"], state["at"]
            while True:
                seen = asker.sql("SELECT max(id) FROM raw.events")[0][0]
                if seen is not None and seen >= wanted:
                    break
            latencies.append(time.monotonic() - at)
        producer.join()
    latencies.sort()
    p99 = latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))] * 1000
    p50 = latencies[len(latencies) // 2] * 1000
    print(f"    (p50 {p50:.1f} ms, {len(latencies)} looks)")
    report("acknowledged to visible in SQL at 20,000 events/s, p99", p99, "ms", None, None, "< 100 ms", p99 < 100)


QUERIES = [
    "SELECT count(*) FROM t",
    "SELECT sum(amount), avg(balance) FROM t",
    "SELECT country, count(*), sum(amount) FROM t GROUP BY country ORDER BY country",
    "SELECT count(DISTINCT user_id) FROM t",
    "SELECT min(time), max(time) FROM t",
    "SELECT user_id, sum(amount) AS s FROM t GROUP BY user_id ORDER BY s DESC LIMIT 10",
    "SELECT count(*) FROM t WHERE approved AND amount > 4000",
    "SELECT date_trunc('hour', time) AS h, count(*) FROM t GROUP BY h ORDER BY h LIMIT 20",
    "SELECT name, max(balance) FROM t GROUP BY name ORDER BY name",
    "SELECT count(*) FROM t WHERE text LIKE '%bank%'",
    "SELECT * FROM t WHERE id = 123456",
    "SELECT approved, attempts, count(*) FROM t GROUP BY ALL ORDER BY ALL",
    "SELECT quantile_cont(amount, 0.95) FROM t",
    "SELECT country, approx_count_distinct(email) FROM t GROUP BY country ORDER BY country",
    "SELECT id, amount FROM t ORDER BY amount DESC, id LIMIT 20",
    "SELECT count(*) FROM t a JOIN (SELECT user_id FROM t WHERE id < 1000) b USING (user_id)",
    "SELECT sum(length(text)) FROM t",
    "SELECT country, avg(epoch(received) - epoch(time)) FROM t GROUP BY country ORDER BY country",
    "SELECT count(*) FROM t WHERE id BETWEEN 500000 AND 600000",
    "SELECT attempts, sum(amount) OVER (PARTITION BY attempts) AS s FROM t WHERE id < 5000 ORDER BY id LIMIT 10",
]


def bench_sql(options, figures):
    """Row 5: twenty queries on a delivered table of 6 M events, through HTTP, beside DuckDB itself on the same files."""
    import duckdb

    with lakes.Lake({"streams": {"events": {"deliver": {"table": "raw.events", "every": {"age": "5s", "size": "64MiB"}}}}}) as lake:
        bodies = lakes.batches(options.events, 500)
        for _ in range(3):
            lake.send_all("events", bodies, connections=3)
        lake.flush("events")
        files = [str(path) for path in lake.data.glob("objects/**/*.parquet")]
        peer = duckdb.connect(config={"threads": os.cpu_count()})
        peer.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET parquet_metadata_cache = true")
        listing = ", ".join(f"'{file}'" for file in files)
        peer.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet([{listing}])")
        connection = lake.connect()
        ours_total = peer_total = 0.0
        for query in QUERIES:
            ours, theirs = [], []
            for _ in range(5):
                begin = time.monotonic()
                connection.sql(query.replace(" t ", " raw.events ").replace("FROM t", "FROM raw.events"))
                ours.append(time.monotonic() - begin)
                begin = time.monotonic()
                peer.execute(query).fetchall()
                theirs.append(time.monotonic() - begin)
            ours_total += min(ours)
            peer_total += min(theirs)
            if options.verbose:
                print(f"    {min(ours) * 1000:8.1f} ms {min(theirs) * 1000:8.1f} ms  {query}")
    ratio = ours_total / peer_total
    report("20 SQL queries on a delivered table, time", ours_total * 1000, "ms", peer_total * 1000, ratio, "<= 1.1 x", ratio <= 1.1)


def bench_small_batches(options, figures):
    """Row 6: 1,000 batches of 10 records, each durable before the next, beside PostgreSQL with fsync on."""
    rows = [[{"id": b * 10 + i, "name": f"name {i}", "amount": round(random.random() * 1000, 2)} for i in range(10)]
            for b in range(1000)]
    bodies = ["".join(json.dumps(row) + "\n" for row in batch).encode() for batch in rows]
    ours, theirs = [], []
    with peers.Postgres() as postgres, lakes.Lake({"streams": {"small": {}}}) as lake:
        connection = lake.connect()
        for _ in range(3):
            begin = time.monotonic()
            for body in bodies:
                connection.put("small", body)
            ours.append(10_000 / (time.monotonic() - begin))
            theirs.append(10_000 / postgres.insert_batches(rows))
    ratio = max(ours) / max(theirs)
    report("1,000 durable batches of 10 records, one producer", max(ours), "rows/s", max(theirs), ratio, ">= 1 x", ratio >= 1)


def bench_restart(options, figures):
    """Rows 7 and 8: start after a crash with 1 GiB undelivered, and peak memory of a query over it."""
    size = 0
    bodies = lakes.batches(200_000, 500)
    lake = lakes.Lake({"settings": {"memory": "512MiB"},
                       "streams": {"events": {"undelivered_max": "4GiB",
                                              "deliver": {"table": "raw.events", "every": {"age": "24h", "size": "8GiB"}}}}})
    with lake:
        connection = lake.connect()
        records = 0
        while size < 1 << 30:
            for body in bodies:
                connection.put("events", body)
                size += len(body)
                records += 500
                if size >= 1 << 30:
                    break
        lake.kill()
        begin = time.monotonic()
        lake.start()
        seconds = time.monotonic() - begin
        report("start after a crash with 1 GiB undelivered", seconds, "s", None, None, "< 3 s", seconds < 3)
        rows = lake.sql("SELECT count(*), count(DISTINCT country), round(sum(amount)) FROM raw.events")
        assert rows[0][0] == records, rows
        peak = lake.peak_bytes()
        report("peak memory, 1 GiB undelivered and a query over it", peak / 2**20, "MiB", None, None, "< 1024 MiB", peak < 1 << 30)
        lake.kill()


def bench_objects(options, figures):
    """The S3 door: 64 MiB and 1 KiB objects, a listing of a million keys, beside plain files and moto_server."""
    import objects

    objects.run(options, report)


BENCHES = [bench_records, bench_durable, bench_visible, bench_sql, bench_small_batches, bench_restart,
           bench_objects]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--seconds", type=int, default=20, help="of the visibility measurement")
    parser.add_argument("--keys", type=int, default=1_000_000, help="in the bucket that is listed")
    parser.add_argument("--only", default="", help="part of a benchmark's name")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    figures = {}
    for bench in BENCHES:
        if options.only in bench.__name__:
            progress(bench.__doc__.split(":")[0])
            bench(options, figures)
    (ROOT / "build/bench.json").write_text(json.dumps(RESULTS, indent=2) + "\n")
    low = [result["name"] for result in RESULTS if not result["ok"]]
    print(f"\n{len(RESULTS) - len(low)} of {len(RESULTS)} bars reached; build/bench.json has the figures.")


if __name__ == "__main__":
    main()
