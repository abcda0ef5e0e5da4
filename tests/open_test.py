"""What Tarn writes is read back by others, row for row: pyiceberg and DuckDB's iceberg extension against Tarn's SQL.

One lake for all: each `make_…` fills the table of its name, then every table is read while the lake runs and after it
was stopped, at its newest snapshot, at older ones and through filters.
"""

import base64
import json
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from pyiceberg.expressions import EqualTo, GreaterThanOrEqual, In, IsNaN, IsNull, LessThan, Not, NotNaN, StartsWith

import tarn
from iceberg_readers import Readers, as_pyiceberg_shows, key_of

LAKE = """
lake: test
defaults: { deliver: { every: { age: 1h } } }       # by flush only: each flush is a snapshot
settings: { maintenance: { every: 1h } }            # and when a test asks for it
streams:
  plain: {}
  evolved: {}
  widened: { columns: { id: INTEGER, f: FLOAT, d: "DECIMAL(5,2)", s: STRUCT(n INTEGER), l: "INTEGER[]" } }
  nested:
    columns:
      id: BIGINT
      who: STRUCT(name VARCHAR, home STRUCT(city VARCHAR, at STRUCT(lat DOUBLE, lon DOUBLE)))
      tags: VARCHAR[]
      grid: BIGINT[][]
      items: STRUCT(sku VARCHAR, n BIGINT, notes VARCHAR[])[]
      counts: MAP(VARCHAR, BIGINT)
      prices: MAP(VARCHAR, STRUCT(net DECIMAL(9,2), codes VARCHAR[]))
  renamed: {}
  compacted: { columns: { id: BIGINT, country: VARCHAR, who: STRUCT(name VARCHAR) }, deliver: { partition: [ country ] } }
  travels: {}
  by_day: { columns: { id: BIGINT, at: TIMESTAMP WITH TIME ZONE, day: DATE }, deliver: { partition: [ day(at), day(day) ] } }
  by_month: { columns: { id: BIGINT, at: TIMESTAMP, day: DATE }, deliver: { partition: [ month(at), year(day) ] } }
  by_hour: { columns: { id: BIGINT, at: TIMESTAMP WITH TIME ZONE }, deliver: { partition: [ hour(at) ] } }
  by_bucket:
    columns: &kinds
      { id: BIGINT, i: INTEGER, s: VARCHAR, day: DATE, at: TIMESTAMP WITH TIME ZONE, "on": TIMESTAMP, t: TIME, d: "DECIMAL(20,4)", u: UUID, b: BLOB }
    deliver:
      partition: [ "bucket(5, id)", "bucket(3, i)", "bucket(7, s)", "bucket(3, day)", "bucket(3, at)", "bucket(3, on)",
                   "bucket(3, t)", "bucket(3, d)", "bucket(3, u)", "bucket(3, b)" ]
  by_truncate:
    columns: *kinds
    deliver: { partition: [ "truncate(10, id)", "truncate(10, i)", "truncate(2, s)", "truncate(50, d)", "truncate(2, b)" ] }
  by_text: { columns: { id: BIGINT, text: VARCHAR }, deliver: { partition: [ text ] } }
  by_value:
    columns: { id: BIGINT, i: INTEGER, ok: BOOLEAN, day: DATE, at: TIMESTAMP WITH TIME ZONE, "on": TIMESTAMP, d: "DECIMAL(20,4)", u: UUID, b: BLOB, f: DOUBLE }
    deliver: { partition: [ i, ok, day, at, "on", d, u, b, f ] }
  repartitioned: { columns: { id: BIGINT, country: VARCHAR, at: TIMESTAMP WITH TIME ZONE }, deliver: { partition: [ country ] } }
  typed:
    columns: { id: BIGINT, small: SMALLINT, i: INTEGER, ok: BOOLEAN, f: FLOAT, x: DOUBLE, d9: "DECIMAL(9,2)", d18: "DECIMAL(18,6)",
      d38: "DECIMAL(38,10)", day: DATE, t: TIME, "on": TIMESTAMP, at: TIMESTAMP WITH TIME ZONE, u: UUID, b: BLOB, s: VARCHAR, j: JSON,
      m: "MAP(VARCHAR, BIGINT)", days: "DATE[]", nested: "STRUCT(d DECIMAL(38,10), u UUID, at TIMESTAMP WITH TIME ZONE, b BLOB)" }
  special:
    transform: SELECT id, x::DOUBLE AS x, x::FLOAT AS f FROM records
    columns: { id: BIGINT, x: VARCHAR }
  bounded:
    columns: { id: BIGINT, s: VARCHAR, x: DOUBLE, d: "DECIMAL(20,4)", at: TIMESTAMP WITH TIME ZONE, day: DATE, b: BLOB, u: UUID, who: STRUCT(name VARCHAR) }
"""

