"""The S3 door with the clients that people have: they put, list, sync, check and read as they do elsewhere."""

import hashlib
import json
import os
import shutil
import subprocess

import boto3.s3.transfer
import iceberg_readers
import pytest
import s3_client

KEYS = ["plain.txt", "a b+c%d.txt", "dir/deep/file.bin", "//two", "/leading", "ünïcode/☃.txt", "x//y", "q?a=b&c#d",
        "percent%2Fslash", "tilde~'quote\"", "trailing/"]
SIZES = [0, 5, 1024, 16 * 1024, 16 * 1024 + 1, 1024 * 1024, 8 * 1024 * 1024 + 1]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    with s3_client.lake_in(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
def s3(lake):
    return s3_client.client(lake)


@pytest.fixture
def bucket(s3, request):
    name = "b-" + hashlib.sha1(request.node.name.encode()).hexdigest()[:16]
    s3.create_bucket(Bucket=name)
    return name


def body_of(size):
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_boto3_gets_back_what_it_put(s3, bucket, size):
    body = body_of(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, Metadata={"Colour": "blue"}, ContentType="text/x")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert (got["ETag"], got["ContentLength"], got["ContentType"], got["Metadata"]) == (put["ETag"], size, "text/x", {"colour": "blue"})
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"]
    if size > 10:
        part = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes=3-{size - 4}")
        assert part["Body"].read() == body[3:-3]
        assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=-4")["Body"].read() == body[-4:]


def test_any_key_is_a_key(s3, bucket):
    for number, key in enumerate(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=str(number).encode())
    for number, key in enumerate(KEYS):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == str(number).encode(), key
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=lambda key: key.encode())
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in KEYS]})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_every_paginator_ends_with_pages_of_one(s3, bucket):
    for i in range(7):
        s3.put_object(Bucket=bucket, Key=f"d{i % 3}/k{i}", Body=b"x")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="d0/k0", Body=b"y")
    s3.delete_object(Bucket=bucket, Key="d1/k1")

    def pages(operation, field, **keywords):
        config = {"PageSize": 1}
        found = []
        for page in s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig=config, **keywords):
            found += [item.get("Key", item.get("Prefix")) for item in page.get(field, [])]
        return found

    keys = [f"d{i % 3}/k{i}" for i in range(7) if i != 1]
    assert pages("list_objects_v2", "Contents") == sorted(keys)
    assert pages("list_objects", "Contents") == sorted(keys)
    assert pages("list_objects_v2", "CommonPrefixes", Delimiter="/") == ["d0/", "d1/", "d2/"]
    assert pages("list_objects", "CommonPrefixes", Delimiter="/") == ["d0/", "d1/", "d2/"]
    assert len(pages("list_object_versions", "Versions")) == 8
    assert pages("list_object_versions", "DeleteMarkers") == ["d1/k1"]
    ids = [s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ("m1", "m1", "m2")]
    assert pages("list_multipart_uploads", "Uploads") == ["m1", "m1", "m2"]
    for number in (1, 2, 3):
        s3.upload_part(Bucket=bucket, Key="m2", UploadId=ids[2], PartNumber=number, Body=b"z")
    found = [part["PartNumber"] for page in s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="m2", UploadId=ids[2], PaginationConfig={"PageSize": 1}) for part in page["Parts"]]
    assert found == [1, 2, 3]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_every_checksum_is_verified_and_returned(s3, bucket, algorithm):
    pytest.importorskip("awscrt") if algorithm in ("CRC32C", "CRC64NVME") else None
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    name = f"Checksum{algorithm}"
    assert put[name]
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == put[name]
    wrong = "A" * len(put[name].rstrip("=")) + "=" * (len(put[name]) - len(put[name].rstrip("=")))
    assert s3_client.code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"hello", **{name: wrong})[0] in ("BadDigest", "InvalidRequest")


