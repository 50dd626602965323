"""The gate that a faster runtime must pass: what it does to scores, labels and verdicts, beside torch."""

import hashlib
import json
import logging
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from pathlib import Path

from PIL import Image, ImageEnhance

from ensemble.datasets.loading import photo_path
from ensemble.disk.files import CACHE_SETTING, now
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.graphs import ONNXRUNTIME, OPENVINO, OPENVINO_INT8, TORCH, Identity, Size
from ensemble.features.openvino_runtime import CalibratedRuntime, can_calibrate, made_with
from ensemble.features.photo_batch import PhotoBatch, batches
from ensemble.features.preprocessing import PIXELS
from ensemble.features.runtimes import available_runtimes, forced_runtime
from ensemble.imaging.looking import Look, look_at_photo
from ensemble.imaging.masks import combine
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import PHOTOS_AT_ONCE, Inspector, Said
from ensemble.members import Member
from ensemble.policies import Policy
from ensemble.policies.cases import Case
from ensemble.store import Manifest, ModelStore, versions
from ensemble.store.loading import load
from ensemble.store.policy_history import policies_as_json
from ensemble.store.runtime_choice import members_digest
from ensemble.store.runtime_gate import RuntimeGate, RuntimeResult, best_runtime
from ensemble.values.errors import DataError, PhotoError, SettingError, StoreError
from ensemble.values.language import Message
from ensemble.values.results import Absence, Classes, Score
from ensemble.values.titles import runtime_title
from ensemble.values.training import ShareDone
from ensemble.values.view import View

CALIBRATION_PHOTOS = 50  # that a training compares: of a hundred looks at them one may differ
LOOKS = 2  # at each photo
MOST_TO_CALIBRATE = 32  # photos on which 8 bits are calibrated: others than those compared where there are as many
CUT_OFF, BRIGHTER = 0.01, 1.03  # of each side; times
PhotoOnDisk = tuple[Case, Path]
ShownLook = tuple[Case, Image.Image | Look]
_COMPARISON_LOG = logging.getLogger(__name__)
COMPARED = Message("Compared runtimes.")
COMPARING = Message("Comparing runtimes")