MAINTAIN_TRIES_MAX = 10

ODD_TEXTS = ["a/b", "a=b", " x ", "a b", "ü€", "日本", "🚲", "", None, "..", ".", "*?[", "100%", "%2F", "a\nb", "a'b", 'a"b', "a\\b", "a&b;c#d?e+f",
             "A", "a", "NULL", "null", "None", "__HIVE_DEFAULT_PARTITION__", "x" * 300, "e\u0301", "\u00e9"]


class Lake(tarn.Lake):
    def send(self, stream, *records):
        """Delivers these records as one snapshot."""
        answer = self.put(stream, "".join(json.dumps(record) + "\n" for record in records))
        assert answer.status == 200 and len(records) == int(answer.json["accepted"]), answer.body
        self.flush(stream)

    def ask(self, method, path, body=None):
        answer = self.request(method, path, None if body is None else json.dumps(body).encode())
        assert answer.status in (200, 201, 204), f"{method} {path}: {answer.status} {answer.body.decode()}"
        return answer

    def snapshots(self, table):
        return [int(snapshot["id"]) for snapshot in self.ask("GET", f"/v1/tables/{table}/snapshots").json["snapshots"]]


def blob(data):
    return base64.b64encode(data).decode()


# The tables.

def make_plain(lake):
    lake.send("plain",
              {"id": 1, "time": "2026-01-01T10:00:00Z", "country": "IN", "price": 1.25, "who": {"name": "ada", "age": 36}, "tags": ["a", None]},
              {"id": 2, "time": "1969-12-31T23:59:59.999999Z", "country": "a/b ..%", "price": -0.0, "ok": True, "day": "2024-02-29"},
              {"id": 3, "items": [{"sku": "x", "n": 1}, {"sku": None}, None], "country": "", "tags": []},
              {"id": 9223372036854775807, "price": 5e-324}, {"id": -9223372036854775808, "price": 1.7976931348623157e308})
    # Not UTF-8, no JSON, no object: all of it is in the error table, byte for byte.
    lake.put("plain", b'\xff\xfe\x00{"id":3}\n{"id"\n[1]\n')
    lake.flush("plain")


def make_evolved(lake):
    lake.send("evolved", {"id": 1, "who": {"name": "ada"}, "items": [{"sku": "x"}]})
    lake.send("evolved", {"id": 2, "new": 1.5, "who": {"name": "bob", "rank": 7}, "items": [{"sku": "y", "n": 2}]})
    lake.send("evolved", {"id": "a text now", "who": {"home": {"city": "Pune"}}, "items": [], "list": [[1], []]})
    lake.send("evolved", {"id": 4}, {"who": None, "items": None, "later": True})


def make_widened(lake):
    lake.send("widened", {"id": 2147483647, "f": 1.1, "d": 999.99, "s": {"n": -2147483648}, "l": [1, None]}, {"id": 1})
    lake.ask("PUT", "/v1/streams/widened", {"columns": {
        "id": "BIGINT", "f": "DOUBLE", "d": "DECIMAL(30,2)", "s": "STRUCT(n BIGINT, more VARCHAR)", "l": "BIGINT[]", "new": "DATE"}})
    lake.send("widened", {"id": 2**40, "f": 1.1, "d": "1234567890123456789012345678.90", "s": {"n": 2**41, "more": "x"}, "l": [2**42], "new": "2026-01-01"})


