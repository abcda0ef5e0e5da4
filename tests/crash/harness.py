"""Producers that remember what was acknowledged, readers that watch, and the checks of I1 to I4 after each crash.

Every record has an identity: who sent it (p), in which batch (b), which of the batch (n). What the producers remember
outlives the server, and is what the tables are held to:
  named producers     number their batches and repeat each until it is acknowledged: all batches, each exactly once
  nameless producers  never repeat: an acknowledged batch is there exactly once, another once or not at all
"""

import random
import re
import threading
import time
from pathlib import Path

import tarn

SRC = Path(__file__).resolve().parent.parent.parent / "src"
PAD = "x" * 200
NAMED, NAMELESS = "named", "nameless"

LAKE = """
lake: crash
settings:
  log: {{ segment: 256KiB }}
  memory: 512MiB
  threads: 2
  maintenance: {{ every: {maintenance} }}
defaults:
  deliver: {{ every: {{ age: {age}, size: 128KiB }} }}
streams:
  named: {{ shards: 2, columns: {{ p: VARCHAR, b: BIGINT, n: BIGINT, pad: VARCHAR }}, deliver: {{ table: crash.named, partition: [ "bucket(2, n)" ] }} }}
  nameless: {{ deliver: {{ table: crash.nameless }} }}
databases:
  crash:
    tables:
      nameless: {{ columns: {{ p: VARCHAR, b: BIGINT, n: BIGINT, pad: VARCHAR }}, compact: {{ files: 4 }} }}
"""


def lake_text(age="200ms", maintenance="1s"):
    return LAKE.format(age=age, maintenance=maintenance)


def fault_points():
    """Every named place in the program where it can be killed."""
    names = set()
    for path in SRC.rglob("*.cpp"):
        if not path.name.endswith(("_test.cpp", "_fuzz.cpp", "_bench.cpp")):
            names.update(re.findall(r'fault_point\("([^"]+)"\)', path.read_text()))
    return sorted(names)


class Lost(AssertionError):
    """An invariant is broken."""


class Producer:
    """Sends batch after batch to the lake while it is there. One thread's at a time."""

    def __init__(self, lake, name, stream, random_source):
        self.lake, self.name, self.stream, self.random = lake, name, stream, random_source
        self.next = 0          # the batch to send
        self.acknowledged = {}  # batch → how many records
        self.unknown = {}       # batches whose outcome nobody told us
        self.pending = None     # of a named producer: the batch that is repeated until it is acknowledged
        self.problem = None

    def run(self, stop, session):
        try:
            while not stop.is_set():
                self.send_one(session)
        except tarn.Gone:
            pass  # the server was killed
        except Exception as problem:  # noqa: BLE001 - shown by the test
            self.problem = problem

    def batch(self):
        if self.stream == NAMED and self.pending:
            return self.pending
        number, size = self.next, self.random.choice([1, 3, 20, 100])
        self.next += 1
        body = "".join(f'{{"p": "{self.name}", "b": {number}, "n": {n}, "pad": "{PAD}"}}\n' for n in range(size))
        if self.stream == NAMED:
            self.pending = (number, size, body)
        else:
            self.unknown[number] = size
        return number, size, body

    def send_one(self, session):
        number, size, body = self.batch()
        headers = {"Tarn-Producer": self.name, "Tarn-Batch": str(number)} if self.stream == NAMED else {}
        answer = self.lake.put(self.stream, body, headers=headers, session=session, timeout=30)
        if answer.status == 200:
            if int(answer.json["accepted"]) != size and not answer.json.get("duplicate"):
                raise Lost(f"{self.name} sent {size} records: {answer.body.decode()}")
            self.acknowledged[number] = size
            self.unknown.pop(number, None)
            self.pending = None
        elif answer.status in (429, 503):
            if self.stream == NAMELESS:
                self.unknown.pop(number)  # 'slow down' means that nothing was stored
            time.sleep(0.05)
        elif answer.error["code"] != "unknown_outcome":
            raise Lost(f"{self.name}: {answer.status} {answer.body.decode()}")


