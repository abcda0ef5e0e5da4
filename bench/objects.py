"""The S3 door's figures: large and small objects, and listing, beside plain files on the same disk and moto_server."""

import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import lake as lakes

REPLAY = lakes.ROOT / "build/release/bin/http_replay"
LARGE_BYTES = 64 << 20
PIECE_BYTES = 1 << 20


def signed(method, url, credentials, body=b"", digest=None):
    """The head of a signed request, as SDKs sign it: the payload's hash among it."""
    digest = digest or hashlib.sha256(body).hexdigest()
    request = botocore.awsrequest.AWSRequest(method, url, data=body)
    signer = botocore.auth.S3SigV4Auth(credentials, "s3", "us-east-1")
    signer.payload = lambda _: digest
    signer.add_auth(request)
    target = url.split("/", 3)[3]
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    host = url.split("/")[2]
    return f"{method} /{target} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode()


class Server:
    """Where requests go, and with what key."""

    def __init__(self, host, port, key):
        self.host, self.port = host, port
        self.url = f"http://{host}:{port}"
        self.credentials = botocore.credentials.Credentials(*key)

    def replay(self, requests, connections):
        """Requests are (method, path) or (method, path, body); equal bodies that follow each other are kept once."""
        with tempfile.NamedTemporaryFile(dir=lakes.ROOT / "build") as file:
            last, digest = None, None
            for method, path, *rest in requests:
                body = rest[0] if rest else b""
                if body is not last:
                    digest = hashlib.sha256(body).hexdigest()
                head = signed(method, self.url + path, self.credentials, body, digest)
                if body is last:
                    file.write(f"{len(head)} =\n".encode() + head)
                else:
                    file.write(f"{len(head)} {len(body)}\n".encode() + head + body)
                last = body
            file.flush()
            result = subprocess.run([REPLAY, self.host, str(self.port), str(connections), file.name], capture_output=True, text=True, check=True, timeout=300)
        answer = json.loads(result.stdout)
        bad = {status: count for status, count in answer["statuses"].items() if not status.startswith("2")}
        assert not bad, bad
        return answer


class Moto:
    """moto_server, the peer that people test against."""

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        program = pathlib.Path(sys.executable).parent / "moto_server"
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return Server("127.0.0.1", port, ("test", "test"))
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("moto_server doesn't start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def plain_write(folder, count):
    """Seconds for `count` files of 64 MiB, written and synced one after the other: the disk's own speed."""
    piece = os.urandom(PIECE_BYTES)
    begin = time.monotonic()
    for number in range(count):
        with open(folder / f"plain-{number}", "wb", buffering=0) as file:
            for _ in range(LARGE_BYTES // PIECE_BYTES):
                file.write(piece)
            os.fdatasync(file.fileno())
    return time.monotonic() - begin


def drop_cache(files):
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def plain_read(folder, count):
    buffer = bytearray(PIECE_BYTES)
    begin = time.monotonic()
    for number in range(count):
        with open(folder / f"plain-{number}", "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.monotonic() - begin


def large(server, lake, report):
    """PUT and GET of 64 MiB objects, signed, beside plain files. Reads are from the disk: caches are dropped before."""
    count, lanes = 16, 8
    body = os.urandom(LARGE_BYTES)
    folder = pathlib.Path(tempfile.mkdtemp(dir=lakes.ROOT / "build"))
    try:
        server.replay([("PUT", "/large/warm", body)], 1)
        writes, puts = [], []
        for round_ in range(3):
            writes.append(plain_write(folder, count))
            puts.append(server.replay([("PUT", f"/large/{round_}-{n}", body) for n in range(count)], lanes)["seconds"])
        bytes_total = count * LARGE_BYTES
        ours, theirs = bytes_total / min(puts) / 1e6, bytes_total / min(writes) / 1e6
        report("PUT of 64 MiB objects, signed", ours, "MB/s", theirs, ours / theirs, ">= 0.6 x file write+fsync", ours >= 0.6 * theirs)
        reads, gets = [], []
        blobs = [path for path in (lake.data / "blobs").rglob("*") if path.is_file() and path.stat().st_size > 1 << 20]
        for _ in range(3):
            drop_cache([folder / f"plain-{n}" for n in range(count)])
            reads.append(plain_read(folder, count))
            drop_cache(blobs)
            gets.append(server.replay([("GET", f"/large/2-{n}") for n in range(count)], lanes)["seconds"])
        ours, theirs = bytes_total / min(gets) / 1e6, bytes_total / min(reads) / 1e6
        report("GET of 64 MiB objects from disk, signed", ours, "MB/s", theirs, ours / theirs, ">= 0.7 x file read", ours >= 0.7 * theirs)
    finally:
        shutil.rmtree(folder)


def small(server, moto, report, count=30_000):
    body = os.urandom(1024)
    put = server.replay([("PUT", f"/small/{n % 97}/{n}", body) for n in range(count)], 32)
    get = server.replay([("GET", f"/small/{n % 97}/{n}") for n in range(count)], 32)
    peer_count = 1000
    moto.replay([("PUT", "/small")], 1)
    peer_put = moto.replay([("PUT", f"/small/{n}", body) for n in range(peer_count)], 32)
    peer_get = moto.replay([("GET", f"/small/{n}") for n in range(peer_count)], 32)
    for name, ours, theirs, bar in (("PUT", put, peer_put, 3000), ("GET", get, peer_get, 8000)):
        rate, peer = ours["requests"] / ours["seconds"], theirs["requests"] / theirs["seconds"]
        print(f"    ({name} p50 {ours['p50_ms']:.2f} ms, p99 {ours['p99_ms']:.2f} ms)")
        report(f"{name} of 1 KiB objects, 32 connections (peer: moto_server)", rate, "/s", peer, rate / peer, f">= {bar}/s", rate >= bar)


def listing(server, report, keys=1_000_000):
    """A listing of 1,000 keys in a bucket of a million."""
    step = 50_000
    for begin in range(0, keys, step):
        server.replay([("PUT", f"/many/{n % 1000:03d}/{n:07d}", b"") for n in range(begin, min(begin + step, keys))], 32)
        print(f"\r    ({min(begin + step, keys):,} keys)", end="", flush=True)
    print()
    requests = [("GET", "/many?list-type=2&max-keys=1000"), ("GET", "/many?list-type=2&prefix=500%2F&max-keys=1000"),
                ("GET", "/many?list-type=2&start-after=700%2F&max-keys=1000"), ("GET", "/many?delimiter=%2F&list-type=2&max-keys=1000")] * 10
    found = server.replay(requests, 1)
    report("listing 1,000 of 1,000,000 keys, p99", found["p99_ms"], "ms", None, None, "< 20 ms", found["p99_ms"] < 20)


def run(options, report):
    with lakes.Lake({"buckets": {"large": {}, "small": {}, "many": {"events": False}}}) as lake, Moto() as moto:
        server = Server(lake.host, lake.port, lake.key())
        large(server, lake, report)
        small(server, moto, report)
        listing(server, report, options.keys)