def make_nested(lake):
    lake.send("nested",
              {"id": 1, "who": {"name": "ada", "home": {"city": "Pune", "at": {"lat": 18.5, "lon": None}}}, "tags": ["a", None, ""], "grid": [[1, 2], [], None],
               "items": [{"sku": "x", "n": 1, "notes": ["p", None]}, {"sku": None, "n": None, "notes": []}, None],
               "counts": {"a": 1, "b": None, "": 3}, "prices": {"EUR": {"net": 1.5, "codes": ["x"]}, "INR": None}},
              {"id": 2, "who": {"name": None, "home": {"city": None, "at": None}}, "tags": [], "grid": [], "items": [], "counts": {}, "prices": {}},
              {"id": 3, "who": {"home": None}}, {"id": 4, "who": None, "tags": None, "items": None, "counts": None, "prices": None})
    lake.send("nested", {"id": 5, "items": [{"n": i, "notes": [str(i)] * i} for i in range(20)], "counts": {f"k{i}": i for i in range(100)}})


def make_renamed(lake):
    lake.send("renamed", {"id": 1, "colour": "red", "old": 1, "who": {"name": "ada", "age": 3}, "items": [{"sku": "a"}]})
    lake.ask("POST", "/v1/tables/raw.renamed/columns/colour", {"rename": "color"})
    lake.ask("POST", "/v1/tables/raw.renamed/columns/who.name", {"rename": "full name"})
    lake.send("renamed", {"id": 2, "colour": "blue", "old": 2, "who": {"name": "bob", "age": 4}, "items": []})
    # A name that is free again is another column: nothing old may show in it.
    lake.ask("DELETE", "/v1/tables/raw.renamed/columns/old")
    lake.ask("POST", "/v1/tables/raw.renamed/columns/id", {"rename": "old"})
    lake.send("renamed", {"id": 3, "colour": "green"})


def make_compacted(lake):
    lake.ask("PUT", "/v1/tables/raw.compacted", {"compact": {"files": 2}})
    for i in range(9):
        lake.send("compacted", {"id": 3 * i, "country": "IN", "who": {"name": f"n{i}"}}, {"id": 3 * i + 1, "country": "D/E"}, {"id": 3 * i + 2})
    lake.before = lake.readers.tarn("FROM raw.compacted")
    # The server compacts by itself after so many files, and then ours may find them taken and leave the rest.
    for _ in range(MAINTAIN_TRIES_MAX):
        lake.maintain("raw.compacted")
        if len(lake.ask("GET", "/v1/tables/raw.compacted/files").json["files"]) == 3:
            break


def make_travels(lake):
    lake.send("travels", {"id": 1, "name": "one"})
    lake.send("travels", {"id": 2, "name": "two", "new": "x", "who": {"a": 1}})
    lake.ask("POST", "/v1/tables/raw.travels/columns/name", {"rename": "title"})
    lake.send("travels", {"id": 3, "name": "three", "who": {"a": 2, "b": "y"}})
    lake.ask("PUT", "/v1/tables/raw.travels", {"compact": {"files": 2}})
    lake.maintain("raw.travels")
    lake.send("travels", {"id": 4, "name": "four"})


TIMES = ["1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "1969-12-31T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999",
         "2024-02-29T12:00:00", "2024-02-29T23:59:59.999999", "2024-03-01T00:00:00", "1900-02-28T22:59:59"]


def times(zone=""):
    return [{"id": i, "at": time + zone, "day": time[:10]} for i, time in enumerate(TIMES)] + [{"id": 100}]


def make_by_day(lake):
    lake.send("by_day", *times("Z"))
    lake.send("by_day", {"id": 200, "at": "2024-03-01T00:30:00+02:00", "day": "2024-03-01"})  # the day before, in UTC


def make_by_month(lake):
    lake.send("by_month", *times())


