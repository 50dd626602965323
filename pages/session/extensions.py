"""New good photos for the patch memories of a product: whether it has any, the work, and what came of it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ensemble.imaging.overlays import thumbnail
from ensemble.imaging.photos import file_digest, read_photo
from ensemble.importers.staging import Upload, staged
from ensemble.jobs.processes import only_training
from ensemble.members.patch_memory import PatchMemoryMember
from ensemble.training.extending import Extension, ExtensionPlan, extend, plan_extension
from ensemble.values.errors import MemberError, PhotoError
from ensemble.values.language import Message
from ensemble.values.training import Progress
from ensemble.values.view import View
from pages.session.background import start_work
from pages.session.inspection import trained
from pages.session.owners import collections_root
from pages.session.products import classes, is_demo, store


@dataclass(frozen=True, slots=True)
class UnlikeGood:
    """A photo that a memory would reject: how far it lies from the good parts, in thresholds, and a small JPEG."""

    name: str
    sha256: str
    times: float
    picture: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class GoodPhotos:
    """What came of good photos: an extension and its version, or a question that a person must answer first.

    `left_out` are sentences on photos that cannot join; `fit` counts those that join without a question.
    """

    files: tuple[Upload, ...] = field(repr=False)
    author: str
    left_out: tuple[str, ...]
    fit: int
    asked: tuple[UnlikeGood, ...] = ()
    made: Extension | None = None
    version: int | None = None


def can_extend() -> bool:
    """Whether the chosen product has a patch memory that can take good photos; no demo has."""
    if is_demo() or classes().good is None:
        return False
    return any(isinstance(member, PatchMemoryMember) for member in trained().members.values())


def extension_work() -> str:
    """The key of the work that extends the chosen product."""
    return f"extend {store().folder}"


def add_good_photos(
    files: Sequence[Upload], author: str, confirmed: Sequence[str] = (), dropped: Sequence[str] = ()
) -> None:
    """Let the chosen product's patch memories learn from photos in the background.

    Of photos that look unlike good parts, by SHA-256, `confirmed` ones join and `dropped` ones do not; where there are
    others, nothing is changed and they are asked about. A MemberError while other photos are being added.
    """
    chosen, root = store(), collections_root()

    def do(progress: Progress) -> GoodPhotos:
        progress(Message("Loading the models"), 0.0)
        with only_training(chosen.folder), staged(files, root) as laid_out:
            found = sorted(path for path in laid_out.folder.rglob("*") if path.is_file())
            photos = [path for path in found if file_digest(path) not in set(dropped)]
            plan = plan_extension(chosen, photos, progress)
            left_out = [problem.reason for problem in laid_out.problems]
            left_out += [Message("{file}: already in this product.", file=path.name) for path in plan.known]
            left_out += plan.refused
            if dropped:
                left_out.append(
                    Message(
                        "{count} photo not confirmed as good.",
                        "{count} photos not confirmed as good.",
                        count=len(found) - len(photos),
                    )
                )
            asked = _unlike_good(plan)
            if not {each.sha256 for each in asked} <= set(confirmed):
                fit = len(plan.reading.samples) - len(asked) if plan.reading else 0
                return GoodPhotos(tuple(files), author, tuple(left_out), fit, asked)
            made = extend(plan, progress, author)
            return GoodPhotos((), author, tuple(left_out), made.photos, made=made, version=chosen.origin().version)

    if not start_work(extension_work(), Message("Adding good photos"), do):
        raise MemberError("Other good photos are being added to this product. Wait until they are, then add these.")


def _unlike_good(plan: ExtensionPlan) -> tuple[UnlikeGood, ...]:
    view = plan.store.manifest().view
    farthest_first = sorted(plan.far.items(), key=lambda entry: -entry[1])
    return tuple(UnlikeGood(path.name, file_digest(path), times, _small(path, view)) for path, times in farthest_first)


def _small(path: Path, view: View) -> bytes | None:
    with suppress(PhotoError):
        return thumbnail(read_photo(path, view).picture)
    return None
