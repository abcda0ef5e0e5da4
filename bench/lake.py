"""A lake for benchmarks: starts the program in a temporary folder, speaks plain HTTP to it over kept connections."""

import base64
import json
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/bin/tarn"

COUNTRIES = ["IN", "DE", "US", "GB", "FR", "BR", "JP", "ZA"]
FIRST = ["Asha", "Bruno", "Chen", "Dina", "Emil", "Fatima", "Goran", "Hana"]
LAST = ["Adler", "Bose", "Costa", "Dubois", "Eriksen", "Fujita", "Gupta", "Hughes"]
WORDS = ("payment at the terminal was accepted after a second check by issuing bank and card holder confirmed amount in "
         "local currency with pin receipt").split()


def event(number, rng):
    """One event of about 400 bytes and 13 fields, as in the records benchmark."""
    user = rng.randrange(1_000_000)
    first, last = FIRST[user % 8], LAST[user // 8 % 8]
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_700_000_000 + number * 7 // 1000)) + f".{number * 7 % 1000:03d}Z"
    text = " ".join(rng.choices(WORDS, k=16))
    return (f'{{"id":{number},"event_id":"{rng.getrandbits(64):016x}","time":"{stamp}","received":"{stamp}","user_id":{user},'
            f'"name":"{first} {last}","email":"{first}.{last}.{user}@example.com","country":"{COUNTRIES[user % 8]}",'
            f'"amount":{rng.randrange(5000)}.{rng.randrange(10, 100)},"balance":{rng.randrange(100000)}.{rng.randrange(10, 100)},'
            f'"approved":{"true" if rng.random() < 0.9 else "false"},"attempts":{rng.randrange(4)},"text":"{text}"}}\n')


def batches(events, per_batch):
    """NDJSON bodies of `per_batch` events. Made from a few thousand different ones with their own ids: making two
    million in Python would take longer than what is measured."""
    rng = random.Random(7)
    tails = [event(0, rng).split(",", 1)[1] for _ in range(5000)]
    bodies = []
    for begin in range(0, events, per_batch):
        end = min(begin + per_batch, events)
        bodies.append("".join(f'{{"id":{i},{tails[i % 5000]}' for i in range(begin, end)).encode())
    return bodies


class Connection:
    """One kept HTTP connection."""

    def __init__(self, host, port, key=""):
        self.authorization = f"Authorization: Basic {base64.b64encode(key.encode()).decode()}\r\n" if key else ""
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def request(self, method, target, body=b"", content_type="application/x-ndjson"):
        head = (f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
                f"{self.authorization}Content-Length: {len(body)}\r\n\r\n").encode()
        self.socket.sendall(head + body)
        return self._answer()

    def _more(self):
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise ConnectionError("the lake closed the connection")
        self.buffer += piece

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _take(self, count):
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _answer(self):
        status = int(self._line().split()[1])
        headers = {}
        while line := self._line():
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._line().split(b";")[0], 16):
                body += self._take(size)
                self._line()
            self._line()
        else:
            body = self._take(int(headers.get("content-length", 0)))
        return status, body

    def put(self, stream, body):
        """Sends one batch until it is acknowledged, waiting when the lake says slow down."""
        while True:
            status, answer = self.request("POST", f"/v1/streams/{stream}/records", body)
            if status == 200:
                return
            if status not in (429, 503):
                raise RuntimeError(f"{status} {answer.decode()}")
            time.sleep(0.05)

    def sql(self, text):
        status, body = self.request("POST", "/v1/sql", json.dumps({"sql": text}).encode(), "application/json")
        if status != 200:
            raise RuntimeError(f"{status} {body.decode()}")
        return json.loads(body)["rows"]


class Lake:
    def __init__(self, declaration):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tarn-bench-", dir=ROOT / "build"))
        self.data = self.folder / "data"
        (self.folder / "lake.yaml").write_text(json.dumps({"lake": "bench", **declaration}))  # JSON is YAML too
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        shutil.rmtree(self.folder)

    def start(self):
        address = self.data / "http.address"
        address.unlink(missing_ok=True)
        log = open(self.folder / "tarn.log", "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "up", "-f", self.folder / "lake.yaml", "--data", self.data, "--http", "127.0.0.1:0"], stderr=log)
        give_up = time.monotonic() + 60
        while True:
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError("the lake doesn't answer:\n" + (self.folder / "tarn.log").read_text())
            try:
                host, port = address.read_text().strip().rsplit(":", 1)
                self.host, self.port = host, int(port)
                if self.connect().request("GET", "/v1/health")[0] == 200:
                    return
            except (FileNotFoundError, ValueError, OSError):
                time.sleep(0.005)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def connect(self):
        return Connection(self.host, self.port, ":".join(self.key()))

    def key(self):
        """The root's access key: id and secret."""
        lines = (self.data / "root.key").read_text().splitlines()
        values = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return values["access_key_id"].strip(), values["secret_access_key"].strip()

    def send_all(self, stream, bodies, connections):
        """Sends all bodies over several connections, each batch acknowledged before the connection's next."""
        lanes = [bodies[i::connections] for i in range(connections)]

        def send(lane):
            connection = self.connect()
            for body in lane:
                connection.put(stream, body)

        threads = [threading.Thread(target=send, args=(lane,)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def flush(self, stream):
        status, body = self.connect().request("POST", f"/v1/streams/{stream}/flush")
        if status >= 300:
            raise RuntimeError(body.decode())

    def sql(self, text):
        return self.connect().sql(text)

    def peak_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmHWM")