def test_boto3_moves_a_large_file_in_parts(lake, s3, bucket, tmp_path):
    big = tmp_path / "big.bin"
    with open(big, "wb") as file:
        for i in range(41):
            file.write(os.urandom(1024 * 1024))
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20, max_concurrency=10)
    s3.upload_file(str(big), bucket, "big", Config=config)
    head = s3.head_object(Bucket=bucket, Key="big")
    assert head["ContentLength"] == big.stat().st_size and head["ETag"].endswith('-6"')
    s3.download_file(bucket, "big", str(tmp_path / "back"), Config=config)
    assert (tmp_path / "back").read_bytes() == big.read_bytes()
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
    assert hashlib.md5(s3.get_object(Bucket=bucket, Key="copy")["Body"].read()).digest() == hashlib.md5(big.read_bytes()).digest()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_work_for_what_they_were_made_and_nothing_else(lake, bucket, version):
    import requests

    s3 = s3_client.client(lake, signature_version=version)
    s3.put_object(Bucket=bucket, Key="a b", Body=b"hello")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b"}, ExpiresIn=60)
    assert requests.get(url).content == b"hello"
    assert requests.put(url, data=b"x").status_code == 403
    assert requests.get(url.replace("a%20b", "a%20c")).status_code == 403
    assert requests.get(url + "&versionId=null").status_code == 403
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "up"}, ExpiresIn=60)
    assert requests.put(url, data=b"up").status_code == 200
    assert s3.get_object(Bucket=bucket, Key="up")["Body"].read() == b"up"


def test_a_browser_form_posts_an_object(lake, s3, bucket):
    import requests

    form = s3.generate_presigned_post(bucket, "in/${filename}", Fields={"success_action_status": "201"},
                                      Conditions=[{"success_action_status": "201"}, ["content-length-range", 1, 100]])
    answer = requests.post(form["url"], data=form["fields"], files={"file": ("n.txt", b"posted")})
    assert answer.status_code == 201 and "<Key>in/n.txt</Key>" in answer.text, answer.text
    assert s3.get_object(Bucket=bucket, Key="in/n.txt")["Body"].read() == b"posted"
    answer = requests.post(form["url"], data=form["fields"], files={"file": ("n.txt", b"x" * 101)})
    assert answer.status_code == 400 and "EntityTooLarge" in answer.text
    answer = requests.post(form["url"], data={**form["fields"], "key": "elsewhere/n"}, files={"file": ("n.txt", b"x")})
    assert answer.status_code == 403


OLD_BOTO3 = """
import boto3, botocore, hashlib, json, os, sys
from botocore.config import Config
s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=Config(s3={"addressing_style": "path"}))
s3.create_bucket(Bucket="debian")
for size in (0, 5, 9 << 20):
    body = b"x" * size
    etag = s3.put_object(Bucket="debian", Key=f"k {size}", Body=body)["ETag"]
    assert etag == '"%s"' % hashlib.md5(body).hexdigest()
    assert s3.get_object(Bucket="debian", Key=f"k {size}")["Body"].read() == body
open("big", "wb").write(os.urandom(20 << 20))
s3.upload_file("big", "debian", "big")
s3.download_file("debian", "big", "back")
assert open("big", "rb").read() == open("back", "rb").read()
s3.copy_object(Bucket="debian", Key="copy", CopySource="debian/k 5")
keys = [o["Key"] for o in s3.list_objects_v2(Bucket="debian")["Contents"]]
assert keys == ["big", "copy", "k 0", "k 5", "k 9437184"], keys
done = s3.delete_objects(Bucket="debian", Delete={"Objects": [{"Key": k} for k in keys]})
assert len(done["Deleted"]) == 5
s3.delete_bucket(Bucket="debian")
print(botocore.__version__)
"""


