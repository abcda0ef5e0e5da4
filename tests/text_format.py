"""The form of tests/text/*.test: readable files that say what a user does and sees.

    name: Broken JSON in the middle of a batch
    description: The good lines become rows; the broken one is kept whole, with its reason.
    group: bad input
    skip inference-off: the columns are what this is about

    lake
      streams:
        t: {}

    put t
      {"a": 1}
      {"a":
    ----
      accepted 2

    sql
      SELECT a FROM raw.t
    ----
      a
      1

A step begins in the first column with its kind and arguments; what belongs to it is indented by two spaces; what is
expected follows a line of four dashes. Lines that begin with # are comments. The kinds of steps:

lake                the lake file, once, as the first step; the lake is started with it
put STREAM [as TYPE] [python|gzip] [Header: value]…
                    sends the lines as a body. TYPE: ndjson (default), json, csv, or a media type. `python`: the body is
                    a Python expression of bytes. `gzip`: compressed on the way.
                    Expected: `accepted N`, `status N`, `duplicate`, `error CODE: words`, `errors N`,
                    `refused INDEX: words`, `Header: value`
sql                 a statement. Expected: a line of names and the rows, cells separated by |. NULL is a null,
                    (empty) an empty text, and \\n, \\t, \\| stand for themselves in texts. No expectation: it succeeds.
error               a statement that is refused. Expected: `CODE: words`, one or more lines of words
lake-error          a lake file that is refused. Expected: words, each in the message of `tarn up`; exit status 1
plan                a lake file. Expected: words, each in what `tarn plan` prints
apply               a lake file that is applied, and holds from now on. Expected: words, each in what `tarn apply` prints
http METHOD PATH    a request with the lines as its body. Expected: `status N`, and words, each in the answer
tarn ARGUMENTS      a command. Expected: `exit N` (default 0), and words, each in what it prints
let NAME            a statement; its one value stands for $NAME in the steps after it
flush [STREAM]      delivers · maintain [TABLE] · redrive STREAM, expected: `records N`, `remaining N`
restart             SIGTERM and a new start · kill: SIGKILL and a new start
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

KINDS = {"lake", "put", "sql", "error", "lake-error", "plan", "apply", "http", "tarn", "let", "flush", "maintain",
         "redrive", "restart", "kill"}


class FormatError(Exception):
    pass


@dataclass
class Step:
    kind: str
    arguments: str
    line: int
    body: list = field(default_factory=list)
    expected: list = None  # None: no line of dashes

    @property
    def text(self):
        return "\n".join(self.body) + "\n" if self.body else ""


@dataclass
class TextTest:
    path: Path
    name: str
    description: str
    group: str
    skips: dict  # world → reason
    steps: list


def parse(text, path, worlds):
    fields, skips, steps = {}, {}, []
    expecting = False

    def wrong(number, why):
        raise FormatError(f"{path}:{number}: {why}")

    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or (not line.strip() and not steps):
            continue
        if line == "----":
            if not steps or expecting:
                wrong(number, "---- without a step before it")
            steps[-1].expected = []
            expecting = True
        elif line.startswith("  ") or not line.strip():
            if not steps:
                wrong(number, "an indented line before the first step")
            (steps[-1].expected if expecting else steps[-1].body).append(line[2:])
        elif line.split()[0] in KINDS and not re.match(r"(\w+):", line):
            kind, _, arguments = line.partition(" ")
            steps.append(Step(kind, arguments.strip(), number))
            expecting = False
        elif not steps and (match := re.match(r"(name|description|group): (.+)$", line)):
            fields[match.group(1)] = match.group(2)
        elif not steps and (match := re.match(r"skip ([\w-]+): (.+)$", line)):
            if match.group(1) not in worlds:
                wrong(number, f"there is no world {match.group(1)}: {', '.join(worlds)}")
            skips[match.group(1)] = match.group(2)
        else:
            wrong(number, f"no step and no field: {line!r} (steps: {', '.join(sorted(KINDS))})")
    for wanted in ("name", "description", "group"):
        if wanted not in fields:
            wrong(1, f"{wanted}: … is missing")
    if not steps or steps[0].kind != "lake":
        wrong(1, "the first step is the lake")
    if any(step.kind == "lake" for step in steps[1:]):
        wrong(steps[0].line, "there is one lake; use apply to change it")
    for step in steps:
        for part in (step.body, step.expected):
            while part and not part[-1].strip():
                part.pop()
    return TextTest(Path(path), fields["name"], fields["description"], fields["group"], skips, steps)
