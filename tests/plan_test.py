"""A lake and its file, from outside: what plan shows, what apply and a start change, and what they leave to clients."""

import json
import os
import subprocess

import pytest
import requests
import s3_client
import tarn

OPEN = """lake: t
buckets: { reports: {} }
roles: { public: [ { read: s3://reports/* } ] }
principals: { anonymous: { roles: [ public ] } }
"""
CLOSED = "lake: t\nbuckets: { reports: {} }\n"


@pytest.fixture
def lake(tmp_path):
    with tarn.Lake(tmp_path / "data", CLOSED) as running:
        yield running


def again(lake, text):
    """Stopped and started with another file."""
    lake.stop()
    lake.declare(text)
    lake.start()


def run(lake, command, text, *options, key=None, check=0):
    file = lake.data.parent / "other.yaml"
    file.write_text(text)
    env = {**os.environ, **lake.command_env()}
    if key:
        env["TARN_ACCESS_KEY_ID"], env["TARN_SECRET_ACCESS_KEY"] = key
    result = subprocess.run([lake.program, command, "-f", file, *options], capture_output=True, text=True, timeout=60, env=env)
    assert result.returncode == check, result.stdout + result.stderr
    return result.stdout + result.stderr


def new_key(lake, user):
    made = json.loads(lake.command("key", "create", user, "--json", check=0).stdout)
    return made["id"], made["secret"]


def names(lake, what):
    return [item["name"] for item in lake.request("GET", f"/v1/{what}").json[what]]


def test_what_s3_clients_set_on_a_bucket_stays(lake):
    s3 = s3_client.client(lake)
    rules = [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7}}]
    s3.put_bucket_versioning(Bucket="reports", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_lifecycle_configuration(Bucket="reports", LifecycleConfiguration={"Rules": rules})
    assert "Nothing to change" in run(lake, "plan", CLOSED)
    again(lake, CLOSED)
    s3 = s3_client.client(lake)
    assert s3.get_bucket_versioning(Bucket="reports")["Status"] == "Enabled"
    run(lake, "apply", "buckets: { reports: { events: false } }\n")
    assert s3.get_bucket_versioning(Bucket="reports")["Status"] == "Enabled"
    assert s3.get_bucket_lifecycle_configuration(Bucket="reports")["Rules"] == rules
    assert "lifecycle: " in run(lake, "apply", "buckets: { reports: { lifecycle: [] } }\n")
    assert s3_client.code_of(s3.get_bucket_lifecycle_configuration, Bucket="reports")[0] == "NoSuchLifecycleConfiguration"


def test_a_step_that_fails_does_not_keep_the_lake_from_serving(lake):
    s3_client.client(lake).put_bucket_versioning(Bucket="reports", VersioningConfiguration={"Status": "Enabled"})
    again(lake, "lake: t\nbuckets: { reports: { versioning: off }, inbox: {} }\n")
    assert names(lake, "buckets") == ["inbox", "reports"]
    said = lake.log_tail()
    assert "change bucket reports" in said and "versioning: suspended" in said and "tarn apply" in said


def test_anonymous_is_there_as_long_as_the_file_says_so(lake):
    s3_client.client(lake).put_object(Bucket="reports", Key="x", Body=b"y")

    def status():
        return requests.get(f"{lake.url}/reports/x", timeout=60).status_code

    assert status() == 403
    run(lake, "apply", OPEN)
    assert status() == 200
    assert "Nothing to change" in run(lake, "plan", OPEN)
    assert "- principal anonymous" in run(lake, "apply", CLOSED)
    assert status() == 403
    again(lake, OPEN)
    assert status() == 200
    again(lake, CLOSED)
    assert status() == 403


def test_what_clients_made_becomes_the_files_and_iam_leaves_it(lake):
    lake.command("user", "create", "dora", check=0)
    lake.request("PUT", "/v1/roles/reader", b'{"grants": []}')
    text = CLOSED + "roles: { reader: [ { select: raw.* } ] }\nprincipals: { dora: { roles: [ reader ] }, ed: {} }\nsecrets: { s: {} }\n"
    assert "origin: api → file" in run(lake, "apply", text)
    assert "Nothing to change" in run(lake, "plan", text)
    iam = s3_client.client(lake, "iam")
    for user in ("dora", "ed"):
        assert s3_client.code_of(iam.delete_user, UserName=user)[1] >= 400
    # Sent back as it was answered, it stays the file's; another origin there is none.
    shown = lake.request("GET", "/v1/principals/dora")
    assert lake.request("PUT", "/v1/principals/dora", shown.body).json["origin"] == "file"
    assert lake.request("PUT", "/v1/principals/dora?origin=mine", b"{}").status == 400
    assert lake.request("PUT", "/v1/principals/anonymous", b"{}").status == 400


def test_pruning_twice_leaves_the_rows_that_a_stream_delivered(lake):
    run(lake, "apply", CLOSED + "streams: { clicks: {} }\n")
    assert lake.put("clicks", '{"id":1}').status == 200
    assert "- stream clicks" in run(lake, "apply", CLOSED, "--prune")
    assert "Nothing to change" in run(lake, "apply", CLOSED, "--prune")
    assert lake.value("SELECT count(*) FROM raw.clicks") == "1"


def test_nobody_removes_itself(lake):
    run(lake, "apply", CLOSED + 'roles: { boss: [ { admin: "*" } ] }\nprincipals: { ann: {}, ci: { roles: [ boss ] } }\n')
    key = new_key(lake, "ci")
    said = run(lake, "apply", CLOSED, "--prune", key=key, check=1)
    assert "delete principal ci" in said and "who you are" in said
    assert names(lake, "principals") == ["ann", "ci"]
    assert requests.delete(f"{lake.url}/v1/principals/ci", auth=key, timeout=60).status_code == 409
    run(lake, "apply", CLOSED, "--prune")
    assert names(lake, "principals") == names(lake, "roles") == []


def test_names_that_can_not_be_are_shown_before_anything_is_done(lake):
    for text, said in (("principals: { bob smith: {}, ok: {} }", "'bob smith'"),
                       ("principals: { root: {} }", "reserved"),
                       ("principals: { bob: {}, Bob: {} }", "case does not count"),
                       ("buckets: { lake: {} }", "the lake's own tables"),
                       ("secrets: { a b: {} }", "secret name")):
        assert said in run(lake, "plan", text + "\n", check=1)
    lake.command("user", "create", "Bob", check=0)
    text = "principals: { bob: {} }\nstreams: { s: {} }\n"
    assert "there is Bob already" in run(lake, "plan", text)
    assert "there is Bob already" in run(lake, "apply", text, check=1)
    assert names(lake, "streams") == []
