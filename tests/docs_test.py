"""What the README and docs/ show is run here, word for word, and prints what they say that it prints."""

import os
import re
import shutil
import socket
import subprocess

import pytest
import s3_client
import tarn

AWS = "/usr/bin/aws"


def blocks(path, language=None):
    """The fenced blocks of a page; of one language if told ("" for none)."""
    text = (tarn.ROOT / path).read_text()
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    return [block for said, block in found if language is None or said == language]


def steps(block):
    """What a reader types after "$ ", and the lines that are shown after it."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif found and ("<<END" in found[-1][0][0] and found[-1][0][-1] != "END" or found[-1][0][-1].endswith("\\")):
            found[-1][0].append(line)
        elif found:
            found[-1][1].append(line)
    return [("\n".join(typed), shown) for typed, shown in found]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def environment(home, url, **more):
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TARN_URL": url, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "", **more}


def as_typed(script, folder, env):
    """Runs bash as an interactive shell would (aliases), and gives its status and what it printed."""
    result = subprocess.run(["bash", "-c", "shopt -s expand_aliases\n" + script], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return result.returncode, result.stdout.decode()


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    (folder / "bin").mkdir()
    (folder / "bin" / "tarn").symlink_to(tarn.binary().resolve())
    text = "lake: docs\nstreams: { transactions: {}, types: {} }\n"
    with tarn.Lake(folder / "data", text) as lake:
        lake.folder = folder
        yield lake


def doc_environment(lake):
    key_id, secret = lake.key()
    return environment(lake.folder, lake.url, PATH=f"{lake.folder}/bin:{os.environ['PATH']}", AWS_ACCESS_KEY_ID=key_id,
                       AWS_SECRET_ACCESS_KEY=secret, AWS_ENDPOINT_URL=lake.url)


def test_the_readme_does_what_it_shows(tmp_path):
    shown = [step for block in blocks("README.md", "")[1:] for step in steps(block)]
    assert len(shown) >= 6
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    script, expected = [f"trap 'kill $(jobs -p)' EXIT; echo 1,2 > q1.csv"], []
    for typed, lines in shown:
        typed = typed.replace("build/release/bin/tarn", str(tarn.binary().resolve())).replace("localhost:9700", f"127.0.0.1:{port}")
        typed = typed.replace("alias s3=\"aws ", f"alias s3=\"{AWS} ")
        if typed.endswith("up &"):
            ready = f"until curl -sf {url}/v1/health > /dev/null; do sleep 0.05; done"
            typed = typed.replace("up &", f"up --http 127.0.0.1:{port} > up.log 2>&1 &") + "\n" + ready
        script += ["echo '---'", typed]
        expected.append(lines)
    status, output = as_typed("\n".join(script), tmp_path, environment(tmp_path, url))
    assert status == 0, output
    printed = re.split(r"^---\n", output, flags=re.M)[1:]
    assert len(printed) == len(expected)
    for lines, text in zip(expected, printed):
        for line in filter(str.strip, lines):
            assert line in text, f"the README shows\n{line}\nand this came:\n{text}"


@pytest.mark.parametrize("page", ["lake-file", "access", "s3"])
def test_lake_files_of_the_docs_are_taken(page, tmp_path):
    found = blocks(f"docs/{page}.md", "yaml")
    assert found
    for number, block in enumerate(found):
        text = block if re.search("^lake:", block, re.M) else "lake: docs\n" + block
        with tarn.Lake(tmp_path / str(number), text) as lake:
            assert lake.command("plan", "-f", lake.lake_file, check=0).stdout


@pytest.mark.parametrize("page", ["access", "s3"])
def test_queries_of_the_docs_answer(lake, page):
    found = blocks(f"docs/{page}.md", "sql")
    assert found
    s3 = s3_client.client(lake)
    s3.create_bucket(Bucket=f"docs-{page}")
    s3.put_object(Bucket=f"docs-{page}", Key="2026/a.csv", Body=b"1")
    for statement in found:
        columns, _ = lake.sql(statement)
        assert len(columns) >= 4


def test_calls_of_the_http_api_page_answer(lake):
    (lake.folder / "events.ndjson").write_text('{"id":1}\n{"id":2}\n')
    calls = [block for block in blocks("docs/http-api.md", "") if "curl" in block]
    assert len(calls) == 3
    for block in calls:
        block = re.sub('eval "\\$\\(tarn env\\)".*', "", block).replace("curl ", "curl -sS --fail-with-body ")
        status, output = as_typed("set -e\n" + block.replace("http://localhost:9700", lake.url), lake.folder, doc_environment(lake))
        assert status == 0, output
        assert "error" not in output


def test_commands_of_the_access_page_work(lake):
    (script,) = blocks("docs/access.md", "sh")
    script = re.sub('eval "\\$\\(tarn env\\)"', f'eval "$(tarn env --data {lake.data} --url {lake.url})"', script)
    script = script.replace("user password alice", "user password alice <<<'correct horse battery staple'")
    status, output = as_typed("set -e\n" + script, lake.folder, doc_environment(lake))
    assert status == 0, output


def test_the_policy_of_the_access_page_is_one(lake):
    (policy,) = blocks("docs/access.md", "json")
    iam = s3_client.client(lake, "iam")
    iam.create_role(RoleName="docs", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
                    '"Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}')
    iam.put_role_policy(RoleName="docs", PolicyName="docs", PolicyDocument=policy)


def test_aws_commands_of_the_s3_page_work(lake):
    block = next(block for block in blocks("docs/s3.md", "") if "aws s3" in block)
    (lake.folder / "2026").mkdir(exist_ok=True)
    (lake.folder / "2026" / "q1.csv").write_text("1,2\n")
    script = block.replace("aws s3 ", f"{AWS} --endpoint-url {lake.url} s3 ")
    script = script.replace('eval "$(tarn env)"', f'eval "$(tarn env --data {lake.data} --url {lake.url})"')
    status, output = as_typed("set -e\n" + script, lake.folder, doc_environment(lake))
    assert status == 0, output
    link = output.split()[-1]
    assert s3_client.run([shutil.which("curl"), "-sS", link], environment(lake.folder, lake.url)) == "1,2\n"


def test_records_of_the_types_page_make_its_columns(lake):
    records, columns = blocks("docs/types.md", "")[:2]
    assert lake.put("types", records).status == 200
    lake.flush("types")
    described = {row[0]: row[1] for row in lake.sql("DESCRIBE raw.types")[1]}
    for name, kind in re.findall(r"(\w+) ((?:[^,(]|\(.*?\))+)", columns.strip()):
        assert described[name] == kind.strip(), described
