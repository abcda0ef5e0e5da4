"""The tables as others read them: pyiceberg and DuckDB's own iceberg extension, row for row against Tarn's SQL.

The foreign readers get the address of a metadata file and an S3 endpoint, nothing else of Tarn.
"""

import json
from importlib.resources import files

import duckdb
import pytest
from pyiceberg.table import StaticTable

import tarn
from mini_s3 import MiniS3, key_to_path

RECORDS = [
    {"id": 1, "time": "2026-01-01T10:00:00Z", "country": "IN", "price": 1.25, "who": {"name": "ada", "age": 36}, "tags": ["a", "b"]},
    {"id": 2, "time": "2026-01-01T23:59:59.999999Z", "country": "DE", "price": -0.5, "who": {"name": "ü"}, "tags": []},
    {"id": 3, "time": "1969-12-31T23:00:00Z", "country": "a/b ..%", "price": 1e300, "ok": True, "day": "2024-02-29"},
    {"id": 4, "items": [{"sku": "x", "n": 1}, {"sku": "y", "n": None}], "country": ""},
    {"id": 9223372036854775807},
]


class Lake(tarn.Lake):
    def send(self, *records, stream="t"):
        answer = self.put(stream, "".join(json.dumps(record) + "\n" for record in records))
        assert answer.status == 200, answer.body
        self.flush(stream)

    def metadata(self, table):
        """The address of the newest metadata file."""
        location = self.request("GET", f"/v1/tables/{table}").json["location"]
        folder = self.data / "objects" / location.removeprefix("s3://") / "metadata"
        return f"{location}/metadata/{max(path.name for path in folder.glob('*.metadata.json'))}"

    def snapshots(self, table):
        return [int(snapshot["id"]) for snapshot in self.request("GET", f"/v1/tables/{table}/snapshots").json["snapshots"]]


@pytest.fixture
def start(tmp_path):
    lakes = []

    def starter(text):
        lake = Lake(tmp_path / "data", text)
        lakes.append(lake)
        return lake.start()
    yield starter
    for lake in lakes:
        lake.close()


def extension(name):
    """The file of a DuckDB extension that was installed as a Python package."""
    folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{name}.duckdb_extension"


def as_json(connection, relation):
    """Each row as JSON, sorted: what is compared. Times come out as UTC."""
    return sorted(row[0] for row in connection.sql(f"SELECT to_json(r)::VARCHAR FROM {relation} AS r").fetchall())


def tarn_rows(lake, table, at=""):
    # JSON is text to others.
    names = lake.sql(f"SELECT * FROM {table} {at} LIMIT 0")[0]
    texts = [name for name in names if name == "_rescued"]
    replace = f" REPLACE ({', '.join(f'{name}::VARCHAR AS {name}' for name in texts)})" if texts else ""
    rows = lake.sql(f"SELECT to_json(r)::VARCHAR AS row FROM (SELECT *{replace} FROM {table} {at}) AS r")[1]
    return sorted(row[0] for row in rows)


def pyiceberg_table(lake, s3, table):
    properties = {"s3.endpoint": s3.endpoint, "s3.access-key-id": "any", "s3.secret-access-key": "any", "s3.region": "us-east-1",
                  "s3.force-virtual-addressing": "false"}
    return StaticTable.from_metadata(lake.metadata(table), properties)


def pyiceberg_rows(lake, s3, table, snapshot=None):
    arrow = pyiceberg_table(lake, s3, table).scan(snapshot_id=snapshot).to_arrow()
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("arrow_rows", arrow)
    return as_json(connection, "arrow_rows")


def duckdb_rows(lake, s3, table, snapshot=None):
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in ("avro", "httpfs", "iceberg"):
        connection.execute(f"LOAD '{extension(name)}'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE SECRET (TYPE s3, KEY_ID 'any', SECRET 'any', ENDPOINT '{s3.address}', USE_SSL false, URL_STYLE 'path')")
    option = f", snapshot_from_id = {snapshot}" if snapshot else ""
    return as_json(connection, f"iceberg_scan('{lake.metadata(table)}'{option})")


def assert_open(lake, table="raw.t", snapshot=None, at=""):
    """Both readers see what Tarn's SQL shows; returns the rows."""
    expected = tarn_rows(lake, table, at)
    with MiniS3(lake.data / "objects") as s3:
        assert duckdb_rows(lake, s3, table, snapshot) == expected
        # pyiceberg rebuilds lists of structs from their offsets, without their nulls: there it can't tell null from [].
        blurred = [[row.replace('"items":null', '"items":[]') for row in rows]
                   for rows in (pyiceberg_rows(lake, s3, table, snapshot), expected)]
        assert blurred[0] == blurred[1]
    return expected


INFERRED = "streams: { t: {} }\n"


def test_nested_rows(start):
    lake = start(INFERRED)
    lake.send(*RECORDS)
    assert len(assert_open(lake)) == len(RECORDS)


def test_after_evolution(start):
    lake = start(INFERRED)
    for record in RECORDS:
        lake.send(record)
    lake.send({"id": "a text now", "who": {"name": "x", "rank": 7}, "new": 1.5})
    rows = assert_open(lake)
    assert len(rows) == len(RECORDS) + 1
    assert any("a text now" in row for row in rows)  # in _rescued


