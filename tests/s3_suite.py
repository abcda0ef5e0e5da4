"""Runs the public s3-tests suite (github: ceph/s3-tests) against a lake and counts.

    build/venv/bin/python tests/s3_suite.py FOLDER [pytest arguments]

FOLDER is a checkout of the suite, which is not part of this project, and needs its own requirements installed
(pip install -r FOLDER/requirements.txt). Writes build/s3_suite.xml; prints how many passed, and each test that did not with its
reason. docs/compatibility.md says what the rest is about.
"""

import collections
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

import s3_client
import tarn

CONFIG = """[DEFAULT]
host = {host}
port = {port}
is_secure = False
ssl_verify = False
[fixtures]
bucket prefix = st-{{random}}-
iam name prefix = s3-tests-
iam path prefix = /s3-tests/
[s3 main]
display_name = main
user_id = {main_id}
email = main@example.com
api_name = default
access_key = {main_key}
secret_key = {main_secret}
lc_debug_interval = 2
[s3 alt]
display_name = alt
user_id = {alt_id}
email = alt@example.com
access_key = {alt_key}
secret_key = {alt_secret}
[s3 tenant]
display_name = tenant
user_id = tenant$tenant
email = tenant@example.com
access_key = {tenant_key}
secret_key = {tenant_secret}
tenant = tenant
[iam]
display_name = iam
email = iam@example.com
user_id = {main_id}
access_key = {main_key}
secret_key = {main_secret}
[iam root]
access_key = {main_key}
secret_key = {main_secret}
user_id = 000000000000
email = root@example.com
[iam alt root]
access_key = {alt_key}
secret_key = {alt_secret}
user_id = 000000000000
email = altroot@example.com
[webidentity]
token = none
aud = none
sub = none
azp = none
user_token = none
thumbprint = none
KC_REALM = none
"""


def make_users(lake):
    """Users with full rights on S3, as the suite's main and alt users are owners of their own buckets."""
    values = {}
    iam = s3_client.client(lake, "iam")
    for name in ("main", "alt", "tenant"):
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=
                            '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","iam:*","sts:*"],"Resource":"*"}]}')
        key = iam.create_access_key(UserName=name)["AccessKey"]
        owner = s3_client.client(lake, key=(key["AccessKeyId"], key["SecretAccessKey"])).list_buckets()["Owner"]["ID"]
        values |= {f"{name}_key": key["AccessKeyId"], f"{name}_secret": key["SecretAccessKey"], f"{name}_id": owner}
    return values


def summary(report):
    reasons = collections.Counter()
    failed = []
    for case in xml.parse(report).getroot().iter("testcase"):
        result = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        reasons["passed" if result is None else result.tag] += 1
        if result is not None and result.tag != "skipped":
            failed.append((f"{case.get('classname').split('.')[-1]}::{case.get('name')}", (result.get("message") or "").splitlines()[:1]))
    return reasons, failed


def main():
    suite = Path(sys.argv[1]).resolve()
    report = tarn.ROOT / "build" / "s3_suite.xml"
    with tempfile.TemporaryDirectory(dir=tarn.ROOT / "build") as folder:
        with tarn.Lake(Path(folder) / "data", "lake: suite\nsettings: { objects: { lifecycle_every: 1s } }\n") as lake:
            host, port = lake.url.removeprefix("http://").split(":")
            config = Path(folder) / "s3tests.conf"
            config.write_text(CONFIG.format(host=host, port=port, **make_users(lake)))
            arguments = sys.argv[2:] or ["s3tests/functional/test_s3.py", "s3tests/functional/test_headers.py"]
            subprocess.run([sys.executable, "-m", "pytest", "-q", "-x" if "-x" in arguments else "--tb=short", "-p", "no:cacheprovider",
                            f"--junitxml={report}", *arguments], cwd=suite, env={**os.environ, "S3TEST_CONF": str(config), "BOTO_DISABLE_CRT": "true"},
                           stdout=open(tarn.ROOT / "build" / "s3_suite.log", "w"), stderr=subprocess.STDOUT)
    reasons, failed = summary(report)
    for name, message in failed:
        print(f"{name}  {' '.join(message)[:150]}")
    print(", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())))


if __name__ == "__main__":
    main()