def test_debians_old_boto3_works_too(lake, tmp_path):
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import boto3"], capture_output=True).returncode:
        pytest.skip("python3-boto3 is not installed")
    script = tmp_path / "old.py"
    script.write_text(OLD_BOTO3)
    env = s3_client.environment(lake, tmp_path)
    result = subprocess.run([python, script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("1.2"), result.stdout


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    for name, size in {"a.txt": 10, "sub/b c.bin": 9 << 20, "sub/deep/ü.txt": 0, "z+1.txt": 70_000}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return folder


def program(name):
    for folder in ("/usr/bin", *os.environ["PATH"].split(":")):
        if (path := shutil.which(name, path=folder)) and "shims" not in path:
            return path
    pytest.skip(f"{name} is not installed")


def test_aws_cli_copies_syncs_lists_presigns_and_removes(lake, bucket, files, tmp_path):
    import requests

    aws = [program("aws"), "--endpoint-url", lake.url]
    env = s3_client.environment(lake, tmp_path)
    s3_client.run([*aws, "s3", "cp", files / "a.txt", f"s3://{bucket}/a.txt"], env)
    s3_client.run([*aws, "s3", "sync", files, f"s3://{bucket}/tree/"], env)
    assert "upload" not in s3_client.run([*aws, "s3", "sync", files, f"s3://{bucket}/tree/"], env)
    listed = s3_client.run([*aws, "s3", "ls", "--recursive", f"s3://{bucket}/tree/"], env)
    assert len(listed.splitlines()) == 4 and "tree/sub/b c.bin" in listed
    s3_client.run([*aws, "s3", "sync", f"s3://{bucket}/tree/", tmp_path / "back"], env)
    assert tree(tmp_path / "back") == tree(files)
    url = s3_client.run([*aws, "s3", "presign", f"s3://{bucket}/a.txt"], env).strip()
    assert requests.get(url).content == (files / "a.txt").read_bytes()
    s3_client.run([*aws, "s3", "mv", f"s3://{bucket}/a.txt", f"s3://{bucket}/moved.txt"], env)
    assert "a.txt" not in s3_client.run([*aws, "s3", "ls", f"s3://{bucket}/"], env)
    s3_client.run([*aws, "s3", "rm", "--recursive", f"s3://{bucket}/"], env)
    assert s3_client.run([*aws, "s3", "ls", "--recursive", f"s3://{bucket}/"], env, check=None) == ""
    s3_client.run([*aws, "s3", "rb", f"s3://{bucket}"], env)


def test_rclone_syncs_and_checks(lake, bucket, files, tmp_path):
    key_id, secret = lake.key()
    config = tmp_path / "rclone.conf"
    config.write_text(f"[t]\ntype = s3\nprovider = Other\nendpoint = {lake.url}\naccess_key_id = {key_id}\n"
                      f"secret_access_key = {secret}\nregion = us-east-1\nforce_path_style = true\n")
    rclone = [program("rclone"), "--config", config]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    s3_client.run([*rclone, "sync", files, f"t:{bucket}/x", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M"], env)
    s3_client.run([*rclone, "check", files, f"t:{bucket}/x"], env)
    (files / "a.txt").write_bytes(b"changed, and longer")
    s3_client.run([*rclone, "check", files, f"t:{bucket}/x"], env, check=1)
    s3_client.run([*rclone, "sync", files, f"t:{bucket}/x"], env)
    s3_client.run([*rclone, "sync", f"t:{bucket}/x", tmp_path / "back"], env)
    assert tree(tmp_path / "back") == tree(files)
    s3_client.run([*rclone, "purge", f"t:{bucket}/x"], env)


def test_s3cmd_puts_gets_and_lists(lake, bucket, files, tmp_path):
    key_id, secret = lake.key()
    host = lake.url.removeprefix("http://")
    s3cmd = [program("s3cmd"), "--no-ssl", f"--host={host}", f"--host-bucket={host}", f"--access_key={key_id}",
             f"--secret_key={secret}", "--region=us-east-1", "-c", "/dev/null", "--multipart-chunk-size-mb=5"]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    s3_client.run([*s3cmd, "sync", f"{files}/", f"s3://{bucket}/y/"], env)
    listed = s3_client.run([*s3cmd, "ls", "-r", f"s3://{bucket}/"], env)
    assert f"s3://{bucket}/y/sub/b c.bin" in listed
    (tmp_path / "back").mkdir()
    s3_client.run([*s3cmd, "sync", f"s3://{bucket}/y/", f"{tmp_path}/back/"], env)
    assert tree(tmp_path / "back") == tree(files)
    s3_client.run([*s3cmd, "info", f"s3://{bucket}/y/a.txt"], env)
    s3_client.run([*s3cmd, "del", "-r", "-f", f"s3://{bucket}/"], env)


def test_pyarrow_writes_a_partitioned_data_set_that_duckdb_reads_by_ranges(lake, bucket, tmp_path):
    import duckdb
    import pyarrow
    import pyarrow.dataset
    import pyarrow.fs

    key_id, secret = lake.key()
    host = lake.url.removeprefix("http://")
    fs = pyarrow.fs.S3FileSystem(access_key=key_id, secret_key=secret, endpoint_override=host, scheme="http", region="us-east-1")
    rows = 200_000
    table = pyarrow.table({"id": range(rows), "part": [i % 4 for i in range(rows)], "text": [f"row {i}" for i in range(rows)]})
    pyarrow.dataset.write_dataset(table, f"{bucket}/set", filesystem=fs, format="parquet",
                                  partitioning=pyarrow.dataset.partitioning(pyarrow.schema([("part", pyarrow.int64())]), flavor="hive"))
    back = pyarrow.dataset.dataset(f"{bucket}/set", filesystem=fs, format="parquet", partitioning="hive")
    assert back.count_rows() == rows

    duck = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    duck.execute(f"LOAD '{iceberg_readers.extension('httpfs')}'")
    duck.execute(f"CREATE SECRET (TYPE s3, KEY_ID '{key_id}', SECRET '{secret}', ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false, REGION 'us-east-1')")
    found = duck.execute(f"SELECT count(*), sum(id) FROM read_parquet('s3://{bucket}/set/**/*.parquet', hive_partitioning = true) WHERE part = 2").fetchone()
    assert found == (rows // 4, sum(range(2, rows, 4)))
    duck.execute(f"COPY (SELECT 42 AS x) TO 's3://{bucket}/out.parquet' (FORMAT parquet)")
    assert duck.execute(f"SELECT x FROM 's3://{bucket}/out.parquet'").fetchone() == (42,)


def test_versions_are_kept_and_come_back(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] and s3_client.code_of(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["VersionId"] == second
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert s3_client.code_of(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)


def test_conditional_writes_decide_who_was_first(s3, bucket):
    assert s3_client.code_of(s3.put_object, Bucket=bucket, Key="lock", Body=b"a", IfNoneMatch="*") == ("", 200)
    assert s3_client.code_of(s3.put_object, Bucket=bucket, Key="lock", Body=b"b", IfNoneMatch="*") == ("PreconditionFailed", 412)
    etag = s3.head_object(Bucket=bucket, Key="lock")["ETag"]
    assert s3_client.code_of(s3.put_object, Bucket=bucket, Key="lock", Body=b"c", IfMatch=etag) == ("", 200)
    assert s3_client.code_of(s3.put_object, Bucket=bucket, Key="lock", Body=b"d", IfMatch=etag) == ("PreconditionFailed", 412)
    assert s3_client.code_of(s3.put_object, Bucket=bucket, Key="none", Body=b"d", IfMatch=etag) == ("NoSuchKey", 404)


def test_a_bucket_keeps_its_configuration(s3, bucket):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                                       "Resource": f"arn:aws:s3:::{bucket}/public/*"}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    rules = [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1},
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    cors = [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 60}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "data"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "data"}]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=bucket)
    for delete in (s3.delete_bucket_policy, s3.delete_bucket_lifecycle, s3.delete_bucket_cors, s3.delete_bucket_tagging):
        delete(Bucket=bucket)
    assert s3_client.code_of(s3.get_bucket_policy, Bucket=bucket)[0] == "NoSuchBucketPolicy"
    assert s3_client.code_of(s3.get_bucket_lifecycle_configuration, Bucket=bucket)[0] == "NoSuchLifecycleConfiguration"
    assert s3_client.code_of(s3.get_bucket_cors, Bucket=bucket)[0] == "NoSuchCORSConfiguration"
    assert s3_client.code_of(s3.get_bucket_tagging, Bucket=bucket)[0] == "NoSuchTagSet"


def test_what_is_public_by_policy_needs_no_key(lake, s3, bucket):
    import requests

    s3.put_object(Bucket=bucket, Key="public/x", Body=b"all may see")
    s3.put_object(Bucket=bucket, Key="private", Body=b"no")
    assert requests.get(f"{lake.url}/{bucket}/public/x").status_code == 403
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/public/*"}]}))
    assert requests.get(f"{lake.url}/{bucket}/public/x").content == b"all may see"
    assert requests.get(f"{lake.url}/{bucket}/private").status_code == 403
    assert requests.put(f"{lake.url}/{bucket}/public/x", data=b"y").status_code == 403
