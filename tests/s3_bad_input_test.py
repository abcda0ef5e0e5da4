"""What the S3 door says to clients that are wrong, broken or hostile: a clear error, nothing stored, nothing held up."""

import base64
import datetime
import hashlib
import os
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree as xml
from urllib.parse import quote, unquote

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
import s3_client
import tarn

LAKE = """lake: bad
settings: { http: { workers: 8 } }
buckets: { bucket: {} }
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    with s3_client.lake_in(tmp_path_factory.mktemp("bad"), LAKE) as running:
        yield running


@pytest.fixture(scope="module")
def s3(lake):
    return s3_client.client(lake)


class FrozenAuth(botocore.auth.S3SigV4Auth):
    """Signs as of another moment."""

    at = None

    def add_auth(self, request):
        now = self.at or datetime.datetime.now(datetime.timezone.utc)
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        self._inject_signature_to_request(request, self.signature(self.string_to_sign(request, canonical), request))


def sign(lake, method, path, body=b"", headers=None, at=None):
    """A signed request as a dictionary of what goes over the wire."""
    key_id, secret = lake.key()
    request = botocore.awsrequest.AWSRequest(method, lake.url + path, data=body, headers=headers or {})
    auth = FrozenAuth(botocore.credentials.Credentials(key_id, secret), "s3", "us-east-1")
    auth.at = at
    if said := (headers or {}).get("x-amz-content-sha256"):
        auth.payload = lambda _: said
    auth.add_auth(request)
    return dict(request.headers.items())


def send(lake, method, path, body=b"", headers=None, at=None):
    return requests.request(method, lake.url + path, data=body, headers=sign(lake, method, path, body, headers, at))


def raw(lake, head, body=b"", linger=10):
    """Bytes exactly as given; all that comes back until the server closes or pauses."""
    host, port = lake.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=linger) as connection:
        connection.sendall(head)
        try:
            connection.sendall(body)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
                if b"\r\n\r\n" in answer and b"100 Continue" not in answer:
                    break
        except (TimeoutError, ConnectionError):
            pass
        return answer.decode(errors="replace")


def raw_request(lake, method, path, headers, body=b"", linger=10):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    host = lake.url.removeprefix("http://")
    return raw(lake, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode(), body, linger)


def code(answer):
    text = answer.text if hasattr(answer, "text") else answer[answer.find("<?xml"):]
    try:
        return xml.fromstring(text).findtext("Code") or xml.fromstring(text).findtext(".//{*}Code")
    except xml.ParseError:
        return text[:200]


def missing(s3, key):
    return s3_client.code_of(s3.head_object, Bucket="bucket", Key=key)[1] == 404


def test_keys_that_climb_out_of_the_bucket_are_refused_and_touch_nothing(lake, s3):
    before = sorted(str(path) for path in lake.data.rglob("*") if "blobs" not in path.parts and "log" not in path.parts)
    for path in ("/bucket/../../etc/passwd", "/bucket/../x", "/bucket/a/../../x", "/bucket/%2e%2e/x", "/bucket/..%2f..%2fx"):
        answer = raw_request(lake, "PUT", path, sign_path(lake, "PUT", path, b"x"), b"x")
        assert " 400 " in answer.split("\r\n")[0], (path, answer)
    for path in ("/bucket/a/./b", "/bucket/a/../b", "/bucket/...", "/bucket/%00nul"):
        answer = raw_request(lake, "PUT", path, sign_path(lake, "PUT", path, b"x"), b"x")
        assert answer.split(" ")[1] in ("200", "400"), (path, answer)
    after = sorted(str(path) for path in lake.data.rglob("*") if "blobs" not in path.parts and "log" not in path.parts)
    assert [path for path in after if path not in before and not path.endswith((".parquet", ".avro", ".json", "-wal", "-shm"))
            and os.path.isfile(path)] == []
    for source in ("/../lake/x", "bucket/../../x", "..%2f..%2fetc/passwd", "bucket", "", "/", "%ZZ/x"):
        assert send(lake, "PUT", "/bucket/copy", headers={"x-amz-copy-source": source}).status_code in (400, 403, 404), source


def sign_path(lake, method, path, body):
    """Signs the path as it is on the wire; botocore would tidy it up first."""
    key_id, secret = lake.key()
    auth = FrozenAuth(botocore.credentials.Credentials(key_id, secret), "s3", "us-east-1")
    request = botocore.awsrequest.AWSRequest(method, lake.url + "/", data=body)
    auth._normalize_url_path = lambda _: quote(unquote(path), safe="/-_.~")
    auth.add_auth(request)
    return {**dict(request.headers.items()), "Content-Length": str(len(body)), "Connection": "close"}


def test_digests_that_are_wrong_are_named_and_nothing_is_stored(lake, s3):
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    cases = [({"Content-MD5": md5}, "BadDigest"), ({"Content-MD5": "nonsense"}, "InvalidDigest"),
             ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"), ({"x-amz-checksum-crc32": "AAA"}, "InvalidRequest"),
             ({"x-amz-checksum-sha256": base64.b64encode(b"0" * 32).decode()}, "BadDigest"),
             ({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}, "BadDigest"), ({"x-amz-checksum-sha1": base64.b64encode(b"0" * 20).decode()}, "BadDigest"),
             ({"x-amz-checksum-crc32c": "AAAAAA=="}, "BadDigest"),
             ({"x-amz-checksum-crc32": "NhCmhg==", "x-amz-checksum-crc32c": "mnG7TA=="}, "InvalidRequest")]
    for headers, expected in cases:
        answer = send(lake, "PUT", "/bucket/digest", b"hello", headers)
        assert (answer.status_code, code(answer)) == (400, expected), headers
        assert missing(s3, "digest")
    assert send(lake, "PUT", "/bucket/digest", b"hello", {"x-amz-checksum-crc32": "NhCmhg=="}).status_code == 200


def test_a_body_that_is_not_the_signed_one_is_refused(lake, s3):
    headers = sign(lake, "PUT", "/bucket/swapped", b"hello")
    answer = requests.put(lake.url + "/bucket/swapped", data=b"jello", headers=headers)
    assert (answer.status_code, code(answer)) == (400, "XAmzContentSHA256Mismatch")
    assert missing(s3, "swapped")


def test_a_body_that_is_shorter_or_longer_than_announced_stores_nothing(lake, s3):
    headers = {**sign(lake, "PUT", "/bucket/short", b"hello"), "Content-Length": "500"}
    host, port = lake.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"PUT /bucket/short HTTP/1.1\r\nHost: {host}:{port}\r\n{lines}\r\n".encode() + b"hello")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536).decode(errors="replace")
    assert "IncompleteBody" in answer or answer == "" or " 400 " in answer
    assert missing(s3, "short")
    # Longer: what follows the announced bytes is the next request, and no good one.
    headers = {**sign(lake, "PUT", "/bucket/long", b"hello"), "Content-Length": "5"}
    answer = raw_request(lake, "PUT", "/bucket/long", headers, b"hello and more of it")
    assert " 200 " in answer.split("\r\n")[0]
    assert s3.get_object(Bucket="bucket", Key="long")["Body"].read() == b"hello"
    # The decoded length of a chunked body.
    chunked = b"5\r\nhello\r\n0\r\n\r\n"
    for decoded in ("4", "6", "x"):
        signed = sign(lake, "PUT", "/bucket/framed", chunked, {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                                                              "x-amz-decoded-content-length": decoded, "Content-Encoding": "aws-chunked"})
        assert requests.put(lake.url + "/bucket/framed", data=chunked, headers=signed).status_code == 400, decoded
        assert missing(s3, "framed")


def test_chunks_that_are_broken_are_refused(lake, s3):
    for body in (b"", b"zz\r\n", b"5\r\nhel", b"5\r\nhelloXX0\r\n\r\n", b"ffffffffffffffffff\r\nx", b"5;chunk-signature=0\r\nhello\r\n0\r\n",
                 b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", b"5" * 10_000):
        signed = sign(lake, "PUT", "/bucket/chunks", body, {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                                                           "x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"})
        answer = requests.put(lake.url + "/bucket/chunks", data=body, headers=signed)
        assert answer.status_code == 400, (body[:40], answer.text)
        assert missing(s3, "chunks")
    good = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    signed = sign(lake, "PUT", "/bucket/chunks", good, {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                                                       "x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"})
    assert requests.put(lake.url + "/bucket/chunks", data=good, headers=signed).status_code == 200


def test_signatures_that_are_expired_early_or_replayed_elsewhere_are_refused(lake, s3):
    now = datetime.datetime.now(datetime.timezone.utc)
    for minutes in (-16, 16):
        answer = send(lake, "GET", "/bucket?list-type=2", at=now + datetime.timedelta(minutes=minutes))
        assert (answer.status_code, code(answer)) == (403, "RequestTimeTooSkewed")
    for minutes in (-14, 14):
        assert send(lake, "GET", "/bucket?list-type=2", at=now + datetime.timedelta(minutes=minutes)).status_code == 200
    headers = sign(lake, "PUT", "/bucket/one", b"x")
    assert requests.put(lake.url + "/bucket/one", data=b"x", headers=headers).status_code == 200
    for method, path, body in (("PUT", "/bucket/two", b"x"), ("DELETE", "/bucket/one", b""), ("PUT", "/bucket/one?acl", b"x"), ("POST", "/bucket/one", b"x")):
        answer = requests.request(method, lake.url + path, data=body, headers=headers)
        assert (answer.status_code, code(answer)) in ((403, "SignatureDoesNotMatch"), (405, "MethodNotAllowed")), (method, path)
    url = s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "one"}, ExpiresIn=1)
    deadline = time.monotonic() + 10
    while (answer := requests.get(url)).status_code == 200 and time.monotonic() < deadline:
        pass
    assert answer.status_code == 403 and code(answer) == "AccessDenied" and "expired" in answer.text


def test_multipart_rules_are_held(lake, s3):
    def complete(upload, parts, key="mp"):
        listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in parts)
        return send(lake, "POST", f"/bucket/{key}?uploadId={upload}", f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode())

    upload = s3.create_multipart_upload(Bucket="bucket", Key="mp")["UploadId"]
    tags = {n: s3.upload_part(Bucket="bucket", Key="mp", UploadId=upload, PartNumber=n, Body=b"x" * 10)["ETag"] for n in (1, 2, 3)}
    cases = [([(2, tags[2]), (1, tags[1])], "InvalidPartOrder"), ([(1, tags[1]), (1, tags[1])], "InvalidPartOrder"), ([(4, tags[1])], "InvalidPart"),
             ([(1, '"0123"')], "InvalidPart"), ([(1, tags[1]), (2, tags[2])], "EntityTooSmall"), ([], "MalformedXML"), ([(0, tags[1])], "InvalidPart"),
             ([("x", tags[1])], "MalformedXML")]
    for parts, expected in cases:
        answer = complete(upload, parts)
        assert answer.status_code == 400, (parts, answer.text)
        assert code(answer) in (expected, "InvalidRequest", "InvalidArgument"), (parts, answer.text)
    assert code(complete("no-such-upload", [(1, tags[1])])) == "NoSuchUpload"
    for number in ("0", "10001", "-1", "x", ""):
        assert send(lake, "PUT", f"/bucket/mp?uploadId={upload}&partNumber={number}", b"x").status_code in (400, 405), number
    assert missing(s3, "mp")
    assert complete(upload, [(3, tags[3])]).status_code == 200
    assert s3.get_object(Bucket="bucket", Key="mp")["Body"].read() == b"x" * 10


BOMB = b"""<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<Delete><Object><Key>&c;</Key></Object></Delete>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>"""


def test_xml_that_is_a_bomb_or_nonsense_is_malformed(lake, s3):
    deep = b"<a>" * 100_000
    for body in (BOMB, OUTSIDE, deep, b"", b"<Delete>", b"\xff\xfe\x00", b"<Delete></Delete>", b"{}", b"<Delete><Object></Object></Delete>",
                 b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>"):
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        began = time.monotonic()
        answer = send(lake, "POST", "/bucket?delete", body, {"Content-MD5": md5})
        assert answer.status_code == 400, (body[:60], answer.text)
        assert "root:" not in answer.text
        assert time.monotonic() - began < 10
    for query in ("lifecycle", "cors", "tagging", "versioning", "notification", "policy"):
        for body in (BOMB, b"<x/>", b"", b"<" * 1000):
            answer = send(lake, "PUT", f"/bucket?{query}", body, {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()})
            assert answer.status_code in (200, 400, 411) and not (answer.status_code == 200 and query == "policy"), (query, body[:40], answer.text)


def test_headers_and_queries_that_are_nonsense_are_answered(lake, s3):
    for headers in ({"Range": "bytes=z-"}, {"Range": "lines=1-2"}, {"If-Modified-Since": "yesterday"}, {"x-amz-checksum-mode": "maybe"}):
        s3.put_object(Bucket="bucket", Key="h", Body=b"12345")
        assert send(lake, "GET", "/bucket/h", headers=headers).status_code == 200, headers
    assert send(lake, "GET", "/bucket/h", headers={"Range": "bytes=10-"}).status_code == 416
    for query in ("max-keys=x", "max-keys=-1", "list-type=2&continuation-token=", "list-type=2&continuation-token=%21%21", "encoding-type=x"):
        answer = send(lake, "GET", f"/bucket?{query}")
        assert (answer.status_code, code(answer)) == (400, "InvalidArgument"), query
    assert code(send(lake, "PUT", "/bucket/" + "k" * 1025, b"")) == "KeyTooLongError"
    assert code(send(lake, "PUT", "/bucket/meta", b"", {"x-amz-meta-a": "x" * 3000})) == "MetadataTooLarge"
    assert code(send(lake, "PUT", "/bucket/tags", b"", {"x-amz-tagging": "&".join(f"t{i}=1" for i in range(11))})) in ("InvalidTag", "BadRequest")
    for name in ("ab", "Upper", "under_score", "192.168.0.1", "a..b", "-a-b", "xn--a", "x" * 64):
        assert code(send(lake, "PUT", f"/{name}")) == "InvalidBucketName", name
    for authorization in ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x", "AWS x:y", "Basic !!", "AWS4-HMAC-SHA256 " + "x" * 20_000, "\x01"):
        answer = requests.get(lake.url + "/bucket", headers={"Authorization": authorization, "x-amz-date": "20260101T000000Z"})
        assert answer.status_code in (400, 403, 431, 501), (authorization[:40], answer.text)


def test_clients_that_send_slowly_do_not_keep_others_out(lake, s3):
    """More connections than workers, each of which sends a head or a body byte by byte."""
    stop = threading.Event()
    host, port = lake.url.removeprefix("http://").split(":")
    headers = {**sign(lake, "PUT", "/bucket/slow", b"x"), "Content-Length": "100000"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def drip(head):
        with socket.create_connection((host, int(port))) as connection:
            try:
                connection.sendall(head)
                while not stop.wait(0.2):
                    connection.sendall(b"x")
            except OSError:
                pass

    heads = [b"GET /bucket HTTP/1.1\r\nHost: x\r\nX-Slow: "] * 40
    bodies = [f"PUT /bucket/slow HTTP/1.1\r\nHost: {host}:{port}\r\n{lines}\r\n".encode()] * 4
    threads = [threading.Thread(target=drip, args=(head,)) for head in heads + bodies]
    for thread in threads:
        thread.start()
    try:
        for i in range(50):
            s3.put_object(Bucket="bucket", Key=f"quick{i}", Body=b"x")
        assert lake.request("GET", "/v1/health").status == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert missing(s3, "slow")


def test_a_hundred_thousand_open_uploads_slow_nothing_down(tmp_path):
    count = int(os.environ.get("TARN_UPLOADS", "20000"))
    with s3_client.lake_in(tmp_path, LAKE) as lake:
        workers = 8

        def open_many(first):
            with requests.Session() as session:
                for number in range(first, count, workers):
                    path = f"/bucket/u/{number:06d}?uploads="
                    answer = session.post(lake.url + path, headers=sign(lake, "POST", path))
                    assert answer.status_code == 200, answer.text

        threads = [threading.Thread(target=open_many, args=(first,)) for first in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        s3 = s3_client.client(lake)
        page = s3.list_multipart_uploads(Bucket="bucket", Prefix=f"u/{count // 2:06d}")
        assert [item["Key"] for item in page["Uploads"]] == [f"u/{count // 2:06d}"]
        page = s3.list_multipart_uploads(Bucket="bucket", MaxUploads=10, KeyMarker=f"u/{count - 5:06d}")
        assert len(page["Uploads"]) == 4
        s3.put_object(Bucket="bucket", Key="after", Body=b"x")
        lake.kill()
        lake.start()
        s3 = s3_client.client(lake)
        assert s3.list_multipart_uploads(Bucket="bucket", MaxUploads=1)["IsTruncated"]
        s3.delete_object(Bucket="bucket", Key="after")
        assert s3_client.code_of(s3.delete_bucket, Bucket="bucket") == ("", 204)  # uploads that are open go with it


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 32 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_in_a_put_leaves_the_old_object_and_no_litter(small_disk):
    with tarn.Lake(small_disk / "data", LAKE) as lake:
        s3 = s3_client.client(lake)
        s3.put_object(Bucket="bucket", Key="k", Body=b"old")
        answer = send(lake, "PUT", "/bucket/k", os.urandom(48 << 20))
        assert answer.status_code in (500, 503, 507), answer.text
        assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == b"old"
        s3.put_object(Bucket="bucket", Key="small", Body=os.urandom(1 << 20))  # the room is there again
        assert [p for p in (lake.data / "blobs").rglob("*") if p.is_file() and p.stat().st_size > 2 << 20] == []


def test_a_5_gib_object_passes_with_constant_memory(tmp_path):
    size = int(os.environ.get("TARN_LARGE_BYTES", str(1 << 30)))
    piece = b"x" * (1 << 20)
    with s3_client.lake_in(tmp_path, LAKE + "\n") as lake:
        class Pieces:
            left = size

            def __len__(self):
                return size

            def read(self, wanted):
                taken = piece[:min(wanted, self.left)]
                self.left -= len(taken)
                return taken

        headers = sign(lake, "PUT", "/bucket/huge", b"", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
        answer = requests.put(lake.url + "/bucket/huge", data=Pieces(), headers=headers)
        assert answer.status_code == 200, answer.text
        hasher, got = hashlib.md5(), 0
        again = Pieces()
        while block := again.read(16 * 1024):
            hasher.update(block)
        assert answer.headers["ETag"].strip('"') == hasher.hexdigest()
        back = requests.get(lake.url + "/bucket/huge", headers=sign(lake, "GET", "/bucket/huge"), stream=True)
        for chunk in back.iter_content(1 << 20):
            got += len(chunk)
        assert got == size
        status = open(f"/proc/{lake.process.pid}/status").read()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
        assert peak < 400 << 20, peak
