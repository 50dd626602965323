"""Inspections without models: verdicts on drawn photos, as the history is given them."""

import io
from dataclasses import replace

from PIL import Image

from ensemble.imaging.photos import open_photo
from ensemble.members import demo
from ensemble.policies import SHIPPED_POLICIES, Policy
from ensemble.records.recording import Inspected
from ensemble.values.results import OK_NOK, Origin, Verdict
from ensemble.values.trace import Trace


def drawn(number: int) -> bytes:
    """A small PNG that no other number gives."""
    stream = io.BytesIO()
    Image.new("RGB", (48, 32), (number % 256, number // 256 % 256, 90)).save(stream, "PNG")
    return stream.getvalue()


def inspected(
    number: int,
    policy: Policy = SHIPPED_POLICIES[0],
    *,
    product: str = "disc",
    version: int | None = 1,
    time: str = "2026-11-20T08:00:00+00:00",
    trace: Trace | None = None,
) -> Inspected:
    """A photo with the verdict that a policy makes of what dummies say of it, as of a trained product."""
    data = drawn(number)
    photo = open_photo(data, f"part_{number:04}.png")
    verdict: Verdict = policy.decide(demo.scores(photo.sha256, OK_NOK), (), OK_NOK)
    verdict = replace(verdict, photo=photo.name, sha256=photo.sha256, size=photo.picture.size)
    origin = Origin(product, version, time, manifest="ab" * 32)
    return Inspected(photo, data, replace(verdict, origin=origin), trace)
