"""Energy: CPU seconds without CodeCarbon, its estimate with it, and its names for what it rests on."""

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ensemble.evaluation import energy
from ensemble.evaluation.energy import CPU_ALONE, Energy, measure_energy


@pytest.fixture
def without_codecarbon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)  # importing it fails, installed or not


@pytest.fixture
def trackers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """A stand-in for CodeCarbon that knows Germany alone and logs loudly; the trackers that were made."""
    made: list[Any] = []

    class Tracker:
        fails = False

        def __init__(self, **settings: Any) -> None:
            self.settings, self.running = settings, False
            logging.getLogger("codecarbon").warning("Multiple instances are allowed.")
            made.append(self)

        def start(self) -> None:
            self.running = True

        def stop(self) -> None:
            self.running = False
            known = "Germany" if self.settings["country_iso_code"] == "DEU" else None
            if not Tracker.fails:
                self.final_emissions_data = SimpleNamespace(energy_consumed=0.002, emissions=0.0008, country_name=known)

    module = ModuleType("codecarbon")
    module.OfflineEmissionsTracker = Tracker  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "codecarbon", module)
    yield made
    Tracker.fails = False


def work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_without_the_package_cpu_seconds_are_counted(without_codecarbon: None) -> None:
    with measure_energy() as meter:
        work(0.15)
    assert 0.1 <= meter.energy.cpu_seconds < 2
    assert meter.energy.watt_hours is None and meter.energy.grams_co2 is None and meter.energy.source == CPU_ALONE
    assert meter.energy.sentence().endswith("For Wh and CO2 install requirements-extras.txt.")


@pytest.mark.parametrize(
    ("country", "asked", "source"),
    [
        (None, None, "CodeCarbon offline, world average"),
        ("deu", "DEU", "CodeCarbon offline, country DEU"),
        ("XXX", "XXX", "CodeCarbon offline, world average, because QUORUM_COUNTRY=XXX is no country that it knows"),
    ],
)
def test_with_the_package_its_estimate_is_taken_and_its_country_named(
    trackers: list[Any], monkeypatch: pytest.MonkeyPatch, country: str | None, asked: str | None, source: str
) -> None:
    if country is not None:
        monkeypatch.setenv(energy.COUNTRY, country)
    with measure_energy() as meter:
        assert trackers[0].running
    assert not trackers[0].running and trackers[0].settings["country_iso_code"] == asked
    assert meter.energy.watt_hours == pytest.approx(2.0) and meter.energy.grams_co2 == pytest.approx(0.8)
    assert meter.energy.source == source and "40%" in meter.energy.uncertainty
    assert source in meter.energy.sentence() and "2 Wh and 0.8 g CO2" in meter.energy.sentence()


def test_nothing_is_written_sent_or_logged(
    trackers: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with measure_energy():
        pass
    settings = trackers[0].settings
    assert settings["output_methods"] == [] and settings["allow_multiple_runs"]
    assert settings["emissions_endpoint"] is None and settings["electricitymaps_api_token"] is None
    assert not list(tmp_path.iterdir()) and capfd.readouterr() == ("", "")


def test_a_block_that_fails_stops_the_tracker(trackers: list[Any]) -> None:
    with pytest.raises(ZeroDivisionError), measure_energy() as meter:
        _ = 1 / 0
    assert not trackers[0].running and meter.energy.watt_hours == pytest.approx(2.0)


def test_a_tracker_without_an_answer_leaves_the_cpu_seconds(trackers: list[Any]) -> None:
    with measure_energy() as meter:
        type(trackers[0]).fails = True
    assert meter.energy.source == CPU_ALONE and meter.energy.watt_hours is None


def test_blocks_within_each_other_are_measured_each(trackers: list[Any]) -> None:
    with measure_energy() as whole, measure_energy() as part:
        work(0.02)
    assert len(trackers) == 2 and whole.energy.cpu_seconds >= part.energy.cpu_seconds >= 0


def test_amounts_are_scaled_and_rounded() -> None:
    thousand = Energy(7.2, 0.12345678, 0.05, "s", "u").times(1000 / 72)
    assert thousand.amounts() == {"cpu_seconds": 100.0, "watt_hours": 1.715, "grams_co2": 0.6944}
    assert thousand.as_json() == thousand.amounts() | {"source": "s", "uncertainty": "u"}
    assert Energy(1.0).times(2).amounts() == {"cpu_seconds": 2.0, "watt_hours": None, "grams_co2": None}
