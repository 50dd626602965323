"""A photo that may not show the part is left to a person, with the reason; honest photos are judged as ever."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ensemble.drawing.part import draw_clothing
from ensemble.evaluation import scoring
from ensemble.imaging.out_of_distribution import PhotoRange, doubt
from ensemble.imaging.photo_statistics import measure_photo
from ensemble.imaging.photos import Photo, read_photo
from ensemble.inspection.exports import replay
from ensemble.inspection.inspector import Inspector
from ensemble.members import Loaded
from ensemble.policies import Policy, cases
from ensemble.store import Manifest, ModelStore
from ensemble.values.errors import StoreError
from ensemble.values.language import as_message
from ensemble.values.results import OK_NOK, REVIEW, AnomalyMap, Score
from ensemble.values.samples import Sample
from tests.support.stub_product import StubMember

ROOT = Path(__file__).resolve().parents[3]
SIZE = (256, 256)
MAJORITY = Policy("MAJORITY", "majority")
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def usual() -> PhotoRange:
    found = ModelStore(ROOT / "models").manifest().photo_range
    assert found is not None
    return found


@pytest.fixture(scope="module")
def measured() -> PhotoRange:
    paths = [path for place in sorted((ROOT / "data" / "train").iterdir()) for path in sorted(place.iterdir())[::2]]
    found = PhotoRange.of([measure_photo(read_photo(path).picture) for path in paths], list(range(len(paths))))
    assert found is not None and found.known is not None
    return found


@pytest.fixture(scope="module")
def part() -> Image.Image:
    return read_photo(next((ROOT / "data" / "test" / "non_defective").iterdir())).picture


def screenshot(part: Image.Image) -> Image.Image:
    window = Image.new("RGB", part.size, (245, 246, 248))
    draw = ImageDraw.Draw(window)
    draw.rectangle((0, 0, part.width, part.height // 10), fill=(40, 90, 200))
    for line in range(40, part.height, 16):
        draw.text((12, line), "File  Edit  View  Window  Help  0123", fill=(30, 30, 30))
    return window


def noise(part: Image.Image) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (*part.size[::-1], 3), dtype=np.uint8))


STRANGE: dict[str, tuple[Callable[[Image.Image], Image.Image], str]] = {
    "black": (lambda part: Image.new("RGB", part.size), "it is almost black"),
    "lens cap": (lambda part: part.point(lambda value: value // 25), "it is almost black"),
    "white": (lambda part: Image.new("RGB", part.size, "white"), "it is almost white"),
    "grey": (lambda part: Image.new("RGB", part.size, (128, 128, 128)), "nothing is on it"),
    "blurred": (lambda part: part.filter(ImageFilter.GaussianBlur(6)), "it is blurred"),
    "small": (lambda part: part.resize((40, 40)), "it is far smaller than the training photos"),
    "large": (lambda part: part.resize((1024, 1024)), "it is far larger than the training photos"),
    "wide": (lambda part: part.resize((512, 256)), "it has another shape than the training photos"),
    "high": (lambda part: part.crop((60, 0, 196, 256)), "it has another shape than the training photos"),
    "noise": (noise, "it is hardly more than noise"),
    "screenshot": (screenshot, ""),  # whatever is said first
    "shoe": (lambda part: draw_clothing(RNG, "shoes").resize(part.size), ""),
    "shirt": (lambda part: draw_clothing(RNG, "topwear").resize(part.size), ""),
    "tinted": (lambda part: Image.merge("RGB", (*part.split()[:2], Image.new("L", part.size))), ""),
    "upside": (lambda part: Image.eval(part, lambda value: 255 - value), ""),
}


class TestThePhoto:
    @pytest.mark.parametrize("name", STRANGE)
    def test_a_photo_of_anything_else_is_doubted(self, name: str, usual: PhotoRange, part: Image.Image) -> None:
        make, said = STRANGE[name]
        found = doubt(measure_photo(make(part)), usual)
        assert found and found == (said or found)

    def test_every_photo_that_ships_is_judged(self, usual: PhotoRange) -> None:
        paths = [path for place in ("test", "train") for path in sorted((ROOT / "data" / place).glob("*/*"))]
        assert len(paths) == 240
        assert {doubt(measure_photo(read_photo(path).picture), usual) for path in paths} == {""}

    @pytest.mark.parametrize("name", ["black", "lens cap", "white", "grey", "noise"])
    def test_what_is_no_photo_at_all_is_doubted_by_products_of_before_too(self, name: str, part: Image.Image) -> None:
        make, said = STRANGE[name]
        assert doubt(measure_photo(make(part)), None) == said

    def test_without_a_range_other_photos_are_judged(self, part: Image.Image) -> None:
        assert doubt(measure_photo(part), None) == "" and doubt(measure_photo(part.resize((40, 40))), None) == ""

    def test_a_product_whose_own_photos_are_black_is_judged(self) -> None:
        dark = [Image.fromarray(RNG.integers(0, 10, (64, 64, 3), dtype=np.uint8)) for _ in range(30)]
        usual = PhotoRange.of([measure_photo(picture) for picture in dark])
        assert usual is not None and doubt(measure_photo(dark[0]), usual) == ""
        assert doubt(measure_photo(dark[0]), None) == "it is almost black"

    def test_a_few_odd_training_photos_widen_nothing(self, part: Image.Image) -> None:
        parts = [measure_photo(part.rotate(angle, fillcolor=(90, 90, 90))) for angle in range(0, 360, 3)]
        usual = PhotoRange.of([*parts, measure_photo(Image.new("RGB", SIZE))])
        assert doubt(measure_photo(Image.new("RGB", SIZE)), usual) == "it is almost black"

    def test_too_few_photos_have_no_range(self, part: Image.Image) -> None:
        assert PhotoRange.of([measure_photo(part)] * 19) is None
        assert PhotoRange.of([measure_photo(part)] * 20) is not None

    @pytest.mark.parametrize(("hot", "said"), [(1.0, True), (0.96, True), (0.9, False), (0.0, False)])
    def test_a_heat_map_that_is_hot_all_over_is_doubted(self, hot: float, said: bool, part: Image.Image) -> None:
        values = np.full(100, 0.2, np.float32)
        values[: round(100 * hot)] = 0.5
        found = doubt(measure_photo(part), None, AnomalyMap(values.reshape(10, 10)))
        assert bool(found) == said


DARK, BRIGHT = "it is darker than the training photos", "it is brighter than the training photos"
BLURRED, TURNED = "it is blurred", "the part lies turned or shifted"
UNLIKE, TINTED = "it is unlike all training photos", "its colours are not those of the training photos"
LAMP, FOCUS, UNDER = (
    "Check the lamp and the exposure.",
    "Check focus and the lens.",
    "Check what lies under the camera.",
)
AS_USUAL, WHITE_BALANCE = "Lay the part as usual.", "Check the white balance and the lamp."


def light(times: float) -> Callable[[Image.Image], Image.Image]:
    return lambda part: part.point(lambda value: value * times)


def half_covered(grey: int) -> Callable[[Image.Image], Image.Image]:
    def cover(part: Image.Image) -> Image.Image:
        found = part.copy()
        found.paste((grey, grey, grey), (0, 0, part.width // 2, part.height))
        return found

    return cover


def grey_card(part: Image.Image) -> Image.Image:
    row = np.linspace(112, 136, part.width) + np.random.default_rng(0).normal(0, 1.5, part.size[::-1])
    return Image.fromarray(row.astype(np.uint8)).convert("RGB")


def grained(part: Image.Image) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 15, (*part.size[::-1], 1))
    return Image.fromarray((np.asarray(part) + noise).clip(0, 255).astype(np.uint8))


def garment(name: str) -> Callable[[Image.Image], Image.Image]:
    return lambda part: draw_clothing(np.random.default_rng(0), name).resize(part.size)


SPOILT: dict[str, tuple[Callable[[Image.Image], Image.Image], str, str]] = {
    "a little darker": (light(0.8), DARK, LAMP),
    "a little brighter": (light(1.2), BRIGHT, LAMP),
    "darker by 2 stops": (light(0.53), DARK, LAMP),
    "brighter by 2 stops": (light(1.88), BRIGHT, LAMP),
    "brighter by 3 stops": (light(2.57), BRIGHT, LAMP),
    "lens cap": (light(0.04), "it is almost black", "Take off the lens cap and check the lamp."),
    "white": (light(99), "it is almost white", LAMP),
    "hardly blurred": (lambda part: part.filter(ImageFilter.GaussianBlur(1)), BLURRED, FOCUS),
    "blurred": (lambda part: part.filter(ImageFilter.GaussianBlur(5)), BLURRED, FOCUS),
    "far blurred": (lambda part: part.filter(ImageFilter.GaussianBlur(9)), BLURRED, FOCUS),
    "grainy": (
        grained,
        "it is grainier than the training photos",
        "Check exposure time and gain of the camera.",
    ),
    "too warm": (lambda part: part.convert("RGB", (1.1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.7, 0)), TINTED, WHITE_BALANCE),
    "too cold": (lambda part: part.convert("RGB", (0.75, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1.1, 0)), TINTED, WHITE_BALANCE),
    "turned": (lambda part: part.transpose(Image.Transpose.ROTATE_90), TURNED, AS_USUAL),
    "upside down": (lambda part: part.transpose(Image.Transpose.ROTATE_180), TURNED, AS_USUAL),
    "mirrored": (lambda part: part.transpose(Image.Transpose.FLIP_LEFT_RIGHT), TURNED, AS_USUAL),
    "shifted": (lambda part: ImageChops.offset(part, 20, 20), TURNED, AS_USUAL),
    "half covered": (half_covered(25), UNLIKE, UNDER),
    "half covered by paper": (half_covered(215), UNLIKE, UNDER),
    "grey card": (grey_card, UNLIKE, UNDER),
    "shoe": (garment("shoes"), UNLIKE, UNDER),
    "shirt": (garment("topwear"), UNLIKE, UNDER),
}


def pattern(number: int) -> Image.Image:
    """Stripes as coarse and as strong as the number says."""
    draw = np.random.default_rng(number)
    grey = 120 + draw.uniform(20, 60) * np.sin(np.arange(64) / draw.uniform(1, 4))
    return Image.fromarray(np.tile(grey, (64, 1)).astype(np.uint8)).convert("RGB")


class TestThePhotosThatAreKnown:
    @pytest.mark.parametrize("name", SPOILT)
    def test_a_little_is_enough_and_has_its_instruction(
        self, name: str, usual: PhotoRange, measured: PhotoRange, part: Image.Image
    ) -> None:
        """By the guard that ships, which compares quantiles of grey, and by one that is measured as they are now."""
        spoil, said, todo = SPOILT[name]
        photo = measure_photo(spoil(part))
        for guard in (usual, measured):
            found = doubt(photo, guard)
            assert (found, as_message(found).values["todo"]) == (said, todo)

    def test_ranges_of_before_stay_as_they_were(self, usual: PhotoRange, part: Image.Image) -> None:
        before = replace(usual, known=None)
        assert "known" not in before.as_json() and PhotoRange.from_json(before.as_json()) == before
        assert doubt(measure_photo(SPOILT["turned"][0](part)), before) == ""

    def test_a_guard_says_whether_it_compares_quantiles_of_grey(self, usual: PhotoRange, measured: PhotoRange) -> None:
        assert usual.known and measured.known and (usual.known.by_greys, measured.known.by_greys) == (True, False)
        assert "by_greys" not in usual.known.as_json() and PhotoRange.from_json(measured.as_json()) == measured

    def test_photos_of_one_part_do_not_vouch_for_each_other(self) -> None:
        photos = [measure_photo(pattern(number // 2)) for number in range(60)]
        alone, together = (PhotoRange.of(photos, [number // each for number in range(60)]) for each in (1, 2))
        assert alone and together and alone.known and together.known
        assert alone.known.look.far < together.known.look.far

    def test_too_few_photos_or_parts_are_not_kept(self) -> None:
        photos = [measure_photo(pattern(number)) for number in range(4)] * 15
        for parts in (list(range(59)), [0] * 60, [0] * 58 + [1, 1]):
            found = PhotoRange.of(photos[: len(parts)], parts)
            assert found is not None and found.known is None

    @pytest.mark.parametrize(
        "change",
        [{"limit": 0}, {"limit": "x"}, {"look": {}}, {"layout": 5}, {"look": {"rows": "%"}}, {"look": {"far": 0}}],
    )
    def test_photos_that_are_none_are_one_sentence(self, change: dict[str, Any], usual: PhotoRange) -> None:
        data = json.loads(Manifest("disc", OK_NOK, photo_range=usual).to_json())
        kept = data["photo_range"]["known"]
        for name, value in change.items():
            kept[name] = {**kept[name], **value} if isinstance(value, dict) and value else value
        with pytest.raises(StoreError, match=r"manifest\.json cannot be read"):
            Manifest.from_json(json.dumps(data), "manifest.json")


class TestTheRange:
    def test_it_comes_back_from_json_as_it_was(self, usual: PhotoRange) -> None:
        assert PhotoRange.from_json(json.loads(json.dumps(usual.as_json()))) == usual

    def test_a_manifest_of_before_is_read_and_stays_as_it_is(self) -> None:
        text = Manifest("disc", OK_NOK).to_json()
        assert "photo_range" not in text
        assert Manifest.from_json(text, "manifest.json").photo_range is None

    @pytest.mark.parametrize(
        "change", [{"ranges": {}}, {"greys": "00"}, {"deviations": "00" * 64}, {"far": 0}, {"greys": 5}, {"far": "x"}]
    )
    def test_a_range_that_is_none_is_one_sentence(self, change: dict[str, object], usual: PhotoRange) -> None:
        data = json.loads(Manifest("disc", OK_NOK, photo_range=usual).to_json())
        data["photo_range"] |= change
        with pytest.raises(StoreError, match=r"manifest\.json cannot be read"):
            Manifest.from_json(json.dumps(data), "manifest.json")


class TestTheVerdict:
    @pytest.fixture
    def inspector(self, usual: PhotoRange) -> Inspector:
        member = StubMember((0.1, 0.9))
        return Inspector(Loaded({"svm": member}, (), OK_NOK, photo_range=usual))  # type: ignore[dict-item]

    def test_it_is_review_with_the_reason_and_keeps_its_votes(self, inspector: Inspector) -> None:
        (verdict,) = inspector.inspect([Photo("a.png", "0" * 64, Image.new("RGB", SIZE))], MAJORITY)
        assert (verdict.label, verdict.confidence, verdict.decision, verdict.doubt) == (
            REVIEW,
            None,
            None,
            "it is almost black",
        )
        assert verdict.reason == (
            "This photo may not show this part: it is almost black. Take off the lens cap and check the lamp. "
            "By its votes alone it would be NOK."
        )
        assert [vote.label for vote in verdict.votes] == ["defective"]

    def test_no_policy_undoes_it(self, inspector: Inspector) -> None:
        (verdict,) = inspector.inspect([Photo("a.png", "0" * 64, Image.new("RGB", SIZE))], MAJORITY)
        for policy in (MAJORITY, replace(MAJORITY, name="LAX", threshold=1.0), Policy("MEAN", "mean")):
            again = policy.revise(verdict)
            assert (again.label, again.doubt, again.policy) == (REVIEW, "it is almost black", policy.name)
            stored = json.loads(json.dumps(verdict.as_json()))
            assert replay(stored, policy).label == REVIEW
        assert replay(json.loads(json.dumps(verdict.as_json())), MAJORITY).reason == verdict.reason

    def test_a_verdict_of_before_says_nothing_of_it(self, inspector: Inspector, part: Image.Image) -> None:
        (verdict,) = inspector.inspect([Photo("a.png", "0" * 64, part)], MAJORITY)
        stored = verdict.as_json()
        assert stored.pop("doubt") == "" and verdict.label == "defective"
        assert replay(stored, MAJORITY).label == "defective"

    def test_it_only_ever_makes_review(self) -> None:
        for probability in (0.0, 0.2, 0.5, 0.9, 1.0):
            scores = [Score("svm", {"non_defective": 1 - probability, "defective": probability}, 0.1)]
            for rule in ("majority", "any", "all", "mean"):
                assert Policy("P", rule).decide(scores, (), OK_NOK, "it is blurred").label == REVIEW

    def test_a_demo_never_looks(self) -> None:
        (verdict,) = Inspector.for_demo().inspect([Photo("a.png", "0" * 64, Image.new("RGB", SIZE))], MAJORITY)
        assert verdict.doubt == ""


class TestTheFigures:
    @pytest.fixture
    def scored(self, tmp_path: Path, part: Image.Image, usual: PhotoRange) -> scoring.Scored:
        """A good part and a black photo among the good ones, both called NOK."""
        samples = []
        for name, picture in (("part", part), ("black", Image.new("RGB", SIZE))):
            picture.save(tmp_path / f"{name}.png")
            samples.append(Sample(tmp_path / f"{name}.png", "non_defective"))
        member = StubMember((0.1, 0.9))
        inspector = Inspector(Loaded({"svm": member}, (), OK_NOK, photo_range=usual))  # type: ignore[dict-item]
        member.lesson = "all"  # type: ignore[attr-defined]
        return scoring.score_photos(inspector, samples)

    def test_an_evaluation_counts_it_as_review(self, scored: scoring.Scored) -> None:
        assert cases.labels_by_policy(MAJORITY, scored.cases, OK_NOK) == ["defective", REVIEW]
        quality = scoring.quality_report(scored, [MAJORITY], OK_NOK)["ensemble"]["MAJORITY"]
        assert (quality["overkill_rate"], quality["review_rate"]) == (0.5, 0.5)

    def test_evidence_keeps_why(self, scored: scoring.Scored) -> None:
        kept = cases.Evidence.from_json(cases.Evidence(OK_NOK, test=scored.cases).to_json())
        assert [case.doubt for case in kept.test] == ["", "it is almost black"]
        assert [case.decided_by(MAJORITY, OK_NOK).label for case in kept.test] == ["defective", REVIEW]
        assert [case.doubt for case in cases.without(kept.test, "svm")] == ["", "it is almost black"]