def test_partitioned_by_every_transform(start):
    lake = start("""
streams:
  t:
    columns: { id: BIGINT, time: TIMESTAMP WITH TIME ZONE, day: DATE, country: VARCHAR, price: "DECIMAL(10,2)" }
    deliver: { partition: [ day(time), country, "bucket(4, id)", "truncate(2, country)", month(day), year(time), hour(time) ] }
""")
    records = [{key: value for key, value in record.items() if key in ("id", "time", "day", "country")} for record in RECORDS]
    lake.send(*records, {"id": -1, "price": 10.25}, {"id": 34, "price": -0.01})
    assert len(assert_open(lake)) == len(records) + 2


def test_bucket_filters_of_others_find_their_rows(start):
    """pyiceberg chooses files by hashing the value itself: a wrong hash of ours would hide rows."""
    lake = start("""
streams:
  t: { columns: { id: BIGINT, name: VARCHAR }, deliver: { partition: [ "bucket(16, id)", "bucket(8, name)" ] } }
""")
    lake.send(*({"id": i, "name": f"näme {i}"} for i in range(50)))
    with MiniS3(lake.data / "objects") as s3:
        table = pyiceberg_table(lake, s3, "raw.t")
        for i in (0, 7, 49):
            assert table.scan(row_filter=f"id = {i}").to_arrow().to_pylist() == [{"id": i, "name": f"näme {i}", "_rescued": None}]
            assert len(table.scan(row_filter=f"name = 'näme {i}'").to_arrow()) == 1


def test_statistics_of_files_hide_nothing(start):
    """Others skip files by our bounds: every filter must find what a full scan finds."""
    lake = start(INFERRED)
    for record in RECORDS:
        lake.send(record)
    with MiniS3(lake.data / "objects") as s3:
        table = pyiceberg_table(lake, s3, "raw.t")
        for row_filter, count in [("id >= 3", 3), ("id = 9223372036854775807", 1), ("country = 'a/b ..%'", 1), ("country = ''", 1),
                                  ("price > 1", 2), ("price < 0", 1), ("time < '1970-01-01T00:00:00+00:00'", 1),
                                  ("who.name = 'ü'", 1), ("country is null", 1), ("ok = true", 1)]:
            assert len(table.scan(row_filter=row_filter).to_arrow()) == count, row_filter


def test_renamed_and_dropped_columns(start):
    lake = start(INFERRED)
    lake.send({"id": 1, "colour": "red", "old": 1})
    assert lake.request("POST", "/v1/tables/raw.t/columns/colour", b'{"rename": "color"}').status == 200
    lake.send({"id": 2, "colour": "blue", "old": 2})
    assert lake.request("DELETE", "/v1/tables/raw.t/columns/old").status == 200
    rows = assert_open(lake)
    assert [json.loads(row)["color"] for row in rows] == ["red", "blue"]
    assert "old" not in rows[0]


def test_after_compaction(start):
    lake = start("""
streams:
  t: { columns: { id: BIGINT, country: VARCHAR }, deliver: { partition: [ country ] } }
databases: { raw: { tables: { t: { columns: { id: BIGINT, country: VARCHAR }, partition: [ country ], compact: { files: 2 } } } } }
""")
    for i in range(12):
        lake.send({"id": i, "country": "IN" if i % 2 else "DE"})
    lake.maintain("raw.t")
    assert int(lake.value("SELECT files FROM system.tables WHERE name = 't'")) == 2
    assert len(assert_open(lake)) == 12


def test_older_snapshots(start):
    lake = start(INFERRED)
    lake.send({"id": 1})
    lake.send({"id": 2, "new": "x"})
    lake.send({"id": 3, "new": "y"})
    snapshots = lake.snapshots("raw.t")
    assert len(snapshots) == 3
    for count, snapshot in enumerate(snapshots, 1):
        expected = tarn_rows(lake, "raw.t", f"AT (VERSION => {snapshot})")
        assert len(expected) == count
        with MiniS3(lake.data / "objects") as s3:
            assert pyiceberg_rows(lake, s3, "raw.t", snapshot) == expected
            # DuckDB shows an older snapshot with the current schema: compare what both name.
            ids = [json.loads(row)["id"] for row in duckdb_rows(lake, s3, "raw.t", snapshot)]
            assert ids == [json.loads(row)["id"] for row in expected]


def test_the_error_table_is_open_too(start):
    lake = start(INFERRED)
    lake.send({"id": 1})
    lake.put("t", "{broken\n")
    lake.flush()
    with MiniS3(lake.data / "objects") as s3:
        rows = pyiceberg_rows(lake, s3, "raw.t_errors")
        assert len(rows) == 1 and "broken" in rows[0]
        assert duckdb_rows(lake, s3, "raw.t_errors") == rows


def test_keys_become_paths_as_the_page_says():
    page = (tarn.ROOT / "docs" / "formats" / "store.md").read_text()
    for key, path in [("raw/t/data/x.parquet",) * 2, ("a", "a%"), ("a/b", "a/b%"), ("v1.0/notes", "v1.0%/notes%"),
                      ("../x.txt", "%2E%2E/x.txt"), ("a//b/", "a/%_/b/%_%"), ("100%", "100%25%")]:
        assert f"| `{key}` | `{path}` |" in page
        assert key_to_path(key) == path
