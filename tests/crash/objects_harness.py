"""Clients that put, overwrite, complete, delete and version objects while the lake is killed, and remember what was answered.

Each client has its own keys, one request at a time. For every key it knows what may be there: what was acknowledged last,
or, when the last request was cut off, the state before it or the one after. A mixture, an older state, or another object's
bytes are a loss. Every acknowledged creation must be told on the bus (system.events), at least once.
"""

import hashlib
import random
import threading
import time
from pathlib import Path

import botocore.exceptions
import s3_client
import tarn
from harness import Lost

LAKE = """
lake: crash
settings: { memory: 512MiB, threads: 2, objects: { lifecycle_every: 1s } }
buckets:
  plain: {}
  kept: { versioning: enabled }
"""
KEYS = 12
SMALL, INLINE, LARGE = 100, 16 * 1024, 300_000
PART = 5 << 20
NOTHING = None


def digest(body):
    return hashlib.md5(body).hexdigest()


class Client:
    """One thread's keys in both buckets."""

    def __init__(self, name, source):
        self.name, self.random = name, source
        self.possible = {}   # key → set of digests (NOTHING: no object) that may be there
        self.versions = {}   # (key, version id) → digest, acknowledged and not removed
        self.created = set()  # (key, etag) of acknowledged creations
        self.number = 0
        self.problem = None

    def run(self, lake, stop):
        s3 = s3_client.client(lake, retries={"max_attempts": 0}, connect_timeout=5, read_timeout=20)
        try:
            while not stop.is_set():
                self.random.choice([self.put, self.put, self.put, self.delete, self.complete, self.put_version, self.copy])(s3)
        except botocore.exceptions.BotoCoreError:
            pass  # the server was killed: what the request did is not known
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                self.problem = error
        except Exception as problem:  # noqa: BLE001 - shown by the test
            self.problem = problem

    def key(self):
        return f"{self.name}/{self.random.randrange(KEYS)}"

    def body(self):
        self.number += 1
        size = self.random.choice([0, 1, SMALL, INLINE, INLINE + 1, LARGE])
        return (f"{self.name} {self.number} ".encode() * (size // 8 + 1))[:size]

    def begin(self, key, after):
        self.possible[key] = self.possible.get(key, {NOTHING}) | {after}

    def done(self, key, now):
        self.possible[key] = {now}

    def put(self, s3):
        key, body = self.key(), self.body()
        self.begin(key, digest(body))
        etag = s3.put_object(Bucket="plain", Key=key, Body=body)["ETag"]
        self.done(key, digest(body))
        self.created.add((key, etag.strip('"')))

    def delete(self, s3):
        key = self.key()
        self.begin(key, NOTHING)
        s3.delete_object(Bucket="plain", Key=key)
        self.done(key, NOTHING)

    def complete(self, s3):
        key, tail = self.key(), self.body() + b"."
        first = (f"{self.name} {self.number} part ".encode() * (PART // 8))[:PART]
        upload = s3.create_multipart_upload(Bucket="plain", Key=key)["UploadId"]
        parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket="plain", Key=key, UploadId=upload, PartNumber=n, Body=body)["ETag"]}
                 for n, body in ((1, first), (2, tail))]
        self.begin(key, digest(first + tail))
        etag = s3.complete_multipart_upload(Bucket="plain", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})["ETag"]
        self.done(key, digest(first + tail))
        self.created.add((key, etag.strip('"')))

    def copy(self, s3):
        source, key = self.key(), self.key()
        known = self.possible.get(source, {NOTHING})
        if source == key or len(known) != 1 or NOTHING in known:
            return
        self.begin(key, next(iter(known)))
        s3.copy_object(Bucket="plain", Key=key, CopySource={"Bucket": "plain", "Key": source})
        self.done(key, next(iter(known)))

    def put_version(self, s3):
        key, body = self.key(), self.body()
        if self.versions and self.random.random() < 0.3:
            old = self.random.choice(sorted(self.versions))
            wanted = self.versions.pop(old)  # from now on it may be gone
            s3.delete_object(Bucket="kept", Key=old[0], VersionId=old[1])
            del wanted
            return
        version = s3.put_object(Bucket="kept", Key=key, Body=body)["VersionId"]
        self.versions[key, version] = digest(body)

    def delete_all(self, lake):
        """Everything of this client's goes, in both buckets, and the uploads that a crash left open."""
        s3 = s3_client.client(lake)
        for key in {key for key, _ in self.versions} | set(self.possible):
            s3.delete_object(Bucket="plain", Key=key)
        for page in s3.get_paginator("list_object_versions").paginate(Bucket="kept", Prefix=f"{self.name}/"):
            for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
                s3.delete_object(Bucket="kept", Key=item["Key"], VersionId=item["VersionId"])
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket="plain", Prefix=f"{self.name}/"):
            for item in page.get("Uploads", []):
                s3.abort_multipart_upload(Bucket="plain", Key=item["Key"], UploadId=item["UploadId"])

    # The oracle.

    def check(self, s3):
        for key, possible in self.possible.items():
            found = read(s3, "plain", key)
            if found not in possible:
                raise Lost(f"plain/{key} is {found}; it may only be one of {possible}")
            self.possible[key] = {found}
        for (key, version), wanted in self.versions.items():
            found = read(s3, "kept", key, VersionId=version)
            if found != wanted:
                raise Lost(f"kept/{key} version {version} is {found}, acknowledged was {wanted}")


