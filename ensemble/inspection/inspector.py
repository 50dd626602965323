"""The Inspector: extractors and members, wired. It scores photos; the policy decides."""

import time
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Protocol

import numpy as np
from PIL import Image

from ensemble.disk.files import now
from ensemble.features.photo_batch import Calls, PhotoBatch, at_once, source_preprocessing
from ensemble.features.preprocessing import Preprocessing
from ensemble.imaging.looking import Look, look_at_photo
from ensemble.imaging.masks import combine, regions
from ensemble.imaging.out_of_distribution import doubt
from ensemble.imaging.photo_statistics import measure_photo
from ensemble.imaging.photos import Photo
from ensemble.members import Loaded, Member, Prediction, demo
from ensemble.metrics.calibrators import NONE
from ensemble.policies import Policy
from ensemble.policies.policy import OUTSIDE_THE_JURY
from ensemble.values.errors import PhotoError, QuorumError
from ensemble.values.language import Message
from ensemble.values.results import OK_NOK, Absence, AnomalyMap, Classes, Origin, Region, Score, Verdict
from ensemble.values.view import MarkedSize, Tiles

PHOTOS_AT_ONCE = 16
PROBABILITY_DIGITS = 6  # what is stored is what was judged, so that a replay gives the very same verdict
NO_ORIGIN = Origin()
NOT_ASKED = Message("It was not asked: the verdict stood without it.")


Said = tuple[list[Score], tuple[Absence, ...]]  # what members said of one photo, and who could not speak


class Inspectable(Protocol):
    """What can be opened for inspection: a product's folder, whatever else it can do."""

    def load(self, policy: Policy | None = None) -> Loaded:
        """The members that can vote, or those alone that a policy asks, and those that should and cannot."""
        ...

    def origin(self) -> Origin:
        """Which product, in which version."""
        ...


