"""Runs tests/text/*.test in every world; see text_format.py for the files and worlds.py for the worlds.

PYTEST_DONT_REWRITE: the messages here say all.
"""

import dataclasses
import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

import tarn
from text_format import FormatError, parse
from worlds import WORLDS

FOLDER = Path(__file__).with_name("text")
FILES = sorted(FOLDER.glob("*.test"))
TYPES = {"ndjson": "application/x-ndjson", "json": "application/json", "csv": "text/csv"}


def read(path):
    return parse(path.read_text(), path, WORLDS)


# What is expected against what came.

def cell(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return compact(value)
    text = str(value).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("|", "\\|")
    return text if text else "(empty)"


def compact(value):
    if isinstance(value, tarn.Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{compact(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def table(names, rows):
    return [" | ".join(map(cell, row)) for row in [names, *rows]]


def trimmed(line):
    return " | ".join(part.strip() for part in re.split(r"(?<!\\)\|", line))


class Runner:
    """One file in one world."""

    def __init__(self, test, world, folder):
        self.test, self.world, self.folder = test, world, folder
        self.lake = tarn.Lake(folder / "data", world.lake_text(test.steps[0].text))
        self.values = {}  # of let

    def run(self):
        self.lake.start()
        try:
            for step in self.test.steps[1:]:
                self.run_step(step)
        finally:
            self.lake.close()
        result = self.lake.verify()
        assert result.returncode == 0, f"tarn verify after {self.test.path.name}:\n{result.stdout}{result.stderr}"

    def run_step(self, step):
        step = self.with_values(step)
        try:
            getattr(self, "do_" + step.kind.replace("-", "_"))(step)
        except (AssertionError, tarn.Gone, tarn.SqlError, tarn.StartFailed) as problem:
            where = f"{self.test.path}:{step.line}: {step.kind} {step.arguments} (world {self.world.name})"
            raise AssertionError(f"{where}\n{problem}\n--- log\n{self.lake.log_tail(15)}") from None
        if step.kind not in ("restart", "kill", "lake-error") and self.world.after_step:
            self.again(self.world.after_step)

    def with_values(self, step):
        def replaced(line):
            return re.sub(r"\$(\w+)", lambda m: self.values.get(m.group(1), m.group(0)), line)
        if not self.values:
            return step
        expected = None if step.expected is None else [replaced(line) for line in step.expected]
        return dataclasses.replace(step, arguments=replaced(step.arguments), body=[replaced(line) for line in step.body],
                                   expected=expected)

    def again(self, how):
        if how == "kill":
            self.lake.kill()
        else:
            status = self.lake.stop()
            assert status == 0, f"tarn ended with {status} after SIGTERM"
        self.lake.start()

    # Steps.

    def do_put(self, step):
        stream, _, rest = step.arguments.partition(" ")
        options, headers, content_type = set(), {}, TYPES["ndjson"]
        headers.update(re.findall(r"([\w-]+): (\S+)", rest))
        words = re.sub(r"[\w-]+: \S+", "", rest).split()
        while words:
            word = words.pop(0)
            if word == "as":
                kind = words.pop(0)
                content_type = TYPES.get(kind, kind)
            else:
                assert word in ("python", "gzip"), f"put knows no {word}"
                options.add(word)
        if "python" in options:
            body = eval(step.text.strip(), {"gzip": gzip, "json": json})  # our own test file
        else:
            body = step.text.encode()
        if "gzip" in options:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        expected = step.expected if step.expected is not None else ["status 200"]
        if self.world.deliver and not options and not headers and content_type == TYPES["ndjson"] and all_accepted(expected):
            return self.put_one_by_one(stream, body, expected)
        answer = self.lake.put(stream, body, content_type, headers)
        check_put(answer, expected)
        if self.world.deliver and answer.status == 200:
            self.lake.flush(stream)

    def put_one_by_one(self, stream, body, expected):
        accepted = 0
        for line in body.splitlines(keepends=True):
            if line.strip():
                answer = self.lake.put(stream, line)
                assert answer.status == 200, f"{answer.status} {answer.body.decode()}"
                accepted += int(answer.json["accepted"])
                self.lake.flush(stream)
        for line in expected:
            if line.startswith("accepted "):
                assert line == f"accepted {accepted}"

    def do_sql(self, step):
        names, rows = self.lake.sql(step.text)
        if step.expected is not None:
            got = table(names, rows)
            assert got == [trimmed(line) for line in step.expected], "got:\n" + "\n".join(got)

    def do_error(self, step):
        try:
            names, rows = self.lake.sql(step.text)
        except tarn.SqlError as error:
            got = f"{error.code}: {error.message}"
            code, _, words = (step.expected or [""])[0].partition(":")
            assert error.code == code.strip(), f"got {got}"
            for wanted in [words, *step.expected[1:]]:
                assert wanted.strip() in error.message, f"{wanted.strip()!r} is not in: {got}"
            return
        raise AssertionError("it was not refused:\n" + "\n".join(table(names, rows)))

    def do_lake_error(self, step):
        broken = tarn.Lake(self.folder / "refused", step.text)
        broken.log_file.unlink(missing_ok=True)
        try:
            broken.start()
        except tarn.StartFailed as failed:
            status, said = failed.args
            assert status == 1, f"exit status {status}\n{said}"
            contains(said, step.expected)
            return
        finally:
            broken.close()
        raise AssertionError("the lake file was not refused")

    def do_plan(self, step):
        path = self.folder / "plan.yaml"
        path.write_text(self.world.lake_text(step.text))
        result = self.lake.command("plan", "-f", path, "--url", self.lake.url)
        contains(result.stdout + result.stderr, step.expected)

    def do_apply(self, step):
        self.lake.declare(self.world.lake_text(step.text))
        result = self.lake.command("apply", "-f", self.lake.lake_file, "--url", self.lake.url, *step.arguments.split(), check=0)
        contains(result.stdout + result.stderr, step.expected)

    def do_http(self, step):
        method, path = step.arguments.split()
        answer = self.lake.request(method, path, step.text.encode() or None)
        check_words(answer, step.expected or ["status 200"])

    def do_tarn(self, step):
        result = self.lake.command(*shlex.split(step.arguments), "--url", self.lake.url, stdin=step.text)
        expected = list(step.expected or [])
        status = 0
        if expected and expected[0].startswith("exit "):
            status = int(expected.pop(0).split()[1])
        said = result.stdout + result.stderr
        assert result.returncode == status, f"exit status {result.returncode}\n{said}"
        contains(said, expected)

    def do_let(self, step):
        self.values[step.arguments] = str(self.lake.value(step.text))

    def do_flush(self, step):
        self.lake.flush(step.arguments or None)

    def do_maintain(self, step):
        self.lake.maintain(step.arguments or None)

    def do_redrive(self, step):
        answer = self.lake.request("POST", f"/v1/streams/{step.arguments}/redrive")
        assert answer.status == 200, f"{answer.status} {answer.body.decode()}"
        for line in step.expected or []:
            name, number = line.split()
            assert answer.json[name] == number, f"got {answer.body.decode()}"
        if self.world.deliver:
            self.lake.flush(step.arguments)

    def do_restart(self, step):
        self.again("restart")

    def do_kill(self, step):
        self.again("kill")


def all_accepted(expected):
    return all(line.startswith("accepted ") or line == "status 200" for line in expected)


def contains(said, expected):
    for words in expected or []:
        assert words.strip() in said, f"{words.strip()!r} is not in:\n{said}"


def check_words(answer, expected):
    text = answer.body.decode(errors="replace")
    for line in expected:
        if match := re.fullmatch(r"status (\d+)", line):
            assert answer.status == int(match.group(1)), f"{answer.status} {text}"
        else:
            contains(text, [line])


def check_put(answer, expected):
    got = f"{answer.status} {answer.body.decode(errors='replace')[:2000]}"
    if not any(line.startswith(("status ", "error ")) for line in expected):
        assert answer.status == 200, got
    for line in expected:
        if match := re.fullmatch(r"status (\d+)", line):
            assert answer.status == int(match.group(1)), got
        elif match := re.fullmatch(r"accepted (\d+)", line):
            assert answer.json["accepted"] == match.group(1), got
        elif match := re.fullmatch(r"errors (\d+)", line):
            assert answer.json.get("errors_total", "0") == match.group(1), got
        elif line == "duplicate":
            assert answer.json.get("duplicate") is True, got
        elif match := re.fullmatch(r"error (\w+):? *(.*)", line):
            assert answer.status >= 400 and answer.error["code"] == match.group(1), got
            assert match.group(2) in answer.error["message"], got
        elif match := re.fullmatch(r"refused (\d+): *(.*)", line):
            messages = [e["message"] for e in answer.json.get("errors", []) if e["index"] == match.group(1)]
            assert messages and match.group(2) in messages[0], got
        elif match := re.fullmatch(r"([\w-]+): (.+)", line):
            assert re.fullmatch(match.group(2), answer.headers.get(match.group(1), "")), f"{got}\n{answer.headers}"
        else:
            raise AssertionError(f"put can't expect {line!r}")


# The tests.

@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("world", WORLDS.values(), ids=lambda world: world.name)
def test_text(path, world, tmp_path):
    test = read(path)
    reason = world.reason_to_skip(test)
    if reason:
        pytest.skip(reason)
    Runner(test, world, tmp_path).run()


def test_the_form_of_files_is_read():
    text = "name: N\ndescription: D\ngroup: g\nskip kill: because\n\nlake\n  streams:\n    t: {}\n\n# a comment\nput t as csv\n" \
           "  a,b\n\n  1,2\n----\n  accepted 1\n\nsql\n  SELECT 1\n----\n  a | b\n  1 | NULL\n\nflush t\n"
    test = parse(text, "x.test", WORLDS)
    assert (test.name, test.group, test.skips) == ("N", "g", {"kill": "because"})
    assert [(step.kind, step.arguments) for step in test.steps] == [("lake", ""), ("put", "t as csv"), ("sql", ""), ("flush", "t")]
    assert test.steps[0].text == "streams:\n  t: {}\n"
    assert test.steps[1].text == "a,b\n\n1,2\n" and test.steps[1].expected == ["accepted 1"]
    assert test.steps[2].expected == ["a | b", "1 | NULL"] and test.steps[3].expected is None


@pytest.mark.parametrize("text, why", [
    ("name: N\ndescription: D\ngroup: g\nput t\n", "the first step is the lake"),
    ("name: N\ndescription: D\nlake\n", "group: … is missing"),
    ("name: N\ndescription: D\ngroup: g\nlake\nputt t\n", "x.test:5: no step"),
    ("name: N\ndescription: D\ngroup: g\nskip moon: far\nlake\n", "no world moon"),
    ("name: N\ndescription: D\ngroup: g\nlake\n----\n  a\n----\n", "x.test:7: ---- without"),
])
def test_mistakes_in_a_file_are_told(text, why):
    with pytest.raises(FormatError, match=re.escape(why)):
        parse(text, "x.test", WORLDS)


def test_cells_are_shown_as_the_files_write_them():
    assert table(["a"], [[None], [True], [""], ["x\ny|z"], [{"a": [tarn.Number("1.50"), "é"]}]]) == [
        "a", "NULL", "true", "(empty)", "x\\ny\\|z", '{"a":[1.50,"é"]}']


def test_a_world_says_only_what_the_file_leaves_open():
    text = WORLDS["shards"].lake_text("streams: {t: {}}\ndefaults: {shards: 2}\n")
    assert "shards: 2" in text and "shards: 4" not in text
    assert "shards: 4" in WORLDS["shards"].lake_text("streams: {t: {}}\n")
