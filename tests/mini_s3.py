"""Serves the buckets of a lake's folder to other engines, read-only: as much of S3 as they need to read a table.

Keys become file names as docs/formats/store.md says; written from that page, and not from our code, so that the two
hold each other to it.
"""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

PIECE_BYTES_MAX = 200


def escaped(character):
    special = ord(character) < 0x20 or character in "\x7f%*?["
    return f"%{ord(character):02X}" if special else character


def pieces(component):
    if not component:
        return ["%_"]
    result = [""]
    for unit in map(escaped, component):
        if len((result[-1] + unit).encode()) > PIECE_BYTES_MAX:
            result.append("")
        result[-1] += unit
    if result[-1] in (".", ".."):
        result[-1] = result[-1].replace(".", "%2E")
    return result


def key_to_path(key):
    *folders, leaf = key.split("/")
    names = []
    for component in folders:
        *chain, last = pieces(component)
        names += [piece + "%+" for piece in chain] + [last + "%" if "." in last else last]
    *chain, last = pieces(leaf)
    return "/".join([*names, *(piece + "%+" for piece in chain), last if "." in last else last + "%"])


class MiniS3:
    """with MiniS3(folder of the buckets) as s3: s3.endpoint is http://127.0.0.1:…"""

    def __init__(self, root):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer(True)

            def do_HEAD(self):
                self.answer(False)

            def answer(self, with_body):
                bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
                path = root / bucket / key_to_path(key)
                if not key or not path.is_file():
                    return self.reply(404, b"", {})
                data = path.read_bytes()
                headers = {"ETag": f'"{len(data)}"', "Accept-Ranges": "bytes", "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
                wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
                status = 200
                size = len(data)
                if wanted:
                    low, high = wanted.groups()
                    begin = int(low) if low else max(0, size - int(high))
                    end = min(int(high), size - 1) if low and high else size - 1
                    data, status = data[begin:end + 1], 206
                    headers["Content-Range"] = f"bytes {begin}-{end}/{size}"
                self.reply(status, data, headers, with_body)

            def reply(self, status, data, headers, with_body=True):
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if with_body:
                    self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.endpoint = f"http://{self.address}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