class Inspector:
    """All members of a product, loaded once; safe to share between threads."""

    def __init__(self, loaded: Loaded, *, demo: bool = False, origin: Origin = NO_ORIGIN) -> None:
        self.members = loaded.members
        self.weights = loaded.weights
        self.calibrators = loaded.calibrators
        self.absent = loaded.absent
        self._names = loaded.names or tuple(loaded.members)
        self.classes = loaded.classes
        self.photo_range = loaded.photo_range
        self.references = loaded.references
        self.view = loaded.view
        self.demo = demo
        self.origin = replace(origin, runtime=loaded.runtime)
        self.calls: Calls = at_once  # how networks and members are called with several photos

    @classmethod
    def open(cls, store: Inspectable, policy: Policy | None = None) -> "Inspector":
        """Load a product; a member that cannot be loaded is absent, and named in every verdict.

        Where a policy is named, it is the only one to judge by: members that it does not ask are not loaded.
        """
        loaded = store.load(policy)
        hold_blas_to_one_thread()
        return cls(loaded, origin=store.origin())

    @classmethod
    def for_demo(cls, classes: Classes = OK_NOK) -> "Inspector":
        """Dummy members that need no model; everything that they say is marked DEMO."""
        return cls(Loaded({}, (), classes), demo=True, origin=Origin("demo"))

    def inspect(self, photos: Sequence[Photo], policy: Policy) -> list[Verdict]:
        """A verdict for each photo, in their order; every backbone runs once for all members that read it.

        A policy with a cascade asks its members stage by stage, and no one whose vote cannot change the verdict.
        """
        starts = range(0, len(photos), PHOTOS_AT_ONCE)
        seen = (photo.seen(self.view) for photo in photos)
        batches = (list(islice(seen, PHOTOS_AT_ONCE)) for _ in starts)
        return [verdict for batch in batches for verdict in self._inspect(batch, policy)]

    def _inspect(self, photos: Sequence[Photo], policy: Policy) -> Iterator[Verdict]:
        start = time.perf_counter()
        decided: list[tuple[Photo, Sequence[Score], Verdict]] = []
        for photo, (scores, absent) in zip(photos, self._asked(photos, policy), strict=True):
            look = self.look(photo.picture)
            doubt = photo.doubt or self.doubt(look or photo.picture, combine(scores))
            found = policy.decide(scores, absent, self.classes, doubt)
            decided.append((photo, scores, replace(found, residual=look.residual) if look else found))
        shown = self._shown(decided)
        seconds = (time.perf_counter() - start) / len(photos)
        origin = replace(self.origin, time=now())
        for place, (photo, spoken, found) in enumerate(decided):
            verdict = replace(found, photo=photo.name, sha256=photo.sha256, seconds=seconds)
            verdict = replace(verdict, demo=self.demo, size=photo.picture.size, origin=origin)
            pointing = shown.get(place, spoken)
            anomaly_map = combine(pointing)
            verdict = replace(verdict, anomaly_map=anomaly_map, regions=regions(pointing, anomaly_map))
            yield replace(verdict, reference=_nearest_reference(chain(pointing, spoken)))

    def _shown(self, decided: Sequence[tuple[Photo, Sequence[Score], Verdict]]) -> dict[int, Sequence[Score]]:
        """Where members point that a cascade has spared, by the place of each part that is not OK and has no map yet.

        Their votes count for nothing: the verdict stood without them, and a person sees where to look.
        """
        pointing = {name for name, member in self.members.items() if member.points}
        wanted: dict[int, set[str]] = {}
        for place, (_photo, scores, verdict) in enumerate(decided):
            spared = {each.member for each in verdict.unasked if each.weight} & pointing
            if spared and verdict.label != self.classes.good and combine(scores) is None:
                wanted[place] = spared
        if not wanted:
            return {}
        answers = self.score([decided[place][0] for place in wanted], set().union(*wanted.values()))
        return {place: scores for place, (scores, _absent) in zip(wanted, answers, strict=True)}

    def look(self, picture: Image.Image) -> Look | None:
        """What members see of a picture by the product's view; None where they see it as it is, and in a demo."""
        return None if self.demo else look_at_photo(picture, self.view)

    def doubt(self, shown: Image.Image | Look, anomaly_map: AnomalyMap | None) -> str:
        """Why a photo may not show the part; empty where nothing speaks against it, and in a demo that never looks."""
        if isinstance(shown, Look):
            seen = shown.only_seen(anomaly_map) if anomaly_map else None
            return shown.doubt or doubt(measure_photo(shown.picture), self.photo_range, seen)
        return "" if self.demo else doubt(measure_photo(shown), self.photo_range, anomaly_map)

    def _asked(self, photos: Sequence[Photo], policy: Policy) -> list[Said]:
        """What those members say that have to be asked; the others are absent, and marked as not asked.

        Those are the members outside the jury that the policy does not call in, and those that its cascade can spare.
        """
        jury = [name for name in self.names() if policy.asks(name, self._weight(name))]
        aside = [Absence(name, OUTSIDE_THE_JURY, 0.0, asked=False) for name in self.names() if name not in jury]
        if not policy.cascade:
            return [(scores, (*self.absent, *absent, *aside)) for scores, absent in self.score(photos, jury)]
        said: list[Said] = [([], self.absent) for _ in photos]
        stages = policy.stages(jury)
        open_photos = list(range(len(photos)))
        for number, stage in enumerate(stages):
            answers = self.score([photos[place] for place in open_photos], stage) if open_photos else []
            later = [Absence(name, NOT_ASKED, self._weight(name), asked=False) for name in chain(*stages[number + 1 :])]
            still_open = []
            for place, (scores, absent) in zip(open_photos, answers, strict=True):
                before, gone = said[place]
                now = [*before, *scores], (*(each for each in gone if each.asked), *absent, *later, *aside)
                said[place] = now
                if later and not policy.settles(*now, self.classes):
                    still_open.append(place)
            open_photos = still_open
        return said

    def names(self) -> tuple[str, ...]:
        """Who can vote, in the order in which they speak."""
        return demo.dummy_names(self.classes) if self.demo else self._names

    def score(self, photos: Sequence[Photo], members: Container[str] | None = None) -> list[Said]:
        """For each photo what the members say, or these of them, and who could not speak.

        A score's seconds are what that member would take alone: its backbone's pass, made once, counts for each reader.
        """
        if self.demo:
            spoken = [demo.scores(photo.sha256, self.classes) for photo in photos]
            return [([each for each in said if members is None or each.member in members], ()) for said in spoken]
        if self.view.tiles:  # one by one: what is seen of a large photo takes memory of its own
            return [self.vote(PhotoBatch([self.look(each.picture) or each.picture]), members)[0] for each in photos]
        expected = [each.input for name, each in self.members.items() if members is None or name in members]
        shown = [self.look(photo.picture) or photo.picture for photo in photos]
        return self.vote(PhotoBatch(shown, expected=expected, calls=self.calls), members)

    def vote(self, batch: PhotoBatch, members: Container[str] | None = None) -> list[Said]:
        """The same for photos of which some rows may be known already."""
        if self.view.tiles:
            return [self._vote_by_tiles(batch.alone(place), members) for place in range(len(batch))]
        by_member: list[list[Score]] = []
        absent = list(self.absent) if members is None else []
        for name, member in self.members.items():
            if members is not None and name not in members:
                continue
            try:
                by_member.append(self._score(name, member, batch))
            except Exception as error:  # noqa: BLE001 - whatever a member's library raises, the others still vote
                if len(batch) > 1:  # so that one photo costs its neighbours no vote
                    return [said for place in range(len(batch)) for said in self.vote(batch.alone(place), members)]
                absent.append(self._failed(name, error))
        return [([scores[i] for scores in by_member], tuple(absent)) for i in range(len(batch))]

    def _failed(self, name: str, error: Exception) -> Absence:
        failed = Message("It failed on this photo: {problem}.", problem=error)
        return Absence(name, error.message if isinstance(error, QuorumError) else failed, self._weight(name))

    def _vote_by_tiles(self, batch: PhotoBatch, members: Container[str] | None) -> Said:
        """What members say of one photo by its tiles, of which few are in memory at a time."""
        from ensemble.inspection.tiled import predict_by_tiles  # a product without tiles is spared it

        asked = {name: member for name, member in self.members.items() if members is None or name in members}
        absent = self.absent if members is None else ()
        try:
            look = self._looks(batch)[0]
        except PhotoError as error:
            return [], (*absent, *(self._failed(name, error) for name in asked))
        tiles = self.view.tiles or Tiles()
        said, failed = predict_by_tiles(look or batch.pictures[0], tiles, asked)
        scores = []
        for name, found in said.items():
            heat = AnomalyMap(found.stitched.values(), stitched=True) if found.has_map else None
            scores.append(
                Score(
                    name,
                    self._probabilities(name, found.probabilities[None])[0],
                    found.seconds,
                    weight=self._weight(name),
                    anomaly_map=heat if look is None or heat is None else look.on_photo(heat),
                    marks=None if look is None or heat is None else look.marks(heat.values, ()),
                )
            )
        return scores, (*absent, *(self._failed(name, error) for name, error in failed.items()))

    def _probabilities(self, name: str, predicted: np.ndarray) -> list[dict[str, float]]:
        """What a member predicts of N photos (N, K), calibrated, by class."""
        found = np.round(self.calibrators.get(name, NONE)(np.asarray(predicted, float)), PROBABILITY_DIGITS)
        return [dict(zip(self.classes.names, row.tolist(), strict=True)) for row in found]

    def _looks(self, batch: PhotoBatch) -> Sequence[Look | None]:
        """How each photo was looked at; a PhotoError where a product has a view and its photos have passed by it."""
        if not self.view.reference:
            return [None] * len(batch)
        if None in batch.looks:
            raise PhotoError("The photo was not looked at by the view of the product, so no vote on it counts.")
        return batch.looks

    def _weight(self, name: str) -> float:
        return self.weights.get(name, 1.0)

    def _score(self, name: str, member: Member, batch: PhotoBatch) -> list[Score]:
        rows = batch.rows(member.input)
        start = time.perf_counter()
        prediction = batch.calls(name, member.score, rows)
        seconds = (time.perf_counter() - start + batch.seconds(member.input)) / len(rows)
        reads = source_preprocessing(member.input)
        nearest = self.references.nearest(batch, member.input) if self.references else None
        looks = self._looks(batch)
        boxes = [
            tuple(_as_shown(region, reads, batch.pictures[place].size) for region in regions)
            for place, regions in enumerate(prediction.regions or ())
        ] or [()] * len(rows)
        return [
            Score(
                name,
                probabilities,
                seconds,
                weight=self._weight(name),
                anomaly_map=None
                if prediction.anomaly_map is None
                else _map_on_photo(prediction.anomaly_map[place], looks[place]),
                regions=tuple(found for region in boxes[place] if (found := _on_photo(region, looks[place]))),
                marks=_marked_size(prediction, place, boxes[place], looks[place]),
                reference=nearest[place] if nearest else None,
            )
            for place, probabilities in enumerate(self._probabilities(name, prediction.probabilities))
        ]