def read(s3, bucket, key, **version):
    """The digest of what is there; its ETag, length and listing must agree with its bytes."""
    try:
        answer = s3.get_object(Bucket=bucket, Key=key, **version)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion"):
            return NOTHING
        raise
    body = answer["Body"].read()
    if len(body) != answer["ContentLength"]:
        raise Lost(f"{bucket}/{key} announces {answer['ContentLength']} bytes and has {len(body)}")
    if "-" not in answer["ETag"] and answer["ETag"].strip('"') != digest(body):
        raise Lost(f"{bucket}/{key} has the ETag {answer['ETag']} and the bytes of {digest(body)}")
    return digest(body)


class ObjectsHarness:
    def __init__(self, folder, seed, power=None, partly=False):
        self.random = random.Random(seed)
        self.power, self.partly = power, partly
        self.lake = tarn.Lake(Path(folder) / "data", LAKE, env=power.environment if power else None)
        self.clients = [Client(f"c{i}", random.Random(self.random.random())) for i in range(4)]
        self.history = []

    def round(self, seconds, fault=None):
        self.history.append(fault or f"killed after {seconds:.2f} s")
        try:
            self.lake.start({"TARN_FAULT_POINT": fault} if fault else None)
        except tarn.StartFailed as failed:
            if not fault or failed.args[0] != -9:
                raise
            return self.die()
        stop = threading.Event()
        threads = [threading.Thread(target=client.run, args=(self.lake, stop)) for client in self.clients]
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
        self.die()
        problems = [client.problem for client in self.clients if client.problem]
        if problems:
            raise problems[0]

    def die(self):
        if self.lake.process is not None:
            self.lake.kill()
        if self.power:
            self.power.cut(self.random if self.partly and self.random.random() < 0.5 else None)

    def check_after_crash(self):
        result = self.lake.verify()
        if result.returncode != 0:
            raise Lost(f"tarn verify: exit status {result.returncode}\n{result.stdout}{result.stderr}\nrounds: {self.history}")
        self.lake.start()
        s3 = s3_client.client(self.lake)
        try:
            for client in self.clients:
                client.check(s3)
            listed = {item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="plain") for item in page.get("Contents", [])}
            wanted = {key for client in self.clients for key, possible in client.possible.items() if NOTHING not in possible}
            if listed != wanted:
                raise Lost(f"the listing has {listed ^ wanted} wrongly or not")
        except Lost as lost:
            raise Lost(f"{lost}\nrounds: {self.history}") from None

    def check_events(self):
        """Each acknowledged creation was told. The lake must be running."""
        wanted = set().union(*(client.created for client in self.clients))
        deadline = time.monotonic() + 30
        while True:
            rows = self.lake.sql("""SELECT DISTINCT detail->>'$.object.key', detail->>'$.object.etag' FROM system.events
                                    WHERE "detail-type" = 'Object Created'""")[1]
            missing = wanted - {tuple(row) for row in rows}
            if not missing:
                return len(wanted)
            if time.monotonic() > deadline:
                raise Lost(f"{len(missing)} of {len(wanted)} creations were never told: {sorted(missing)[:3]}\nrounds: {self.history}")

    def blobs(self):
        return [path for path in (self.lake.data / "blobs").rglob("*") if path.is_file()]
