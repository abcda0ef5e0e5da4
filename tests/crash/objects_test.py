"""Kills the program in the middle of PUT, multipart completion, copy, deletion and versions; holds buckets to what was answered."""

import os
import random
import time

import pytest

import power
from harness import Lost, fault_points
from objects_harness import NOTHING, Client, ObjectsHarness

ROUNDS = max(6, int(os.environ.get("TARN_CRASH_ROUNDS", "30")) // 3)
SEED = int(os.environ["TARN_CRASH_SEED"])
PARTS = ("objects.", "meta.", "log.")


def run_rounds(harness, rounds):
    points = [point for point in fault_points() if point.startswith(PARTS)]
    assert any(point.startswith("objects.") for point in points), points
    choices = random.Random(SEED)
    try:
        for _ in range(rounds):
            fault = f"{choices.choice(points)}:{choices.choice([1, 2, 3, 8, 20])}" if choices.random() < 0.6 else None
            harness.round(choices.uniform(0.3, 1.5), fault)
            harness.check_after_crash()
            harness.die()
        harness.lake.start()
        told = harness.check_events()
        leave_no_litter(harness)
        assert harness.lake.stop() == 0
        print(f"{rounds} crashes: {told} creations acknowledged and told")
        assert told > 0
    finally:
        harness.lake.close()


def leave_no_litter(harness):
    """Files of puts that a crash cut off are gone after a start: no more files than there are objects and open parts."""
    for client in harness.clients:
        client.delete_all(harness.lake)
    harness.lake.stop()
    harness.lake.start()
    deadline = time.monotonic() + 20
    while harness.blobs() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not harness.blobs()


def test_kills_lose_and_mix_no_object(tmp_path):
    run_rounds(ObjectsHarness(tmp_path, SEED), ROUNDS)


def test_power_cuts_lose_and_mix_no_object(tmp_path):
    library = power.build(tmp_path)
    mains = power.Power(library, tmp_path / "data", tmp_path / "journal")
    run_rounds(ObjectsHarness(tmp_path, SEED, mains, partly=True), max(4, ROUNDS // 2))


def test_the_oracle_sees_lost_and_mixed_objects():
    class Fake:
        def __init__(self, body):
            self.body = body

        def get_object(self, **_):
            import hashlib
            import io
            return {"Body": io.BytesIO(self.body), "ContentLength": len(self.body), "ETag": f'"{hashlib.md5(self.body).hexdigest()}"'}

    client = Client("c", random.Random(1))
    client.possible = {"k": {NOTHING, "5d41402abc4b2a76b9719d911017c592"}}
    client.check(Fake(b"hello"))
    for wrong in (b"hell", b"other"):
        client.possible = {"k": {NOTHING, "5d41402abc4b2a76b9719d911017c592"}}
        with pytest.raises(Lost):
            client.check(Fake(wrong))