class Harness:
    def __init__(self, folder, seed, power=None, age="200ms", maintenance="1s", partly=False):
        self.random = random.Random(seed)
        self.power = power
        self.partly = partly  # every other power cut leaves some of what was not synced
        self.lake = tarn.Lake(Path(folder) / "data", lake_text(age, maintenance), env=power.environment if power else None)
        self.producers = [Producer(self.lake, f"{stream}-{i}", stream, random.Random(self.random.random()))
                          for stream, count in ((NAMED, 3), (NAMELESS, 2)) for i in range(count)]
        self.looked = 0
        self.history = []

    # One round: start, work, die, and look.

    def round(self, seconds, fault=None):
        """`fault`: "name:n" to be killed at a fault point; it may come too late, then the clock kills."""
        self.history.append(fault or f"killed after {seconds:.2f} s")
        try:
            self.lake.start({"TARN_FAULT_POINT": fault} if fault else None)
        except tarn.StartFailed as failed:
            if not fault or failed.args[0] != -9:
                raise
            return self.die()  # the fault point was on the way up
        self.work(seconds)
        self.die()

    def work(self, seconds):
        stop = threading.Event()
        threads, problems = [], []
        for producer in self.producers:
            threads.append(threading.Thread(target=with_session, args=(producer.run, stop)))
        threads.append(threading.Thread(target=with_session, args=(self.watch, stop, problems)))
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.lake.alive():
            time.sleep(0.005)
        if self.lake.alive():
            self.lake.process.kill()
        stop.set()
        for thread in threads:
            thread.join()
        problems += [producer.problem for producer in self.producers if producer.problem]
        if problems:
            raise problems[0]

    def die(self):
        if self.lake.process is not None:
            self.lake.kill()
        if self.power:
            self.power.cut(self.random if self.partly and self.random.random() < 0.5 else None)

    def watch(self, stop, problems, session):
        """While deliveries run: no gap, no double, and never fewer rows than were acknowledged before the question."""
        try:
            while not stop.is_set():
                for stream in (NAMED, NAMELESS):
                    self.look(stream, session)
        except tarn.Gone:
            pass
        except Exception as problem:  # noqa: BLE001 - shown by the test
            problems.append(problem)

    def look(self, stream, session):
        mine = [producer for producer in self.producers if producer.stream == stream]
        known = sum(sum(list(producer.acknowledged.values())) for producer in mine)
        rows, distinct = map(int, self.ask(
            f"SELECT count(*), count(DISTINCT (p, b, n)) FROM crash.{stream}", session)[0])
        # What may be there at most is asked after: batches that were sent, whether or not they were answered.
        possible = sum(sum(list(p.acknowledged.values())) + sum(list(p.unknown.values())) + (p.pending or (0, 0))[1]
                       for p in mine)
        self.looked += 1
        if rows != distinct:
            raise Lost(f"{stream}: {rows} rows, {distinct} different ones: some are there twice")
        if rows < known:
            raise Lost(f"{stream}: {rows} rows while {known} had been acknowledged before the query")
        if rows > possible:
            raise Lost(f"{stream}: {rows} rows, and only {possible} were ever sent")

    def ask(self, sql, session=None):
        try:
            return self.lake.sql(sql, session=session)[1]
        except tarn.SqlError as error:
            if error.code in ("busy", "unavailable"):
                raise tarn.Gone(str(error)) from None
            raise

    # The oracle.

    def check(self):
        """The lake must be running: each batch is there as the producers remember it."""
        for producer in self.producers:
            table = f"crash.{producer.stream}"
            rows = self.ask(f"SELECT b, count(*), count(DISTINCT n), max(n) FROM {table} WHERE p = '{producer.name}' GROUP BY b")
            found = {int(b): (int(count), int(distinct), int(high)) for b, count, distinct, high in rows}
            self.check_producer(producer, found)
        for stream in (NAMED, NAMELESS):
            errors = int(self.ask(f"SELECT count(*) FROM crash.{stream}_errors")[0][0])
            if errors:
                raise Lost(f"{stream}: {errors} records in the error table; none was wrong")

    def check_producer(self, producer, found):
        open_batches = dict(producer.unknown)
        if producer.pending:
            open_batches[producer.pending[0]] = producer.pending[1]
        for batch, size in producer.acknowledged.items():
            if found.get(batch) != (size, size, size - 1):
                raise Lost(f"{producer.name} batch {batch} of {size} records was acknowledged; in the table: "
                           f"{found.get(batch, 'nothing')} (rows, different, highest)\nrounds: {self.history}")
        for batch, got in found.items():
            if batch in producer.acknowledged:
                continue
            size = open_batches.get(batch)
            if size is None:
                raise Lost(f"{producer.name} batch {batch} was never sent")
            if got != (size, size, size - 1):
                raise Lost(f"{producer.name} batch {batch} of {size} records was not acknowledged, and is there in part: {got}")

    def check_after_crash(self):
        self.verify()
        self.lake.start()
        self.check()

    def verify(self):
        result = self.lake.verify()
        if result.returncode != 0:
            raise Lost(f"tarn verify: exit status {result.returncode}\n{result.stdout}{result.stderr}\nrounds: {self.history}")

    def finish(self):
        """Everything delivered, stopped in order, and counted once more."""
        self.lake.flush()
        self.check()
        status = self.lake.stop()
        if status != 0:
            raise Lost(f"tarn ended with {status} after SIGTERM\n{self.lake.log_tail()}")
        self.verify()
        return sum(sum(producer.acknowledged.values()) for producer in self.producers)


def with_session(target, *arguments):
    import requests
    with requests.Session() as session:
        target(*arguments, session)
