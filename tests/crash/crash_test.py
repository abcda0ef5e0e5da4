"""Kills the program at random moments and at its fault points, and holds the tables to what was acknowledged.

TARN_CRASH_ROUNDS (30) says how often, TARN_CRASH_SEED repeats a run's choices (not its timing). A lake lives through
SERIES_ROUNDS crashes, then another begins: each check reads all that is there.
"""

import os
import random

import pytest

import power
from harness import Harness, Lost, fault_points

ROUNDS = int(os.environ.get("TARN_CRASH_ROUNDS", "30"))
SEED = int(os.environ["TARN_CRASH_SEED"])  # conftest.py chooses one and prints it
SERIES_ROUNDS = 40
POWER_ROUNDS = max(4, ROUNDS // 3)
CANARY_ROUNDS = 3  # each would show it; more than one, as the kill may come before anything was acknowledged


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return power.build(tmp_path_factory.mktemp("library"))


def run_rounds(harness, rounds, choices):
    points = fault_points()
    assert points, "no fault_point() in src"
    try:
        for _ in range(rounds):
            # Half of the rounds are killed by the clock, half at a fault point; some fault points come only seldom.
            fault = f"{choices.choice(points)}:{choices.choice([1, 1, 2, 3, 8])}" if choices.random() < 0.5 else None
            harness.round(choices.uniform(0.2, 1.5), fault)
            harness.check_after_crash()
            harness.die()  # the look at it is no quiet moment either: whatever it started is cut off too
        harness.lake.start()
        return harness.finish()
    finally:
        harness.lake.close()


def run_series(rounds, make_harness):
    """make_harness(number of the series) for each lake. Returns how many records were acknowledged, of how many queries."""
    records = looked = 0
    for number, first in enumerate(range(0, rounds, SERIES_ROUNDS)):
        harness = make_harness(number)
        records += run_rounds(harness, min(SERIES_ROUNDS, rounds - first), random.Random(f"{SEED} {number}"))
        looked += harness.looked
    print(f"{rounds} crashes: {records} records acknowledged, {looked} queries meanwhile")
    assert records > 0
    return looked


def test_kills_lose_and_double_nothing(tmp_path):
    def make(number):
        (tmp_path / str(number)).mkdir()
        return Harness(tmp_path / str(number), SEED + number)
    assert run_series(ROUNDS, make) > 0


def test_power_cuts_lose_and_double_nothing(tmp_path, library):
    def make(number):
        folder = tmp_path / str(number)
        mains = power.Power(library, folder / "data", folder / "journal")
        return Harness(folder, SEED + number, mains, partly=True)
    run_series(POWER_ROUNDS, make)


def test_without_syncs_of_the_log_the_check_fails(tmp_path, library):
    """The canary: an acknowledgement that doesn't wait for the disk must be found out."""
    mains = power.Power(library, tmp_path / "data", tmp_path / "journal", ignore_sync="/log")
    harness = Harness(tmp_path, SEED, mains, age="1h", maintenance="1h")
    try:
        with pytest.raises(Lost, match="was acknowledged; in the table") as found:
            for _ in range(CANARY_ROUNDS):
                harness.round(1.0)
                harness.check_after_crash()
                harness.die()
        print(f"found out: {found.value}")
    finally:
        harness.lake.close()


def test_the_oracle_sees_losses_doubles_and_halves(tmp_path):
    """The check itself, against tables that are wrong in each way; no program needed."""
    harness = Harness(tmp_path, 1)
    producer = harness.producers[-1]
    producer.acknowledged, producer.unknown = {0: 2}, {1: 3}
    harness.check_producer(producer, {0: (2, 2, 1)})
    harness.check_producer(producer, {0: (2, 2, 1), 1: (3, 3, 2)})
    for wrong in ({}, {0: (1, 1, 0)}, {0: (4, 2, 1)}, {0: (2, 2, 2)}, {0: (2, 2, 1), 1: (2, 2, 1)}, {0: (2, 2, 1), 7: (1, 1, 0)}):
        with pytest.raises(Lost):
            harness.check_producer(producer, wrong)


def test_there_are_fault_points_in_every_step_of_a_commit():
    points = fault_points()
    for part in ("store.", "meta.", "log.", "delivery."):
        assert any(point.startswith(part) for point in points), f"no fault point {part}…: {points}"
