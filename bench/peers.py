"""The peers that benchmarks run beside: a PostgreSQL server of their own."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Postgres:
    """PostgreSQL with its defaults (fsync and synchronous_commit on), on a socket in a temporary folder."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tarn-postgres-", dir="/var/tmp"))
        self.bin = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.as_user = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "postgres")
            self.as_user = ["runuser", "-u", "postgres", "--"]
        self._run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", "bench")
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log",
                  "-o", f"-c listen_addresses= -c unix_socket_directories={self.folder}", "start")
        import psycopg

        self.connection = psycopg.connect(host=str(self.folder), dbname="postgres", user="bench", autocommit=True)
        return self

    def __exit__(self, *_):
        self.connection.close()
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program, *arguments):
        subprocess.run([*self.as_user, str(self.bin / program), *map(str, arguments)], check=True, capture_output=True, cwd="/")

    def insert_batches(self, batches):
        """Seconds for one INSERT a batch, each committed before the next is sent."""
        with self.connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (id BIGINT, name TEXT, amount DOUBLE PRECISION)")
            statement = "INSERT INTO t VALUES " + ", ".join(["(%s, %s, %s)"] * len(batches[0]))
            begin = time.monotonic()
            for batch in batches:
                cursor.execute(statement, [value for row in batch for value in row.values()], prepare=True)
            return time.monotonic() - begin
