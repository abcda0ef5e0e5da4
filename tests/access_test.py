"""Who is asking: keys, passwords, signatures, roles and policies, through every door that there is; and the audit trail."""

import base64
import json
import os
import stat
import subprocess
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
import s3_client
import tarn

LAKE = """lake: access
streams:
  clicks: {}
  orders: {}
buckets:
  reports: { versioning: enabled }
  inbox: {}
roles:
  analyst:
    - select: raw.clicks
    - read: s3://reports/2026/*
  producer:
    - put: clicks
    - write: s3://inbox/*
  opener:
    - use: warehouse-password
principals:
  ann: { roles: [ analyst ], tags: { team: data } }
  ben: { roles: [ producer ] }
  cy: { roles: [ opener ] }
secrets:
  warehouse-password: { description: of the warehouse }
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    with s3_client.lake_in(tmp_path_factory.mktemp("access"), LAKE) as running:
        assert running.put("clicks", '{"id":1}\n{"id":2}').status == 200
        assert running.put("orders", '{"id":1}').status == 200
        running.flush()
        yield running


def new_key(lake, user):
    made = json.loads(lake.command("key", "create", user, "--json", check=0).stdout)
    return made["id"], made["secret"]


@pytest.fixture(scope="module")
def ann(lake):
    return new_key(lake, "ann")


@pytest.fixture(scope="module")
def ben(lake):
    return new_key(lake, "ben")


def ask(lake, method, path, auth=None, **options):
    return requests.request(method, lake.url + path, auth=auth, **options)


def test_the_root_key_is_in_a_file_that_only_its_owner_reads(lake):
    for name in ("root.key", "secret.key"):
        assert stat.S_IMODE(os.stat(lake.data / name).st_mode) == 0o600
    assert lake.key()[1] not in lake.log_file.read_text()
    env = lake.command("env", "--data", lake.data, "--json", check=0)
    values = json.loads(env.stdout)
    assert (values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]) == lake.key()
    assert values["AWS_ENDPOINT_URL"] == lake.url


def test_without_credentials_only_health_and_the_description_answer(lake):
    assert ask(lake, "GET", "/v1/health").status_code == 200
    assert ask(lake, "GET", "/v1/openapi.json").status_code == 200
    for method, path in (("GET", "/v1/status"), ("POST", "/v1/sql"), ("POST", "/v1/streams/clicks/records"), ("GET", "/v1/keys"),
                         ("GET", "/v1/metrics"), ("PUT", "/v1/streams/new"), ("GET", "/v1/tables")):
        answer = ask(lake, method, path, data="SELECT 1")
        assert answer.status_code == 401, (path, answer.text)
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert "tarn env" in answer.json()["error"]["message"]
    answer = ask(lake, "GET", "/")
    assert answer.status_code == 403 and "<Code>AccessDenied</Code>" in answer.text


def test_a_wrong_secret_is_refused_however_it_comes(lake):
    key_id, secret = lake.key()
    assert ask(lake, "GET", "/v1/status", (key_id, secret[:-1] + "x")).status_code == 401
    assert ask(lake, "GET", "/v1/status", ("AKIAAAAAAAAAAAAAAAAA", secret)).status_code == 401
    for token in (f"{key_id}.{secret}x", key_id, "", ".", "x" * 5000):
        assert ask(lake, "GET", "/v1/status", headers={"Authorization": f"Bearer {token}"}).status_code in (400, 401)
    assert ask(lake, "GET", "/v1/status", headers={"Authorization": f"Bearer {key_id}.{secret}"}).status_code == 200
    assert s3_client.code_of(s3_client.client(lake, key=(key_id, "wrong")).list_buckets) == ("SignatureDoesNotMatch", 403)
    assert s3_client.code_of(s3_client.client(lake, key=("AKIAAAAAAAAAAAAAAAAA", "x")).list_buckets) == ("InvalidAccessKeyId", 403)


def signed(lake, method, path, body=b"", key=None, service="tarn"):
    key_id, secret = key or lake.key()
    request = botocore.awsrequest.AWSRequest(method, lake.url + path, data=body, headers={"Content-Type": "text/plain"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(key_id, secret), service, "us-east-1").add_auth(request)
    return request.prepare()


def test_the_native_api_takes_signatures_and_holds_the_body_to_them(lake):
    ready = signed(lake, "POST", "/v1/sql", b"SELECT 41 + 1")
    answer = requests.post(ready.url, data=b"SELECT 41 + 1", headers=dict(ready.headers))
    assert answer.status_code == 200 and answer.json()["rows"] == [[42]]
    answer = requests.post(ready.url, data=b"SELECT 41 + 2", headers=dict(ready.headers))
    assert answer.status_code == 401, answer.text


def test_a_password_works_by_basic_and_is_nowhere_in_clear(lake):
    lake.command("user", "password", "ann", stdin="correct horse battery staple\n", check=0)
    assert ask(lake, "GET", "/v1/whoami", ("ann", "correct horse battery staple")).json()["name"] == "ann"
    assert ask(lake, "GET", "/v1/whoami", ("ann", "correct horse")).status_code == 401
    lake.command("user", "password", "ann", "--none", check=0)
    assert ask(lake, "GET", "/v1/whoami", ("ann", "correct horse battery staple")).status_code == 401
    for path in lake.data.rglob("*"):
        if path.is_file():
            assert b"correct horse" not in path.read_bytes(), path


def test_a_grant_gives_what_it_says_and_no_more(lake, ann, ben):
    def sql(statement, key):
        return ask(lake, "POST", "/v1/sql", key, data=statement)

    assert sql("SELECT count(*) FROM raw.clicks", ann).json()["rows"] == [[2]]
    for statement in ("SELECT * FROM raw.orders", "FROM orders", "SELECT * FROM system.audit", "SELECT * FROM system.events",
                      "WITH c AS (FROM raw.clicks) SELECT * FROM c, raw.orders"):
        answer = sql(statement, ann)
        assert answer.status_code in (403, 404), (statement, answer.text)
    assert sql("SELECT count(*) FROM raw.clicks", ben).status_code in (403, 404)
    assert [row[0] for row in sql("SELECT name FROM system.tables", ann).json()["rows"]] == ["clicks"]
    assert ask(lake, "GET", "/v1/tables", ann).json()["tables"][0]["name"] == "raw.clicks"
    assert ask(lake, "POST", "/v1/streams/clicks/records", ben, data='{"id":3}').status_code == 200
    assert ask(lake, "POST", "/v1/streams/orders/records", ben, data='{"id":3}').status_code == 403
    assert ask(lake, "POST", "/v1/streams/clicks/records", ann, data='{"id":3}').status_code == 403
    for key in (ann, ben):
        for method, path in (("PUT", "/v1/streams/x"), ("GET", "/v1/keys"), ("POST", "/v1/keys"), ("PUT", "/v1/roles/analyst"),
                             ("DELETE", "/v1/tables/raw.clicks"), ("GET", "/v1/secrets"), ("POST", "/v1/rekey"),
                             ("GET", "/v1/secrets/warehouse-password/value"), ("PUT", "/v1/buckets/mine-too")):
            assert ask(lake, method, path, key).status_code == 403, path


def test_objects_follow_the_same_grants(lake, ann, ben):
    root, a, b = s3_client.client(lake), s3_client.client(lake, key=ann), s3_client.client(lake, key=ben)
    root.put_object(Bucket="reports", Key="2026/q1", Body=b"1")
    root.put_object(Bucket="reports", Key="2025/q1", Body=b"0")
    assert a.get_object(Bucket="reports", Key="2026/q1")["Body"].read() == b"1"
    assert s3_client.code_of(a.get_object, Bucket="reports", Key="2025/q1") == ("AccessDenied", 403)
    assert s3_client.code_of(a.put_object, Bucket="reports", Key="2026/q2", Body=b"") == ("AccessDenied", 403)
    assert [o["Key"] for o in a.list_objects_v2(Bucket="reports", Prefix="2026/")["Contents"]] == ["2026/q1"]
    assert s3_client.code_of(a.list_objects_v2, Bucket="reports") == ("AccessDenied", 403)
    assert s3_client.code_of(a.get_object, Bucket="inbox", Key="x") == ("AccessDenied", 403)
    assert s3_client.code_of(a.get_object, Bucket="no-such-bucket", Key="x") in (("AccessDenied", 403), ("NoSuchBucket", 404))
    b.put_object(Bucket="inbox", Key="x", Body=b"y")
    assert s3_client.code_of(b.create_bucket, Bucket="bens-own") == ("AccessDenied", 403)
    answer = b.delete_objects(Bucket="inbox", Delete={"Objects": [{"Key": "x"}]})
    assert [d["Key"] for d in answer["Deleted"]] == ["x"]


def test_table_files_are_for_those_who_may_read_the_whole_table(lake, ann, ben):
    root, a, b = s3_client.client(lake), s3_client.client(lake, key=ann), s3_client.client(lake, key=ben)
    root.put_object(Bucket="reports", Key="2026/q1", Body=b"1")
    keys = [o["Key"] for o in root.list_objects_v2(Bucket="lake")["Contents"]]
    clicks = [key for key in keys if key.startswith("raw/clicks-") and key.endswith(".parquet")]
    orders = [key for key in keys if key.startswith("raw/orders-") and key.endswith(".parquet")]
    assert clicks and orders
    on_disk = next(lake.data.glob("objects/lake/raw/clicks-*/**/*.parquet")) if list(lake.data.glob("objects/lake/raw/clicks-*/**/*.parquet")) else None
    body = a.get_object(Bucket="lake", Key=clicks[0])["Body"].read()
    assert body[:4] == b"PAR1" and (on_disk is None or len(body) > 100)
    assert a.get_object(Bucket="lake", Key=clicks[0], Range="bytes=0-3")["Body"].read() == b"PAR1"
    assert s3_client.code_of(a.get_object, Bucket="lake", Key=orders[0]) == ("AccessDenied", 403)
    assert s3_client.code_of(b.get_object, Bucket="lake", Key=clicks[0]) == ("AccessDenied", 403)
    shown = {o["Key"].split("/")[1].split("-")[0] for o in a.list_objects_v2(Bucket="lake").get("Contents", [])}
    assert shown <= {"clicks"}
    assert s3_client.code_of(root.put_object, Bucket="lake", Key="raw/clicks-00000000/data/x", Body=b"") == ("AccessDenied", 403)
    assert s3_client.code_of(root.delete_object, Bucket="lake", Key=clicks[0]) == ("AccessDenied", 403)
    # No IAM policy on objects opens a table: only a grant on the table does.
    iam = s3_client.client(lake, "iam")
    iam.create_user(UserName="wide")
    iam.put_user_policy(UserName="wide", PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    made = iam.create_access_key(UserName="wide")["AccessKey"]
    wide = s3_client.client(lake, key=(made["AccessKeyId"], made["SecretAccessKey"]))
    assert s3_client.code_of(wide.get_object, Bucket="lake", Key=clicks[0]) == ("AccessDenied", 403)
    assert s3_client.code_of(wide.head_object, Bucket="lake", Key=clicks[0])[1] == 403
    assert wide.get_object(Bucket="reports", Key="2026/q1")["Body"].read() == b"1"


def test_keys_can_be_switched_off_and_taken_away(lake):
    key = new_key(lake, "ben")
    assert ask(lake, "GET", "/v1/whoami", key).json()["name"] == "ben"
    lake.command("key", "disable", key[0], check=0)
    assert ask(lake, "GET", "/v1/whoami", key).status_code == 401
    assert s3_client.code_of(s3_client.client(lake, key=key).list_buckets) == ("InvalidAccessKeyId", 403)
    lake.command("key", "enable", key[0], check=0)
    assert ask(lake, "GET", "/v1/whoami", key).status_code == 200
    listed = json.loads(lake.command("key", "list", "ben", "--json", check=0).stdout)
    assert key[0] in [k["id"] for k in listed] and key[1] not in json.dumps(listed)
    lake.command("key", "delete", key[0], check=0)
    assert ask(lake, "GET", "/v1/whoami", key).status_code == 401
    refused = lake.command("key", "disable", lake.key()[0])
    assert refused.returncode == 1 and "came with" in refused.stderr


def test_a_secret_is_set_rotated_read_by_who_may_and_sealed_on_disk(lake):
    lake.command("secret", "set", "warehouse-password", stdin="s3cr3t-value\n", check=0)
    cy = new_key(lake, "cy")
    value = ask(lake, "GET", "/v1/secrets/warehouse-password/value", cy)
    assert value.json()["value"] == "s3cr3t-value"
    assert "s3cr3t" not in lake.command("secret", "list", "--json", check=0).stdout
    lake.command("secret", "rekey", check=0)
    assert lake.command("secret", "show", "warehouse-password", check=0).stdout == "s3cr3t-value\n"
    assert ask(lake, "GET", "/v1/whoami", cy).status_code == 200
    lake.command("secret", "rotate", "warehouse-password", "--length", "40", check=0)
    assert len(lake.command("secret", "show", "warehouse-password", check=0).stdout.strip()) == 40
    for path in lake.data.rglob("*"):
        if path.is_file():
            assert b"s3cr3t-value" not in path.read_bytes(), path


def test_iam_and_sts_give_a_session_with_the_roles_rights(lake, ann):
    iam, account = s3_client.client(lake, "iam"), "000000000000"
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:user/ann"},
                                                      "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName="loader", AssumeRolePolicyDocument=json.dumps(trust))
    policy = iam.create_policy(PolicyName="inbox-only", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": "arn:aws:s3:::inbox/*"},
                                                {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::inbox/secret*"}]}))["Policy"]
    iam.attach_role_policy(RoleName="loader", PolicyArn=policy["Arn"])
    sts = s3_client.client(lake, "sts", key=ann)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{account}:user/ann"
    arn = f"arn:aws:iam::{account}:role/loader"
    session = sts.assume_role(RoleArn=arn, RoleSessionName="night")
    given = session["Credentials"]
    key, token = (given["AccessKeyId"], given["SecretAccessKey"]), given["SessionToken"]
    assert s3_client.client(lake, "sts", key=key, token=token).get_caller_identity()["Arn"] == f"arn:aws:sts::{account}:assumed-role/loader/night"
    s3 = s3_client.client(lake, key=key, token=token)
    s3.put_object(Bucket="inbox", Key="night/x", Body=b"1")
    assert s3_client.code_of(s3.put_object, Bucket="inbox", Key="secret/x", Body=b"1") == ("AccessDenied", 403)
    assert s3_client.code_of(s3.get_object, Bucket="reports", Key="2026/q1") == ("AccessDenied", 403)
    assert s3_client.code_of(s3_client.client(lake, key=key).list_buckets)[1] == 403
    assert s3_client.code_of(s3_client.client(lake, key=key, token=token[:-4] + "AAAA").list_buckets)[0] in ("InvalidToken", "InvalidAccessKeyId", "ExpiredToken")
    narrow = sts.assume_role(RoleArn=arn, RoleSessionName="narrow", Policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}))["Credentials"]
    s3 = s3_client.client(lake, key=(narrow["AccessKeyId"], narrow["SecretAccessKey"]), token=narrow["SessionToken"])
    assert s3.get_object(Bucket="inbox", Key="night/x")["Body"].read() == b"1"
    assert s3_client.code_of(s3.put_object, Bucket="inbox", Key="night/y", Body=b"1") == ("AccessDenied", 403)
    assert s3_client.code_of(s3_client.client(lake, "sts", key=new_key(lake, "ben")).assume_role, RoleArn=arn, RoleSessionName="no") == ("AccessDenied", 403)
    # What the lake file declares, the lake file changes.
    assert s3_client.code_of(iam.delete_user, UserName="ann")[0] in ("UnmodifiableEntity", "DeleteConflict")


def test_services_that_are_not_there_say_so_in_their_own_protocol(lake):
    for service, operation in (("kinesis", "list_streams"), ("firehose", "list_delivery_streams"), ("glue", "get_databases"),
                               ("sqs", "list_queues"), ("sns", "list_topics"), ("athena", "list_work_groups"), ("events", "list_rules"),
                               ("secretsmanager", "list_secrets"), ("lambda", "list_functions"), ("logs", "describe_log_groups")):
        code, status = s3_client.code_of(getattr(s3_client.client(lake, service), operation))
        assert code and status in (400, 404, 501), (service, code, status)


def test_the_audit_trail_is_a_table(lake, ann):
    assert ask(lake, "POST", "/v1/sql", ann, data="SELECT * FROM raw.orders").status_code in (403, 404)
    s3 = s3_client.client(lake, key=ann)
    assert s3_client.code_of(s3.get_object, Bucket="reports", Key="2025/audit-me") == ("AccessDenied", 403)
    query = ("SELECT principal, action, allowed, reason, key_id FROM system.audit "
             "WHERE resource = 'arn:aws:s3:::reports/2025/audit-me' AND action = 's3:GetObject'")
    deadline = time.monotonic() + 10
    while not (rows := lake.sql(query)[1]) and time.monotonic() < deadline:
        pass
    assert rows[0][0] == "arn:aws:iam::000000000000:user/ann"
    assert rows[0][2] is False and "no identity-based policy allows" in rows[0][3] and rows[0][4] == ann[0]


def test_changes_of_objects_are_events_in_a_table(lake):
    s3 = s3_client.client(lake)
    s3.put_object(Bucket="inbox", Key="ev ent", Body=b"12345")
    s3.delete_object(Bucket="inbox", Key="ev ent")
    query = """SELECT "detail-type", detail FROM system.events WHERE detail->>'$.object.key' = 'ev ent' ORDER BY time, id"""
    deadline = time.monotonic() + 10
    while len(rows := lake.sql(query)[1]) < 2 and time.monotonic() < deadline:
        pass
    assert sorted(row[0] for row in rows) == ["Object Created", "Object Deleted"]
    created = next(json.loads(row[1]) for row in rows if row[0] == "Object Created")
    assert created["bucket"]["name"] == "inbox" and created["object"]["size"] == 5 and created["reason"] == "PutObject"


def test_plan_shows_what_clients_made_as_unmanaged(lake):
    s3_client.client(lake).create_bucket(Bucket="by-hand")
    steps = json.loads(lake.command("plan", "-f", lake.lake_file, "--json", check=0).stdout)["steps"]
    by_name = {(step["kind"], step["name"]): step["action"] for step in steps}
    assert by_name["bucket", "by-hand"] == "unmanaged"
    assert by_name["bucket", "reports"] == by_name["role", "analyst"] == by_name["principal", "ann"] == "keep"
    assert not any(name.startswith("system.") for _, name in by_name)


def test_anonymous_comes_in_only_when_the_lake_file_says_so(tmp_path):
    text = LAKE + "  # nothing\n"
    public = LAKE.replace("principals:\n", "principals:\n  anonymous: { roles: [ public ] }\n").replace(
        "roles:\n", "roles:\n  public:\n    - read: s3://reports/*\n    - select: raw.clicks\n", 1)
    with s3_client.lake_in(tmp_path, text) as lake:
        s3_client.client(lake).put_object(Bucket="reports", Key="x", Body=b"y")
        assert ask(lake, "GET", "/reports/x").status_code == 403
        lake.stop()
        lake.declare(public)
        lake.start()
        assert ask(lake, "GET", "/reports/x").content == b"y"
        assert ask(lake, "PUT", "/reports/x", data=b"z").status_code == 403
        assert ask(lake, "POST", "/v1/sql", data="SELECT count(*) FROM raw.clicks").status_code == 200
        assert ask(lake, "POST", "/v1/sql", data="SELECT count(*) FROM raw.orders").status_code in (403, 404)
        assert ask(lake, "GET", "/v1/keys").status_code == 403


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder


def test_over_tls_every_client_works_and_plain_http_is_told(tmp_path, certificate):
    text = f"{LAKE}tls: {{ certificate: {certificate}/cert.pem, key: {certificate}/key.pem }}\n"
    with s3_client.lake_in(tmp_path, text, ca_file=str(certificate / "cert.pem")) as lake:
        assert lake.put("clicks", '{"id":1}').status == 200
        assert lake.command("sql", "-c", "SELECT count(*) FROM raw.clicks", "--format", "csv", check=0).stdout.endswith("1\n")
        s3 = s3_client.client(lake)
        body = os.urandom(20 << 20)
        s3.put_object(Bucket="inbox", Key="big", Body=body)      # aws-chunked with a trailer, over TLS
        assert s3.get_object(Bucket="inbox", Key="big")["Body"].read() == body
        plain = requests.get(lake.url.replace("https", "http") + "/v1/health")
        assert plain.status_code == 400 and "TLS" in plain.text


def test_a_broken_certificate_is_named(tmp_path):
    (tmp_path / "c.pem").write_text("nonsense")
    with pytest.raises(tarn.StartFailed) as failed:
        with s3_client.lake_in(tmp_path, f"lake: t\ntls: {{ certificate: {tmp_path}/c.pem, key: {tmp_path}/c.pem }}\n"):
            pass
    assert "c.pem" in failed.value.args[1]


def test_from_elsewhere_without_tls_only_signatures_are_taken(tmp_path):
    address = next((a for a in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() if "." in a), None)
    if address is None:
        pytest.skip("this machine has no address but loopback")
    lake = tarn.Lake(tmp_path / "data", LAKE)
    lake.http = f"{address}:0"
    with lake:
        assert ask(lake, "GET", "/v1/whoami", lake.key()).status_code == 403
        token = ".".join(lake.key())
        assert ask(lake, "GET", "/v1/whoami", headers={"Authorization": f"Bearer {token}"}).status_code == 403
        ready = signed(lake, "GET", "/v1/whoami")
        assert requests.get(ready.url, headers=dict(ready.headers)).json()["name"] == "root"
        assert lake.command("sql", "-c", "SELECT 1 AS x", "--format", "csv", check=0).stdout.endswith("1\n")
        assert s3_client.client(lake).list_buckets()["Buckets"]


def test_basic_with_garbage_is_a_clear_error(lake):
    for value in ("Basic", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Digest x", "AWS4-HMAC-SHA256", "x" * 10_000):
        answer = ask(lake, "GET", "/v1/status", headers={"Authorization": value})
        assert answer.status_code in (400, 401), value
        assert answer.json()["error"]["message"]


def with_policy(lake, name, *statements):
    """A user with a policy of these statements; its key."""
    iam = s3_client.client(lake, "iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p",
                        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    return new_key(lake, name)


TABLES = "arn:aws:tarn:::table/"
EVERYTHING = {"Effect": "Allow", "Action": "tarn:*", "Resource": "*"}


def test_a_deny_on_a_table_holds_however_its_name_is_written(lake):
    key = with_policy(lake, "capital", EVERYTHING, {"Effect": "Deny", "Action": "*", "Resource": TABLES + "raw/orders"})
    for path in ("raw.orders", "RAW.orders", "raw.ORDERS", "Raw.Orders"):
        for method, below in (("GET", ""), ("DELETE", ""), ("GET", "/files"), ("DELETE", "/columns/id"), ("POST", "/maintain")):
            answer = ask(lake, method, f"/v1/tables/{path}{below}", key)
            assert answer.status_code == 403, (method, path, below, answer.text)
        assert ask(lake, "POST", "/v1/sql", key, data=f"SELECT * FROM {path}").status_code in (403, 404)
    assert ask(lake, "GET", "/v1/tables/RAW.clicks", key).status_code == 200
    assert ask(lake, "GET", "/v1/tables/raw", key).status_code == 400
    assert ask(lake, "GET", "/v1/tables/raw.orders").status_code == 401


def test_a_stream_delivers_only_into_tables_that_its_maker_may_manage(lake):
    key = with_policy(lake, "maker", {"Effect": "Allow", "Action": "tarn:*", "Resource": ["arn:aws:tarn:::stream/team-*",
                                                                                           TABLES + "raw/team_*"]})
    for table in ("raw.orders_copy", "hr.salaries"):
        answer = ask(lake, "PUT", "/v1/streams/team-x", key, json={"deliver": {"table": table}})
        assert answer.status_code == 403 and "tarn:Manage" in answer.text, answer.text
    assert ask(lake, "PUT", "/v1/streams/team-x", key, json={"deliver": {"table": "raw.team_x"}}).status_code == 201
    assert ask(lake, "PUT", "/v1/streams/team-x", key, json={"deliver": {"table": "hr.salaries"}}).status_code == 403
    # Who may change the stream and not the table changes what else it has.
    changer = with_policy(lake, "changer", {"Effect": "Allow", "Action": "tarn:*", "Resource": "arn:aws:tarn:::stream/*"})
    answer = ask(lake, "PUT", "/v1/streams/team-x", changer, json={"deliver": {"table": "raw.team_x", "every": {"age": "5s"}}})
    assert answer.status_code == 200, answer.text
    assert ask(lake, "DELETE", "/v1/streams/team-x").status_code == 401
    assert ask(lake, "DELETE", "/v1/streams/team-x", changer).status_code == 204


def test_conditions_hold_for_sql_and_for_lists(lake):
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    clear = with_policy(lake, "clear", EVERYTHING, deny | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    near = with_policy(lake, "near", EVERYTHING, deny | {"Condition": {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1/128"]}}})
    far = with_policy(lake, "far", EVERYTHING | {"Condition": {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1/128"]}}})
    for key in (clear, near):
        assert ask(lake, "POST", "/v1/sql", key, data="SELECT * FROM raw.clicks").status_code in (403, 404)
        for relation in ("system.tables", "system.columns", "information_schema.columns"):
            answer = ask(lake, "POST", "/v1/sql", key, data=f"SELECT count(*) FROM {relation}")
            assert answer.status_code == 403 or answer.json()["rows"] == [[0]], answer.text
        for path in ("/v1/tables", "/v1/streams", "/v1/buckets"):
            answer = ask(lake, "GET", path, key)
            assert answer.status_code == 403 or list(answer.json().values()) == [[]], answer.text
    assert ask(lake, "POST", "/v1/sql", far, data="SELECT count(*) FROM raw.clicks").status_code == 200
    assert len(ask(lake, "GET", "/v1/tables", far).json()["tables"]) >= 2


def test_what_may_not_be_seen_is_not_hinted_at(lake):
    key = with_policy(lake, "curious", {"Effect": "Allow", "Action": "tarn:*", "Resource": [TABLES + "raw/clicks", TABLES + "raw/order"]},
                      {"Effect": "Allow", "Action": "tarn:*", "Resource": "arn:aws:tarn:::stream/order"},
                      {"Effect": "Allow", "Action": ["s3:HeadBucket", "tarn:*"], "Resource": "arn:aws:s3:::report"})
    for path in ("/v1/tables/raw.order", "/v1/streams/order", "/v1/buckets/report"):
        answer = ask(lake, "GET", path, key)
        assert answer.status_code == 404, (path, answer.text)
        assert "orders" not in answer.text and "reports" not in answer.text, answer.text
    hidden = ask(lake, "POST", "/v1/sql", key, data="SELECT * FROM raw.orders")
    absent = ask(lake, "POST", "/v1/sql", key, data="SELECT * FROM raw.nothing")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace("raw.orders", "X") == absent.text.replace("raw.nothing", "X")


def test_inserting_shows_no_partition_values(lake, ann):
    key = with_policy(lake, "inserter", {"Effect": "Allow", "Action": ["tarn:Insert", "tarn:Describe"], "Resource": TABLES + "*"})
    assert ask(lake, "GET", "/v1/tables/raw.clicks", key).status_code == 200
    assert ask(lake, "GET", "/v1/tables/raw.clicks/files", key).status_code == 403
    assert ask(lake, "GET", "/v1/tables/raw.clicks/files", ann).status_code == 200


def test_a_query_sees_no_table_past_the_guard(lake, ben):
    """What a reviewer reached by names of CTEs, by functions and by paths."""
    assert ask(lake, "POST", "/v1/sql", lake.key(), data="SELECT * FROM raw.clicks, orders").status_code == 200
    files = f"{lake.data}/objects/**/*.parquet"
    for statement in ("WITH clicks AS (SELECT * FROM clicks) SELECT * FROM clicks",
                      "SELECT s.* FROM orders s, (WITH orders AS (SELECT 1) SELECT 1) x",
                      f"SELECT s.* FROM '{files}' s, (WITH \"{files}\" AS (SELECT 1) SELECT 1) x",
                      f"SELECT json_serialize_plan('SELECT * FROM ''{files}''')",
                      "FROM (SHOW ALL TABLES)", "SELECT pg_get_viewdef(i) FROM range(0, 300000) r(i)"):
        answer = ask(lake, "POST", "/v1/sql", ben, data=statement)
        assert answer.status_code in (403, 404), (statement, answer.text)


def test_the_metastore_is_its_owners_alone(lake):
    for file in lake.data.glob("*.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
