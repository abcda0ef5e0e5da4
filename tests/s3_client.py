"""S3 clients pointed at a lake, and a lake for a whole module of tests."""

import contextlib
import os
import subprocess

import boto3
import botocore.config
import botocore.exceptions
import tarn

REGION = "us-east-1"


def client(lake, service="s3", key=None, token=None, url=None, **config):
    """A boto3 client as the root, or with another key."""
    key_id, secret = key or lake.key()
    options = {"retries": {"max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
    return boto3.client(service, endpoint_url=url or lake.url, region_name=REGION, aws_access_key_id=key_id,
                        aws_secret_access_key=secret, aws_session_token=token, verify=lake.ca_file or True,
                        config=botocore.config.Config(**options))


def environment(lake, home, key=None):
    """What command line clients need, and nothing of whoever runs the tests."""
    key_id, secret = key or lake.key()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": lake.url, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}


def run(arguments, env, check=0, stdin=None):
    result = subprocess.run([str(a) for a in arguments], env=env, input=stdin, capture_output=True, timeout=180)
    output = result.stdout.decode(errors="replace") + result.stderr.decode(errors="replace")
    assert check is None or result.returncode == check, f"{arguments}: {result.returncode}\n{output}"
    return output


def code_of(function, *arguments, **keywords):
    """The error code and status that a boto3 call fails with; ("", 2xx) when it doesn't."""
    try:
        answer = function(*arguments, **keywords)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "", answer["ResponseMetadata"]["HTTPStatusCode"]


@contextlib.contextmanager
def lake_in(folder, text="lake: s3\n", **options):
    with tarn.Lake(folder / "data", text, **options) as lake:
        yield lake
