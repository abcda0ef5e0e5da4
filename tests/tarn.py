"""Drives one lake from outside: the real program, over HTTP and by its commands."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import requests

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
REQUEST_SECONDS_MAX = 120


def binary():
    """The program to test: TARN_BIN, or what `make build` made."""
    if os.environ.get("TARN_BIN"):
        return Path(os.environ["TARN_BIN"])
    return ROOT / "build" / "release" / "bin" / "tarn"


class Gone(Exception):
    """The server could not be reached, or was killed while it answered: the outcome is not known."""


class StartFailed(Exception):
    """`tarn up` ended instead of listening; args are its exit status and what it said."""


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict = field(default_factory=dict)

    @property
    def json(self):
        # Numbers as they were written: 1.0 is not 1, and 9223372036854775808 is not a float.
        return json.loads(self.body, parse_float=Number, parse_int=Number)

    @property
    def error(self):
        return self.json["error"]


class Number(str):
    """A JSON number by its digits."""

    def __repr__(self):
        return str(self)


class SqlError(Exception):
    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Lake:
    """One data folder and, while it runs, the process that serves it."""

    def __init__(self, data, lake_file_text="lake: test\n", env=None, program=None, ca_file=None):
        self.ca_file = ca_file
        self.scheme = "https" if ca_file else "http"
        self.http = "127.0.0.1:0"  # where it listens; port 0 is any free one
        self.data = Path(data)
        self.lake_file = self.data.parent / f"{self.data.name}.yaml"
        self.log_file = self.data.parent / f"{self.data.name}.log"
        self.env = dict(env or {})
        self.program = Path(program or binary())
        self.process = None
        self.url = None
        self.session = requests.Session()
        self.declare(lake_file_text)

    def declare(self, lake_file_text):
        self.lake_file.write_text(lake_file_text)

    # The process.

    def start(self, env=None):
        assert self.process is None, "the lake runs already"
        address = self.data / "http.address"
        address.unlink(missing_ok=True)
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "up", "-f", self.lake_file, "--data", self.data, "--http", self.http],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.env, **(env or {})})
        deadline = time.monotonic() + START_SECONDS_MAX
        self.session = self.new_session()
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                status, self.process = self.process.returncode, None
                raise StartFailed(status, self.log_tail())
            try:
                self.url = f"{self.scheme}://{address.read_text().strip().split('://')[-1]}"
                if self.request("GET", "/v1/health").status == 200:
                    self.session.auth = self.key()
                    return self
            except (FileNotFoundError, Gone):
                pass
            time.sleep(0.01)
        self.kill()
        raise StartFailed(None, f"no answer in {START_SECONDS_MAX} s\n{self.log_tail()}")

    def key(self):
        """The root's access key: its id and its secret."""
        lines = dict(line.split(" = ", 1) for line in (self.data / "root.key").read_text().splitlines() if " = " in line)
        return lines["access_key_id"].strip(), lines["secret_access_key"].strip()

    def new_session(self):
        """A connection of its own, with the root's key once there is one."""
        session = requests.Session()
        if (self.data / "root.key").exists():
            session.auth = self.key()
        return session

    def stop(self):
        """Asks it to end, as a service manager does; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self._wait(STOP_SECONDS_MAX)

    def kill(self):
        self.process.kill()
        return self._wait(STOP_SECONDS_MAX)

    def _wait(self, seconds):
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise AssertionError(f"tarn did not end within {seconds} s\n{self.log_tail()}") from None
        self.process = None
        return status

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        if self.process is not None:
            self.kill()
        self.session.close()

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, *_):
        self.close()

    def log_tail(self, lines=40):
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    # Over HTTP.

    def request(self, method, path, body=None, headers=None, timeout=REQUEST_SECONDS_MAX, session=None):
        try:
            answer = (session or self.session).request(method, self.url + path, data=body, headers=headers, timeout=timeout,
                                                              auth=self.session.auth, verify=self.ca_file or True)
        except requests.exceptions.RequestException as error:
            raise Gone(str(error)) from None
        return Answer(answer.status_code, answer.content, answer.headers)

    def put(self, stream, body, content_type="application/x-ndjson", headers=None, query="", **options):
        if isinstance(body, str):
            body = body.encode()
        return self.request("POST", f"/v1/streams/{quote(stream, safe='')}/records{query}", body,
                            {"Content-Type": content_type, **(headers or {})}, **options)

    def sql(self, statement, **options):
        """The answer of a statement: its columns' names and its rows; SqlError when it is refused."""
        answer = self.request("POST", "/v1/sql", statement.encode(), {"Content-Type": "text/plain"}, **options)
        if answer.status != 200:
            error = answer.error
            raise SqlError(answer.status, error["code"], error["message"])
        result = answer.json
        if "error" in result:
            raise SqlError(200, result["error"]["code"], result["error"]["message"])
        return [column["name"] for column in result["columns"]], result["rows"]

    def value(self, statement, **options):
        return self.sql(statement, **options)[1][0][0]

    def streams(self):
        return [stream["name"] for stream in self.request("GET", "/v1/streams").json["streams"]]

    def flush(self, stream=None):
        for name in [stream] if stream else self.streams():
            answer = self.request("POST", f"/v1/streams/{quote(name, safe='')}/flush")
            assert answer.status == 200, f"flush {name}: {answer.status} {answer.body.decode()}"

    def tables(self):
        return [table["name"] for table in self.request("GET", "/v1/tables").json["tables"]]

    def maintain(self, table=None):
        for name in [table] if table else self.tables():
            answer = self.request("POST", f"/v1/tables/{quote(name, safe='')}/maintain")
            assert answer.status == 200, f"maintain {name}: {answer.status} {answer.body.decode()}"

    # By its commands.

    def command(self, *arguments, check=None, stdin=None):
        result = subprocess.run([self.program, *map(str, arguments)], input=stdin, capture_output=True, text=True,
                                timeout=REQUEST_SECONDS_MAX, env={**os.environ, **self.command_env()})
        if check is not None:
            assert result.returncode == check, f"tarn {' '.join(map(str, arguments))}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def command_env(self):
        env = {"TARN_URL": self.url or "", "TARN_CA_FILE": str(self.ca_file or "")}
        if (self.data / "root.key").exists():
            env["TARN_ACCESS_KEY_ID"], env["TARN_SECRET_ACCESS_KEY"] = self.key()
        return env

    def verify(self):
        """`tarn verify` of the stored lake, which nobody may be using; returns its result."""
        return self.command("verify", "--data", self.data)