def _nearest_reference(scores: Iterable[Score]) -> int | None:
    return next((score.reference for score in scores if score.reference is not None), None)


def _map_on_photo(values: np.ndarray, look: Look | None) -> AnomalyMap:
    found = AnomalyMap(values.astype(np.float32))
    return found if look is None else look.on_photo(found)


def _as_shown(region: Region, reads: Preprocessing, size: tuple[int, int]) -> Region:
    left, top, right, bottom = box = reads.on_photo(region.box, size)  # what lies on the grey bars is cut off
    area = min(reads.area_on_photo(region.area, size), (right - left) * (bottom - top))
    return replace(region, box=box, area=area)


def _on_photo(region: Region, look: Look | None) -> Region | None:
    return region if look is None else look.region_on_photo(region)


def _marked_size(prediction: Prediction, place: int, boxes: Sequence[Region], look: Look | None) -> MarkedSize | None:
    """How large what a member marks is; None for one that cannot say where, and without a view to measure by."""
    heat, regions = prediction.anomaly_map, prediction.regions
    if look is None or (heat is None and regions is None):
        return None
    return look.marks(None if heat is None else heat[place], boxes)


def hold_blas_to_one_thread() -> None:
    """BLAS on one thread, for the whole process and what is loaded by now; torch's own products keep their threads.

    Threads of numpy's and scipy's products spin after their work, and slow the next forward pass. Set once and never
    back: to set it around each product costs more than the product, and two threads that do so would restore each
    other's setting.
    """
    from threadpoolctl import threadpool_limits  # it looks through all loaded libraries, which takes milliseconds

    threadpool_limits(limits=1, user_api="blas")
