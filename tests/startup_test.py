"""What `tarn up` says when it can't start, and how it goes on when the disk is full or it is told to stop."""

import os
import socket
import subprocess
import threading

import pytest
import tarn

LAKE = "lake: t\nstreams:\n  s: {}\n"


def up(folder, *arguments):
    lake = folder / "lake.yaml"
    lake.write_text(LAKE)
    return subprocess.run([tarn.binary(), "up", "-f", lake, "--data", folder / "data", *arguments],
                          capture_output=True, text=True, timeout=60)


def test_a_second_process_on_the_same_folder_is_told_who_has_it(tmp_path):
    with tarn.Lake(tmp_path / "data", LAKE) as lake:
        second = up(tmp_path, "--http", "127.0.0.1:0")
        assert second.returncode == 1
        assert str(lake.process.pid) in second.stderr, second.stderr


def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = up(tmp_path, "--http", f"127.0.0.1:{port}")
        assert result.returncode == 1
        assert str(port) in result.stderr, result.stderr


def test_a_data_path_that_is_a_file_is_named(tmp_path):
    (tmp_path / "data").write_text("not a folder")
    result = up(tmp_path, "--http", "127.0.0.1:0")
    assert result.returncode == 1
    assert "data" in result.stderr, result.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("a small file system can be mounted by root only; log_test fills a disk without one")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_read_only_folder_is_named(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    lake = small_disk.parent / "lake.yaml"
    lake.write_text(LAKE)
    result = subprocess.run([tarn.binary(), "up", "-f", lake, "--data", small_disk / "data", "--http", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert str(small_disk) in result.stderr, result.stderr


def test_a_full_disk_is_told_to_producers_and_nothing_acknowledged_is_lost(small_disk):
    declared = "lake: t\nstreams:\n  s: { deliver: { every: { age: 24h, size: 1GiB } } }\n"
    with tarn.Lake(small_disk / "data", declared) as lake:
        acknowledged = 0
        body = "".join(f'{{"id":{i},"text":"{"x" * 200}"}}\n' for i in range(1000))
        for _ in range(200):
            answer = lake.put("s", body)
            if answer.status != 200:
                break
            acknowledged += 1000
        assert answer.status == 507, answer.body
        assert answer.error["code"] == "full"
        assert int(lake.value("SELECT count(*) FROM raw.s")) >= acknowledged
        lake.kill()
        lake.start()
        count = int(lake.value("SELECT count(*) FROM raw.s"))
        assert count == acknowledged
        # With room again it takes records again.
        subprocess.run(["mount", "-o", "remount,size=256m", small_disk], check=True)
        assert lake.put("s", body).status == 200
        lake.flush()
        assert int(lake.value("SELECT count(*) FROM raw.s")) == acknowledged + 1000


def test_sigterm_delivers_what_is_there_and_ends_with_0(tmp_path):
    with tarn.Lake(tmp_path / "data", LAKE) as lake:
        assert lake.put("s", '{"id":1}').status == 200
        assert lake.stop() == 0
        lake.start()
        assert lake.request("GET", "/v1/streams/s").json["status"]["undelivered_records"] == "0"
        assert lake.value("SELECT id FROM raw.s") == "1"


def test_sigterm_ends_a_query_that_would_run_for_hours(tmp_path):
    with tarn.Lake(tmp_path / "data", LAKE) as lake:
        failures = []

        def ask():
            try:
                lake.sql("SELECT count(*) FROM range(100000000000) t(i) WHERE hash(i) % 7 = 3", session=tarn.requests.Session())
            except (tarn.Gone, tarn.SqlError) as error:
                failures.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        while "tarn_query_total 1" not in lake.request("GET", "/v1/metrics").body.decode() and asking.is_alive():
            pass
        assert lake.stop() == 0
        asking.join()
        assert failures
