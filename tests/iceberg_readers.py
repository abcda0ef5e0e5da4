"""Reads the tables of a lake with other engines' Iceberg readers: pyiceberg, and DuckDB's own iceberg extension.

They get files and nothing of Tarn's: keys are found in the folder as docs/formats/store.md spells them. Every answer,
also Tarn's own, is a Relation of the same DuckDB, so that one comparison sees columns, types and exact values.
"""

import os
import re
import sqlite3
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote_to_bytes

import duckdb
import pyarrow.fs
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO
from pyiceberg.table import StaticTable

MIRROR_PROPERTY = "mirror"


@dataclass
class Relation:
    columns: list   # (name, type)
    rows: list      # of tuples

    def exact(self):
        """Rows to compare: 1 is not 1.0 nor True, 1.50 is not 1.5, NaN is itself, -0.0 is not 0.0."""
        return sorted(map(repr, self.rows))

    def column(self, name):
        index = [column for column, _ in self.columns].index(name)
        return [row[index] for row in self.rows]


def relation(connection, query):
    answer = connection.sql(query)
    columns = [(name, str(type_)) for name, type_ in zip(answer.columns, answer.types)]
    # By Arrow, as DuckDB's own fetchall wants one more package for times with a zone. Maps are lists of pairs there.
    values = [column.to_pylist() for column in answer.to_arrow_table().columns]
    return Relation(columns, list(zip(*values)))


def key_of(path):
    """The key of an object from its path below the bucket."""
    components = [""]
    for name in path.parts[:-1]:
        if name.endswith("%+"):     # a long component goes on in the folder
            components[-1] += name[:-2]
        else:
            components[-1] += component_of(name, "." in name)
            components.append("")
    components[-1] += component_of(path.name, "." not in path.name)
    return "/".join(components)


def component_of(name, marked):
    """The text of a piece of a key; `marked` if a bare % ends it, by which a folder and a leaf never share a name."""
    if marked:
        assert name.endswith("%"), name
        name = name[:-1]
    return "" if name == "%_" else unquote_to_bytes(name).decode()


class Mirror:
    """The objects under their keys, as links in a folder: what a plain file reader needs."""

    def __init__(self, objects, root):
        self.objects, self.root = Path(objects), Path(root)
        self.linked = set()

    def refresh(self):
        """Links what is new since the last time; what was removed since is a link to nothing."""
        for bucket in self.objects.iterdir():
            if bucket.name.startswith("."):
                continue
            for folder, _, names in os.walk(bucket):
                for name in names:
                    file = Path(folder, name)
                    if file not in self.linked:
                        link = self.root / bucket.name / key_of(file.relative_to(bucket))
                        link.parent.mkdir(parents=True, exist_ok=True)
                        link.symlink_to(file.absolute())
                        self.linked.add(file)

    def require(self, location):
        """The path of an object, and of all that was written before it."""
        path = self.path(location)
        if not os.path.lexists(path):
            self.refresh()
        return path

    def path(self, location):
        assert location.startswith("s3://"), location
        return str(self.root / location.removeprefix("s3://"))


class MirrorIO(PyArrowFileIO):
    """pyiceberg's file system: s3://bucket/key is a file of the mirror. A pyiceberg table may only read."""

    def new_input(self, location):
        path = Path(self.properties[MIRROR_PROPERTY]) / location.removeprefix("s3://")
        return PyArrowFile(location, str(path), pyarrow.fs.LocalFileSystem())

    def new_output(self, location):
        raise PermissionError(f"a test would write {location}")

    def delete(self, location):
        raise PermissionError(f"a test would delete {location}")


def extension(name):
    """The file of a DuckDB extension that was installed as a Python package."""
    folder = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
    return folder / f"{name}.duckdb_extension"


class Readers:
    """Tarn, pyiceberg and DuckDB side by side over one lake; the two others work also while it is stopped."""

    def __init__(self, lake, folder):
        self.lake = lake
        self.folder = Path(folder)
        self.answers = 0
        self.mirror = Mirror(lake.data / "objects", self.folder / "mirror")
        self.engine = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
        for name in ("avro", "iceberg"):
            self.engine.execute(f"LOAD '{extension(name)}'")
        self.engine.execute("SET TimeZone = 'UTC'")

    def close(self):
        self.engine.close()

    def metadata(self, table):
        """The location of the current metadata file, from the metastore."""
        database, _, name = table.partition(".")
        connection = sqlite3.connect(f"file:{self.lake.data / 'meta.db'}?mode=ro", uri=True)
        try:
            found = connection.execute("SELECT metadata_file FROM tables WHERE database = ? AND name = ?", (database, name)).fetchone()
        finally:
            connection.close()
        assert found, f"the metastore has no table {table}"
        return found[0]

    def tarn(self, query):
        """Tarn's answer to SQL, as Parquet: no value is rounded or spelled in between."""
        answer = self.lake.request("POST", "/v1/sql?format=parquet", query.encode(), {"Content-Type": "text/plain"})
        assert answer.status == 200, f"{query}\n{answer.body.decode(errors='replace')}"
        self.answers += 1   # each in a new file: DuckDB remembers parts of those that it read
        file = self.folder / f"answer-{self.answers}.parquet"
        file.write_bytes(answer.body)
        try:
            return relation(self.engine, f"FROM read_parquet('{file}')")
        finally:
            file.unlink()

    def pyiceberg_table(self, table):
        location = self.metadata(table)
        self.mirror.require(location)
        return StaticTable.from_metadata(location, {
            "py-io-impl": f"{MirrorIO.__module__}.{MirrorIO.__name__}", MIRROR_PROPERTY: str(self.mirror.root)})

    def pyiceberg(self, table, snapshot=None, **scan):
        arrow = self.pyiceberg_table(table).scan(snapshot_id=snapshot, **scan).to_arrow()
        self.engine.register("from_pyiceberg", arrow)
        try:
            return relation(self.engine, "FROM from_pyiceberg")
        finally:
            self.engine.unregister("from_pyiceberg")

    def duckdb(self, table, snapshot=None, where="true", columns="*"):
        folder, file = self.mirror.require(self.metadata(table)).rsplit("/metadata/", 1)
        options = f"allow_moved_paths = true, version = '{file.removesuffix('.metadata.json')}'"
        if snapshot:
            options += f", snapshot_from_id = {snapshot}"
        return relation(self.engine, f"SELECT {columns} FROM iceberg_scan('{folder}', {options}) WHERE {where}")


def has_structs_inside(type_):
    """Lists of structs, and maps to structs."""
    return type_.endswith("[]") and type_.startswith("STRUCT(") or re.fullmatch(r"MAP\(\w+, STRUCT\(.*\)\)", type_) is not None


def as_pyiceberg_shows(expected):
    """The one difference that is not Tarn's: pyiceberg 0.12 rebuilds lists of structs and maps to structs from their
    offsets (`LargeListArray.from_arrays` in pyiceberg/io/pyarrow.py), which forgets their nulls. The file holds null, as
    DuckDB shows; pyiceberg shows an empty one."""
    rows = [tuple([] if value is None and has_structs_inside(type_) else value
                  for value, (_, type_) in zip(row, expected.columns)) for row in expected.rows]
    return Relation(expected.columns, rows)
