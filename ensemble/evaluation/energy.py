"""What a piece of work has used: CPU seconds always; Wh and grams of CO2 where CodeCarbon is installed.

CodeCarbon (an extra) runs offline: it estimates the power from counters or from this process's share of the processor
and the memory, and takes a country's yearly average for the CO2. Nothing is sent, and nothing is written.
"""

import logging
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ensemble.disk.files import now
from ensemble.values.digits import is_number
from ensemble.values.language import Message

COUNTRY = "QUORUM_COUNTRY"  # the setting with the three-letter ISO code of the country whose grid feeds this machine
CPU_ALONE = Message("CPU seconds only")
CPU_UNCERTAINTY = Message("CPU time of the training process and of the finished processes that it started.")
CARBON_UNCERTAINTY = Message(
    "Estimated by CodeCarbon, not metered: up to 40% off (Fischer 2025, arXiv:2509.22092), more on virtual machines. "
    "CO2 by the yearly average of the grid. Counters and graphics cards include other work on the machine."
)


@dataclass(frozen=True, slots=True)
class Energy:
    """What was used, by which source and how sure; `watt_hours` and `grams_co2` are None where nothing tells them."""

    cpu_seconds: float = 0.0
    watt_hours: float | None = None
    grams_co2: float | None = None
    source: str = CPU_ALONE
    uncertainty: str = CPU_UNCERTAINTY

    def times(self, factor: float) -> "Energy":
        """The same work done so many times as often."""
        watt_hours = None if self.watt_hours is None else self.watt_hours * factor
        grams_co2 = None if self.grams_co2 is None else self.grams_co2 * factor
        return replace(self, cpu_seconds=self.cpu_seconds * factor, watt_hours=watt_hours, grams_co2=grams_co2)

    def amounts(self) -> dict[str, float | None]:
        """CPU seconds, Wh and grams of CO2, rounded to the four digits that they can tell at most."""
        found = {"cpu_seconds": self.cpu_seconds, "watt_hours": self.watt_hours, "grams_co2": self.grams_co2}
        return {name: None if value is None else float(f"{value:.4g}") for name, value in found.items()}

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.amounts(), "source": self.source, "uncertainty": self.uncertainty}

    def sentence(self) -> Message:
        """One line for a person."""
        if self.watt_hours is None or self.grams_co2 is None:
            return Message(
                "Used {cpu_seconds:.3g} CPU seconds. For Wh and CO2 install requirements-extras.txt.",
                cpu_seconds=self.cpu_seconds,
            )
        return Message(
            "Used {cpu_seconds:.3g} CPU seconds, about {watt_hours:.2g} Wh and {grams_co2:.2g} g CO2 ({source}; an "
            "estimate that can be 40% off and more).",
            cpu_seconds=self.cpu_seconds,
            watt_hours=self.watt_hours,
            grams_co2=self.grams_co2,
            source=self.source,
        )


@dataclass(slots=True)
class Meter:
    """Holds what was used, once the measured block has ended."""

    energy: Energy = field(default_factory=Energy)


def circumstances() -> dict[str, str]:
    """When (UTC) and on what machine a piece of work ends, as a product's manifest keeps them."""
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    )
    return {"trained": now(), "machine": machine}


@contextmanager
def measure_energy() -> Iterator[Meter]:
    """Measure the work of a `with` block, also where it fails; blocks may lie within each other."""
    meter, tracker = Meter(), _start_tracker()
    before = _cpu_seconds()
    try:
        yield meter
    finally:
        seconds = _cpu_seconds() - before
        meter.energy = Energy(seconds) if tracker is None else _stop(tracker, seconds)


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _start_tracker() -> Any:
    """A running CodeCarbon tracker; None without the package."""
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        return None
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # it speaks before it reads its own log_level
    tracker = OfflineEmissionsTracker(
        country_iso_code=_country() or None,
        tracking_mode="process",
        output_methods=[],
        emissions_endpoint=None,
        electricitymaps_api_token=None,
        allow_multiple_runs=True,  # or it writes a lock and takes over the signals
        log_level="critical",
    )
    tracker.start()
    return tracker


def _stop(tracker: Any, cpu_seconds: float) -> Energy:
    """What the tracker has estimated; it swallows its own failures, and then the CPU seconds remain."""
    tracker.stop()
    found = getattr(tracker, "final_emissions_data", None)
    if found is None:
        return Energy(cpu_seconds)
    return Energy(
        cpu_seconds,
        watt_hours=1000 * found.energy_consumed,
        grams_co2=1000 * found.emissions,
        source=_energy_source(found.country_name),
        uncertainty=CARBON_UNCERTAINTY,
    )


def _country() -> str:
    return os.environ.get(COUNTRY, "").strip().upper()


def _energy_source(known: str | None) -> Message:
    """Whose average was taken: without a country, or with one that it does not know, CodeCarbon takes the world's."""
    if known:
        return Message("CodeCarbon offline, country {country}", country=_country())
    if not _country():
        return Message("CodeCarbon offline, world average")
    return Message(
        "CodeCarbon offline, world average, because {setting}={country} is no country that it knows",
        setting=COUNTRY,
        country=_country(),
    )


def energy_amounts(used: Mapping[str, Any]) -> list[Message]:
    """What a training run used, each amount that was measured with its unit; `cpu_seconds` always is."""
    amounts = [Message("{seconds:,.0f} CPU seconds", seconds=used["cpu_seconds"])]
    if is_number(used.get("watt_hours")):
        amounts.append(Message("about {amount:.2g} Wh", amount=used["watt_hours"]))
    if is_number(used.get("grams_co2")):
        amounts.append(Message("about {amount:.2g} g CO2", amount=used["grams_co2"]))
    return amounts
