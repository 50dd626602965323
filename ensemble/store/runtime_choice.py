"""Which runtime carries a product's photos now, and why that one."""

import hashlib
import json
from dataclasses import dataclass

from ensemble.features.graphs import EXACT_RUNTIMES, OPENVINO_INT8, TORCH
from ensemble.features.openvino_runtime import CalibratedRuntime, made_with
from ensemble.features.preprocessing import PIXELS
from ensemble.features.runtimes import available_runtimes, forced_runtime
from ensemble.store.manifest import Manifest
from ensemble.store.runtime_gate import RuntimeGate
from ensemble.values.language import Message
from ensemble.values.titles import runtime_title


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """A runtime, whether the setting forces it, and one sentence on why it is used."""

    name: str
    forced: bool
    reason: Message


def members_digest(manifest: Manifest) -> str:
    """Of all that scores depend on: what a comparison of runtimes holds for."""
    known = {name: _scored_by(entry) for name, entry in json.loads(manifest.to_json())["members"].items()}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _scored_by(entry: object) -> object:
    """What a member's scores depend on; its own entry where it cannot be read."""
    keys = ("kind", "files", "backbone", "preprocessing", "classes", "weight", "calibration")
    return {key: entry[key] for key in keys if key in entry} if isinstance(entry, dict) else entry


def chosen_runtime(manifest: Manifest) -> RuntimeChoice:
    """The one that the setting forces, else the one that the manifest's comparison has chosen where it still holds."""
    gate = manifest.runtimes
    if forced := forced_runtime():
        return RuntimeChoice(forced, True, _forced_reason(forced, gate))
    if gate is None:
        return _torch(Message("Faster runtimes have not been compared with PyTorch on this product yet."))
    if gate.members != members_digest(manifest):
        return _torch(Message("The models have changed since faster runtimes were compared."))
    return _torch(_why_none(gate)) if gate.chosen == TORCH else _by_comparison(manifest, gate)


def _by_comparison(manifest: Manifest, gate: RuntimeGate) -> RuntimeChoice:
    """What has passed, where this machine has it and rounds as that one did."""
    if gate.chosen not in available_runtimes():
        return _slower(
            gate,
            Message("{runtime} has passed, and this machine does not have it.", runtime=runtime_title(gate.chosen)),
        )
    if gate.chosen not in EXACT_RUNTIMES and gate.made_with != made_with():
        told = Message(
            "{runtime} was compared on another processor or with other versions.", runtime=runtime_title(gate.chosen)
        )
        return _slower(gate, told)
    if gate.chosen == OPENVINO_INT8 and not _is_calibrated_here(manifest, CalibratedRuntime(gate.compared)):
        told = Message(
            "{runtime} has passed, and was not calibrated on this machine. Run `python -m ensemble runtime` again.",
            runtime=runtime_title(gate.chosen),
        )
        return _slower(gate, told)
    told = Message(
        "{speed:.1f} times as fast as PyTorch, compared on {photos} photos.",
        speed=gate.results[gate.chosen].speed,
        photos=gate.photos,
    )
    return RuntimeChoice(gate.chosen, False, told)


def _is_calibrated_here(manifest: Manifest, runtime: CalibratedRuntime) -> bool:
    """Whether each network of a product was calibrated on this machine."""
    specs = [record.backbone for record in manifest.members.values() if record.backbone]
    return all(
        runtime.is_kept((spec.name, spec.layers, spec.weights), spec.preprocessing.size)
        for spec in specs
        if spec.pooling != PIXELS
    )


def _torch(reason: Message) -> RuntimeChoice:
    return RuntimeChoice(TORCH, False, reason)


def _slower(gate: RuntimeGate, reason: Message) -> RuntimeChoice:
    """The next that holds on this machine."""
    alike = gate.made_with == made_with()
    others = [name for name in available_runtimes() if name != gate.chosen and (alike or name in EXACT_RUNTIMES)]
    return RuntimeChoice(gate.best_of(others), False, reason)


def _why_none(gate: RuntimeGate) -> Message:
    failed = {name: problem for name in gate.results if (problem := gate.problem(name))}
    if failed:
        name, problem = next(iter(failed.items()))
        return Message("{runtime} has failed: {problem}", runtime=runtime_title(name), problem=problem)
    return Message("No runtime was faster than PyTorch on this product.")


def _forced_reason(forced: str, gate: RuntimeGate | None) -> Message:
    compared = gate is not None and forced in gate.results
    if gate and compared and (problem := gate.problem(forced)):
        return Message("QUORUM_RUNTIME forces it, although this product has failed with it: {problem}", problem=problem)
    if compared or forced == TORCH:
        return Message("QUORUM_RUNTIME forces it.")
    return Message("QUORUM_RUNTIME forces it; it has not been compared with PyTorch on this product.")