def compare_runtimes(
    store: ModelStore,
    runtimes: Sequence[str] = (),
    most: int = CALIBRATION_PHOTOS,
    progress: ShareDone = lambda _: None,
) -> RuntimeGate:
    """Compare faster runtimes, by default those of `compared_runtimes`, with torch on a product's calibration photos.

    Test photos take no part. A DataError where no calibration photo lies where it did, a SettingError where 8 bits are
    asked for and cannot be calibrated here.
    """
    if OPENVINO_INT8 in runtimes and not can_calibrate():
        raise SettingError(
            "{runtime} is calibrated by NNCF and kept in the folder of {setting}. Install it with pip install -r "
            "requirements-extras.txt, and do not switch the folder off.",
            runtime=runtime_title(OPENVINO_INT8),
            setting=CACHE_SETTING,
        )
    manifest, policies = store.manifest(), store.policies()
    asked = runtimes or compared_runtimes()
    names = [name for name in available_runtimes() if name in asked and name != TORCH]
    found = _calibration_photos(store, most + (MOST_TO_CALIBRATE if OPENVINO_INT8 in names else 0))
    photos, others = found[:most], found[most:]
    opened = {TORCH: Inspector(store.load(runtime=TORCH))}
    calibrated_on = others if len(others) == MOST_TO_CALIBRATE else found[:MOST_TO_CALIBRATE]
    gate = _comparison_of(manifest, policies, photos, calibrated_on if OPENVINO_INT8 in names else ())
    if OPENVINO_INT8 in names and not _is_calibrated(opened[TORCH], CalibratedRuntime(gate.compared), calibrated_on):
        names.remove(OPENVINO_INT8)
    compared = replace(manifest, runtimes=gate)
    opened |= {name: Inspector(load(store.path_of, compared, runtime=name)) for name in names}
    tallies, view = {name: _Tally(policies, manifest) for name in names}, opened[TORCH].view
    looks = 0
    for some in batches(photos, PHOTOS_AT_ONCE // LOOKS):
        shown = [(case, look) for case, path in some for look in _looks(path, view)]
        if not looks:  # a first pass compiles
            _judged_by_each(opened, shown)
        said, seconds = _judged_by_each(opened, shown)
        for name, tally in tallies.items():
            tally.add(said[TORCH], said[name], seconds[TORCH] / seconds[name])
        looks += len(shown)
        progress(looks / (LOOKS * len(photos)))
    results = {name: tally.result(looks) for name, tally in tallies.items()}
    return replace(gate, chosen=best_runtime(results, gate.fewest), looks=looks, at=now(), results=results)


def _comparison_of(
    manifest: Manifest, policies: Sequence[Policy], photos: Sequence[PhotoOnDisk], calibrated_on: Sequence[PhotoOnDisk]
) -> RuntimeGate:
    """A comparison that has not begun: which photos, models and policies it is about."""
    labels = Counter(case.label for case, _ in photos)
    ranges = [sorted(case.sha256 for case, _ in calibrated_on)] if calibrated_on else []
    compared = [sorted(case.sha256 for case, _ in photos), policies_as_json(policies), *ranges]
    digest = hashlib.sha256(json.dumps(compared).encode()).hexdigest()
    fewest = min(labels[name] for name in manifest.classes.names)
    return RuntimeGate(TORCH, len(photos), fewest, 0, members_digest(manifest), digest, made_with(), now(), {})


def _is_calibrated(reference: Inspector, runtime: CalibratedRuntime, photos: Sequence[PhotoOnDisk]) -> bool:
    """Quantise each network that members read, at each size; False, and a word in the log, where one cannot be."""
    sources = {_network_of(member): member.input for member in reference.members.values() if _is_carried(member)}
    seen = (read_photo(path, reference.view).picture for _, path in photos)
    pictures = [look.picture if (look := reference.look(each)) else each for each in seen]
    for (identity, size), source in sources.items():
        assert isinstance(source, FeatureExtractor)
        if runtime.is_kept(identity, size):
            continue
        try:
            runtime.calibrate(source.passes.network, identity, source.spec.preprocessing.prepare(pictures))
        except Exception as error:  # noqa: BLE001 - whatever a network makes a compiler stumble over
            _COMPARISON_LOG.warning("%s cannot be carried in 8 bits: %s", identity[0], error)
            return False
    return True


def _network_of(member: Member) -> tuple[Identity, Size]:
    """What a graph of a member's backbone is known by."""
    source = member.input
    assert isinstance(source, FeatureExtractor)
    return source.passes.identity, source.spec.preprocessing.size


def keep_comparison(store: ModelStore, gate: RuntimeGate) -> None:
    """Keep a comparison in the manifest of the product as a version in force; nothing else of it changes."""
    store.write({}, replace(store.manifest(), runtimes=gate), COMPARED)


def choose_for_candidate(store: ModelStore, number: int, progress: ShareDone) -> tuple[str, ...]:
    """Compare runtimes on a candidate and keep that in its manifest: sentences on those that may not judge.

    Nothing is compared where the setting forces a runtime.
    """
    candidate = store.at(number)
    manifest = candidate.manifest()
    if not are_compared() or not _reads_a_backbone(manifest) or manifest.view.tiles:  # it would take hours
        return ()
    try:
        gate = compare_runtimes(candidate, progress=progress)
    except (
        DataError,
        StoreError,
    ):  # no photo to compare with: it then stays on torch, and the screen says that nothing was compared
        return ()
    versions.amend(store.folder, number, replace(manifest, runtimes=gate))
    return told_of(gate)


def are_compared() -> bool:
    """Whether a training compares runtimes here."""
    return not forced_runtime()


def compared_runtimes() -> tuple[str, ...]:
    """Those that are compared where nobody names any; ONNX Runtime has about the pace of OpenVINO's 32 bits."""
    here = available_runtimes()
    slower = {ONNXRUNTIME} if OPENVINO in here else set()
    uncalibrated = set() if can_calibrate() else {OPENVINO_INT8}
    return tuple(name for name in here if name not in {TORCH, *slower, *uncalibrated})


def told_of(gate: RuntimeGate) -> tuple[Message, ...]:
    """A sentence for each runtime that was compared and may not judge."""
    return tuple(
        Message("This product does not use {runtime}: {problem}", runtime=runtime_title(name), problem=problem)
        for name in gate.results
        if (problem := gate.problem(name))
    )


def _reads_a_backbone(manifest: Manifest) -> bool:
    return any(record.backbone for record in manifest.members.values())


def _calibration_photos(store: ModelStore, most: int) -> list[PhotoOnDisk]:
    """Photos on which thresholds were chosen and which lie where they did, by turns of each class, drawn by digest."""
    evidence = store.evidence()
    by_class: dict[str, list[Case]] = defaultdict(list)
    for case in sorted(evidence.held_out, key=lambda case: case.sha256):
        by_class[case.label].append(case)
    found: list[PhotoOnDisk] = []
    for case in chain(*zip_longest(*by_class.values())):
        if case is None or len(found) == most:
            continue
        path = photo_path(store.folder, evidence, case)
        try:
            if read_photo(path).sha256 == case.sha256:
                found.append((case, path))
        except PhotoError:  # moved or changed since
            continue
    if not found:
        raise DataError(
            "{folder}: none of its calibration photos lies where it did, so runtimes cannot be compared. Put them "
            "back, or train it again.",
            folder=store.folder,
        )
    return found


def _looks(path: Path, view: View) -> Iterator[Image.Image | Look]:
    """A photo, and a little of its edges cut off and brighter: a model may know the first by heart."""
    picture = read_photo(path, view).picture
    if look := look_at_photo(picture, view):
        yield look
        yield replace(look, picture=look.by.fill(ImageEnhance.Brightness(look.picture).enhance(BRIGHTER)))
        return
    yield picture
    width, height = picture.size
    left, top = max(1, round(CUT_OFF * width)), max(1, round(CUT_OFF * height))
    yield ImageEnhance.Brightness(picture.crop((left, top, width, height))).enhance(BRIGHTER)


def _judged_by_each(
    opened: Mapping[str, Inspector], shown: Sequence[ShownLook]
) -> tuple[dict[str, list[Case]], dict[str, float]]:
    """What each says of the same pictures, one after the other, and the seconds that each took.

    Members that read no backbone's features say the same by every runtime, and are asked once.
    """
    reference = opened[TORCH]
    carried = {name for name, member in reference.members.items() if _is_carried(member)}
    others, alike = _timed_vote(reference, shown, reference.members.keys() - carried)
    said, seconds = {}, {}
    for name, inspector in opened.items():
        answers, own = _timed_vote(inspector, shown, carried)
        seconds[name] = alike + own
        said[name] = [
            _as_case(inspector, look, (*scores, *same), (*inspector.absent, *absent, *silent))
            for look, (scores, absent), (same, silent) in zip(shown, answers, others, strict=True)
        ]
    return said, seconds


def _timed_vote(inspector: Inspector, shown: Sequence[ShownLook], members: Set[str]) -> tuple[list[Said], float]:
    batch = PhotoBatch([picture for _, picture in shown])
    start = time.perf_counter()
    answers = inspector.vote(batch, members)
    return answers, time.perf_counter() - start


def _as_case(inspector: Inspector, look: ShownLook, scores: tuple[Score, ...], absent: tuple[Absence, ...]) -> Case:
    case, picture = look
    return replace(case, scores=scores, absent=absent, doubt=inspector.doubt(picture, combine(scores)))


def _is_carried(member: Member) -> bool:
    """Whether what it reads has passed a backbone."""
    return isinstance(member.input, FeatureExtractor) and member.input.spec.pooling != PIXELS


@dataclass(slots=True)
class _Tally:
    """What one runtime has changed so far."""

    policies: Sequence[Policy]
    manifest: Manifest
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    escapes: int = 0
    difference: float = 0.0
    speeds: list[float] = field(default_factory=list)

    def add(self, before: Sequence[Case], after: Sequence[Case], speed: float) -> None:
        """Count what differs between the same pictures as torch and as this runtime judges them."""
        self.speeds.append(speed)
        for one, other in zip(before, after, strict=True):
            self.difference = max(self.difference, _largest_difference(one, other))
            self.escapes += max([self._compare(policy, one, other) for policy in self.policies])

    def _compare(self, policy: Policy, before: Case, after: Case) -> bool:
        """Whether a defective part becomes OK under a policy; flips of labels and verdicts are counted."""
        classes = self.manifest.classes
        one, other = _labels(policy, before, classes), _labels(policy, after, classes)
        for member in one.keys() | other.keys():
            record = self.manifest.members.get(member)
            if record and policy.asks(member, record.weight) and one.get(member) != other.get(member):
                self.labels[policy.name, member] += 1
        was, becomes = (case.decided_by(policy, classes).label for case in (before, after))
        self.verdicts[policy.name] += was != becomes
        return before.label == classes.defect and becomes == classes.good != was

    def result(self, looks: int) -> RuntimeResult:
        """Rates over all pictures, of the member and of the policy with the most."""
        return RuntimeResult(
            round(max(self.labels.values(), default=0) / looks, 6),
            round(max(self.verdicts.values(), default=0) / looks, 6),
            self.escapes,
            round(self.difference, 6),
            round(statistics.median(self.speeds), 2),
        )


def _labels(policy: Policy, case: Case, classes: Classes) -> dict[str, str]:
    return {score.member: policy.cast(score, classes).label for score in case.scores}


def _largest_difference(before: Case, after: Case) -> float:
    """The largest of a member's probabilities."""
    rows = {score.member: score.probabilities for score in after.scores}
    shared = [(score.probabilities, rows[score.member]) for score in before.scores if score.member in rows]
    return max((abs(one[name] - other[name]) for one, other in shared for name in one), default=0.0)