def make_by_hour(lake):
    lake.send("by_hour", *({key: record[key] for key in record if key != "day"} for record in times("Z")))


UUIDS = [f"00000000-0000-0000-0000-{i:012x}" for i in range(3)] + ["f79c3e09-677c-4bbd-a479-3f349cb785e7", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
BLOBS = [b"", b"\x00", b"\x00\x01\x02\x03", b"\xff\xff", b"abc/def"]
NAMES = ["", "iceberg", "ü€", "🚲🚲🚲", "a long name that is over sixteen"]


def kinds():
    records = [{"id": number, "i": number, "s": NAMES[i % 5] + str(i // 5 or ""), "day": TIMES[i % 9][:10], "at": TIMES[i % 9] + "Z", "on": TIMES[i % 9],
                "t": f"0{i % 5}:00:00.00000{i % 7}", "d": f"{number}.{i:04d}", "u": UUIDS[i % 5], "b": blob(BLOBS[i % 5])}
               for i, number in enumerate([0, 1, -1, 9, 10, 11, -9, -10, -11, 34, -34, 2147483647, -2147483648, 1000003, 7])]
    return records + [{}, {"id": 2**62, "d": "-9999999999999999.9999"}, {"id": -2**63 + 10}]


def make_by_bucket(lake):
    lake.send("by_bucket", *kinds())


def make_by_truncate(lake):
    lake.send("by_truncate", *kinds())


def make_by_text(lake):
    lake.send("by_text", *({"id": i, "text": text} for i, text in enumerate(ODD_TEXTS)))
    lake.send("by_text", {"id": 100, "text": "a/b"}, {"id": 101})


def make_by_value(lake):
    keys = ("id", "i", "day", "at", "on", "d", "u", "b")
    lake.send("by_value", *({"ok": [True, False, None][i % 3], "f": [0.5, -0.0, 1e300, 5e-324][i % 4], **{key: value for key, value in record.items() if key in keys}}
                            for i, record in enumerate(kinds())))


def make_repartitioned(lake):
    records = [{"id": i, "country": c, "at": f"2026-0{1 + i % 3}-01T00:00:00Z"} for i, c in enumerate(["IN", "DE", "IN", "FR", None])]
    lake.send("repartitioned", *records)
    lake.ask("PUT", "/v1/tables/raw.repartitioned", {"partition": ["month(at)", "bucket(2, id)"]})
    lake.send("repartitioned", *({**record, "id": record["id"] + 10} for record in records))


def make_typed(lake):
    full = {"id": 1, "small": -32768, "i": -2147483648, "ok": False, "f": 1.1, "x": 0.1, "d9": 1234567.89, "d18": "-999999999999.999999",
            "d38": "9999999999999999999999999999.9999999999", "day": "0001-01-01", "t": "23:59:59.999999", "on": "1969-12-31T23:59:59.999999",
            "at": "2026-01-01T00:00:00.000001+05:30", "u": UUIDS[3], "b": blob(bytes(range(256))), "s": "\u0000 🚲 \"'\\", "j": {"a": [1, None, 1.0]},
            "m": {"x": -1, "y": None}, "days": ["2024-02-29", None, "9999-12-31"],
            "nested": {"d": "0.0000000001", "u": UUIDS[4], "at": "0001-01-01T00:00:00Z", "b": ""}}
    lake.send("typed", full, {}, {"id": 3, "ok": True, "x": -0.0, "f": 3.4028234663852886e38, "d38": "-0.0000000001", "s": "", "b": "", "m": {}, "days": [], "nested": {}})


def make_special(lake):
    lake.send("special", {"id": 1, "x": "nan"}, {"id": 2, "x": "0.5"})
    lake.send("special", {"id": 3, "x": "inf"}, {"id": 4, "x": "-inf"}, {"id": 5, "x": "-0.0"})
    lake.send("special", {"id": 6, "x": "nan"})
    lake.send("special", {"id": 7})
    lake.send("special", {"id": 8, "x": "7.5"}, {"id": 9, "x": "0.0"})


# Texts whose bounds are cut to 16 characters: the upper bound must be rounded up, and can't be after the last character.
LONG_TEXTS = ["a" * 15, "a" * 16, "a" * 16 + "b", "a" * 40, "ü" * 20, "🚲" * 17, "\U0010ffff" * 17, "z" * 15 + "\U0010ffff" + "z", "\ud7ff" * 17, "", None]
LONG_BLOBS = [b"\xff" * 20, b"\xff" * 16 + b"\x00", b"a" * 20, b"", None]


def make_bounded(lake):
    # A file each, so that every bound is the value's own.
    for i, text in enumerate(LONG_TEXTS):
        data = LONG_BLOBS[i % 5]
        lake.send("bounded", {"id": i, "s": text, "x": [0.5, -0.0, 1e300, -5e-324][i % 4], "d": ["0.0001", "-1.5", "9999999999999999.9999", "128", "-129"][i % 5],
                              "at": TIMES[i % 9] + "Z", "day": TIMES[i % 9][:10], "b": None if data is None else blob(data), "u": UUIDS[i % 5], "who": {"name": text}})


MAKERS = {name.removeprefix("make_"): maker for name, maker in list(globals().items()) if name.startswith("make_")}
TABLES = {f"raw.{name}": rows for name, rows in {
    "plain": 5, "plain_errors": 3, "evolved": 5, "widened": 3, "nested": 5, "renamed": 3, "compacted": 27, "travels": 4, "by_day": 11, "by_month": 10,
    "by_hour": 10, "by_bucket": 18, "by_truncate": 18, "by_text": len(ODD_TEXTS) + 2, "by_value": 18, "repartitioned": 10, "typed": 3, "special": 9,
    "bounded": len(LONG_TEXTS)}.items()}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lake")
    with Lake(folder / "data", LAKE) as lake:
        lake.readers = Readers(lake, folder)
        for maker in MAKERS.values():
            maker(lake)
        yield lake
        lake.readers.close()


@pytest.fixture(scope="module")
def readers(lake):
    return lake.readers


def assert_same(answer, expected, who):
    assert answer.columns == expected.columns, who
    assert answer.exact() == expected.exact(), who


def assert_open(readers, table, expected, snapshot=None):
    assert_same(readers.pyiceberg(table, snapshot), as_pyiceberg_shows(expected), "pyiceberg")
    assert_same(readers.duckdb(table, snapshot), expected, "duckdb")


# Whole tables.

@pytest.mark.parametrize("table", TABLES)
def test_others_read_what_tarn_reads(readers, table):
    expected = readers.tarn(f"FROM {table}")
    assert len(expected.rows) == TABLES[table]
    assert_open(readers, table, expected)


def test_others_read_a_stopped_lake(lake, readers):
    expected = {table: readers.tarn(f"FROM {table}") for table in TABLES}
    assert lake.stop() == 0
    try:
        for table in TABLES:
            assert_open(readers, table, expected[table])
    finally:
        lake.start()


# What is in them: all three could be wrong alike.

def test_values_are_those_that_were_sent(readers):
    rows = {row[0]: row for row in readers.pyiceberg("raw.typed").rows}
    assert rows[1][:14] == (1, -32768, -2147483648, False, pytest.approx(1.1, abs=1e-6), 0.1, Decimal("1234567.89"), Decimal("-999999999999.999999"),
                            Decimal("9999999999999999999999999999.9999999999"), date(1, 1, 1), rows[1][10], datetime(1969, 12, 31, 23, 59, 59, 999999),
                            datetime(2025, 12, 31, 18, 30, 0, 1, tzinfo=timezone.utc), rows[1][13])
    assert str(rows[1][10]) == "23:59:59.999999"
    assert UUID(str(rows[1][13])) == UUID(UUIDS[3])
    assert rows[1][14] == bytes(range(256))
    assert rows[1][15] == "\u0000 🚲 \"'\\"
    assert json.loads(rows[1][16]) == {"a": [1, None, 1.0]}
    assert dict(rows[1][17]) == {"x": -1, "y": None}
    assert set(rows[None]) == {None}


def test_odd_partition_values_are_those_that_were_sent(readers):
    assert sorted(map(str, readers.pyiceberg("raw.by_text").column("text"))) == sorted(map(str, ODD_TEXTS + ["a/b", None]))


def test_records_of_the_error_table_are_the_bytes_that_were_sent(readers):
    assert readers.duckdb("raw.plain_errors").column("record") == [b'\xff\xfe\x00{"id":3}', b'{"id"', b"[1]"]


def test_renamed_columns_keep_their_values(readers):
    answer = readers.pyiceberg("raw.renamed")
    assert sorted(zip(answer.column("old"), answer.column("color"))) == [(1, "red"), (2, "blue"), (3, "green")]
    assert {"full name": "ada", "age": 3} in answer.column("who")


def test_compaction_changes_files_and_no_rows(lake, readers):
    table = lake.ask("GET", "/v1/tables/raw.compacted").json
    assert int(table["files"]) == 3     # one a partition, of 27
    assert readers.pyiceberg("raw.compacted").exact() == lake.before.exact()


# Older snapshots.

def test_every_snapshot_is_open(lake, readers):
    for table, counts in {"raw.travels": [1, 2, 3, 3, 4], "raw.evolved": [1, 2, 3, 5], "raw.widened": [2, 3],
                           "raw.repartitioned": [5, 10]}.items():
        snapshots = lake.snapshots(table)
        assert len(snapshots) == len(counts), table
        for snapshot, count in zip(snapshots, counts):
            expected = readers.tarn(f"FROM {table} AT (VERSION => {snapshot})")
            assert len(expected.rows) == count
            assert_open(readers, table, expected, snapshot)


# Filters: others skip files by partition values and by bounds, which must hide no row.

UTC = timezone.utc
FILTERS = [
    ("by_day", "at >= '2024-02-29T00:00:00+00:00' and at < '2024-03-01T00:00:00+00:00'", "\"at\" >= '2024-02-29T00:00:00Z' AND \"at\" < '2024-03-01T00:00:00Z'", 3),
    ("by_day", "at < '1970-01-01T00:00:00+00:00'", "\"at\" < '1970-01-01T00:00:00Z'", 4),
    ("by_day", "day = '1969-12-31'", "day = DATE '1969-12-31'", 2),
    ("by_day", "day <= '0001-01-01'", "day <= DATE '0001-01-01'", 1),
    ("by_day", "at is null", "\"at\" IS NULL", 1),
    ("by_month", "at >= '1969-12-01T00:00:00' and at < '1970-01-01T00:00:00'", "\"at\" >= '1969-12-01' AND \"at\" < '1970-01-01'", 2),
    ("by_month", "at > '9999-12-31T00:00:00'", "\"at\" > '9999-12-31'", 1),
    ("by_month", "day < '1970-01-01'", "day < DATE '1970-01-01'", 4),
    ("by_month", "day = '2024-02-29'", "day = DATE '2024-02-29'", 2),
    ("by_hour", "at >= '1969-12-31T23:00:00+00:00' and at <= '1970-01-01T00:00:00+00:00'", "\"at\" >= '1969-12-31T23:00:00Z' AND \"at\" <= '1970-01-01T00:00:00Z'", 2),
    ("by_hour", "at < '1900-02-28T23:00:00+00:00'", "\"at\" < '1900-02-28T23:00:00Z'", 2),
    ("renamed", "color = 'red'", "color = 'red'", 1),
    ("renamed", EqualTo("who.full name", "ada"), 'who."full name" = \'ada\'', 1),
    ("renamed", "old >= 2", "old >= 2", 2),
    ("compacted", "country = 'D/E' and id > 12", "country = 'D/E' AND id > 12", 5),
    ("compacted", "country is null", "country IS NULL", 9),
    ("compacted", "who.name = 'n7'", "who.name = 'n7'", 1),
    ("evolved", "new > 1", "new > 1", 1),
    ("evolved", "new is null", "new IS NULL", 4),
    ("evolved", "who.rank = 7", "who.rank = 7", 1),
    ("widened", "id = 2147483647", "id = 2147483647", 1),
    ("widened", "d > 999", "d > 999", 2),
    ("widened", "id > 2147483647", "id > 2147483647", 1),
    ("repartitioned", "country = 'IN'", "country = 'IN'", 4),
    ("repartitioned", "at < '2026-02-01T00:00:00+00:00'", "\"at\" < '2026-02-01T00:00:00Z'", 4),
    ("repartitioned", "id = 3 or id = 13", "id IN (3, 13)", 2),
    ("plain", "id = 9223372036854775807", "id = 9223372036854775807", 1),
    ("plain", "id < 0", "id < 0", 1),
    ("special", IsNaN("x"), "isnan(x)", 2),
    ("special", NotNaN("x") & Not(IsNull("x")), "NOT isnan(x)", 6),
    ("special", IsNaN("f"), "isnan(f)", 2),
    ("special", LessThan("x", 0.25), "x < 0.25", 3),
    ("special", EqualTo("x", 0.0), "x = 0.0", 2),
    ("special", EqualTo("x", float("inf")), "x = 'inf'::DOUBLE", 1),
    ("special", GreaterThanOrEqual("x", 0.5) & NotNaN("x"), "x >= 0.5 AND NOT isnan(x)", 3),
    ("bounded", EqualTo("x", 0.0), "x = 0.0", 3),
    ("bounded", LessThan("x", 0.0), "x < 0.0", 2),
    ("bounded", LessThan("d", Decimal("0.0000")), "d < 0", 4),
    ("bounded", GreaterThanOrEqual("d", Decimal("9999999999999999.9999")), "d >= 9999999999999999.9999", 2),
    ("bounded", LessThan("at", datetime(1970, 1, 1, tzinfo=UTC)), "\"at\" < '1970-01-01T00:00:00Z'", 5),
    ("bounded", LessThan("day", date(1970, 1, 1)), "day < DATE '1970-01-01'", 5),
    ("bounded", StartsWith("s", "a" * 16), "starts_with(s, 'aaaaaaaaaaaaaaaa')", 3),
    ("bounded", StartsWith("s", "z" * 15), "starts_with(s, 'zzzzzzzzzzzzzzz')", 1),
]


@pytest.mark.parametrize("table, theirs, ours, count", FILTERS, ids=[f"{table}: {ours}" for table, _, ours, _ in FILTERS])
def test_filters_find_all_that_match(readers, table, theirs, ours, count):
    expected = readers.tarn(f"FROM raw.{table} WHERE {ours}")
    assert len(expected.rows) == count
    assert_same(readers.pyiceberg(f"raw.{table}", row_filter=theirs), as_pyiceberg_shows(expected), "pyiceberg")
    assert_same(readers.duckdb(f"raw.{table}", where=ours), expected, "duckdb")


def sql_literal(value, type_):
    if isinstance(value, bytes):
        text = "".join(f"\\x{byte:02X}" for byte in value)
    else:
        text = str(value).replace("'", "''")
    return f"'{text}'::{type_}"


# What readers get wrong by themselves, and files of any writer would show: (reader, table, column) and for which values.
KNOWN = {
    # It compares the literal's bytes with the UUID of the partition.
    ("pyiceberg", "by_value", "u"): lambda value: value is not None,
    # Its compiled Avro decoder reads a double as a float; DuckDB reads the right ones from the same manifest.
    ("pyiceberg", "by_value", "f"): lambda value: value in (1e300, 5e-324),
    # It has no int overflow; Iceberg's own Java code has, and truncates this one to 2147483646 as we do.
    ("pyiceberg", "by_truncate", "i"): lambda value: value == -2147483648,
    # pyiceberg has no literals of TIME.
    ("pyiceberg", "by_bucket", "t"): lambda value: value is not None,
    ("pyiceberg", "by_truncate", "t"): lambda value: value is not None,
    # It rounds times before 1970 to the day or month after; the specification rounds down.
    ("duckdb", "by_day", "at"): lambda value: value is not None and value.year < 1970,
    ("duckdb", "by_month", "at"): lambda value: value is not None and value.year < 1970,
    # Truncated, it has one digit more than its type: DuckDB finds no file then, pyiceberg does.
    ("duckdb", "by_truncate", "d"): lambda value: value == Decimal("-9999999999999999.9999"),
    # It hashes a UUID otherwise than the specification; ours is the hash of its example, and pyiceberg's.
    ("duckdb", "by_bucket", "u"): lambda value: value is not None,
}


@pytest.mark.parametrize("table", ["by_bucket", "by_truncate", "by_text", "by_value", "bounded", "by_day", "by_month", "by_hour"])
def test_each_value_is_found_by_itself(readers, table):
    """A wrong hash, truncation, partition value or bound of ours would make others skip the file that has the value."""
    whole = readers.duckdb(f"raw.{table}")
    theirs = readers.pyiceberg_table(f"raw.{table}")
    ids = whole.column("id")
    wrong = []
    for name, type_ in whole.columns:
        if name == "_rescued" or type_.startswith("STRUCT"):
            continue
        values = whole.column(name)
        for value in {repr(value): value for value in values}.values():
            wanted = sorted(str(id_) for id_, other in zip(ids, values) if other == value)
            where = f'"{name}" IS NULL' if value is None else f'"{name}" = {sql_literal(value, type_)}'
            row_filter = IsNull(name) if value is None else EqualTo(name, str(value) if type_ == "UUID" else value)
            for who, find in {"tarn": lambda: readers.tarn(f"SELECT id FROM raw.{table} WHERE {where}").column("id"),
                              "duckdb": lambda: readers.duckdb(f"raw.{table}", where=where, columns="id").column("id"),
                              "pyiceberg": lambda: theirs.scan(row_filter=row_filter).to_arrow().column("id").to_pylist()}.items():
                if KNOWN.get((who, table, name), lambda value: False)(value):
                    continue
                found = sorted(map(str, find()))
                if found != wanted:
                    wrong.append(f"{who}: {where}: ids {found}, not {wanted}")
    assert not wrong, "\n".join(wrong)


def test_files_of_every_partition_value_are_listed(lake):
    for table in TABLES:
        assert lake.ask("GET", f"/v1/tables/{table}/files").json["files"], table


def test_others_skip_files_by_what_tarn_wrote(readers):
    """Else the tests above would prove nothing."""
    for table, row_filter, files in [("by_text", EqualTo("text", "a=b"), 1), ("by_day", EqualTo("day", date(2024, 3, 1)), 2),
                                     ("by_bucket", EqualTo("id", 1000003), 4), ("by_truncate", EqualTo("s", "iceberg"), 3),
                                     ("bounded", EqualTo("id", 3), 1), ("bounded", EqualTo("s", "ü" * 20), 1), ("special", In("x", [7.5]), 2),
                                     ("repartitioned", EqualTo("country", "IN"), 5)]:
        scan = readers.pyiceberg_table(f"raw.{table}").scan(row_filter=row_filter)
        planned = len(list(scan.plan_files()))
        every = len(list(readers.pyiceberg_table(f"raw.{table}").scan().plan_files()))
        assert 1 <= planned <= files < every, (table, row_filter, planned, every)


def test_keys_are_found_as_the_page_says():
    page = (tarn.ROOT / "docs" / "formats" / "store.md").read_text()
    for key, path in [("raw/t/data/x.parquet", "raw/t/data/x.parquet"), ("a", "a%"), ("a/b", "a/b%"), ("v1.0/notes", "v1.0%/notes%"),
                      ("../x.txt", "%2E%2E/x.txt"), ("a//b/", "a/%_/b/%_%"), ("100%", "100%25%")]:
        assert f"| `{key}` | `{path}` |" in page
        assert key_of(PurePosixPath(path)) == key
    assert key_of(PurePosixPath("k" * 200 + "%+/" + "k" * 50 + "%")) == "k" * 250
