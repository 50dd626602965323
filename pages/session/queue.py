"""Photos that are judged one after the other: only their bytes wait, and one at a time is opened."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ensemble.imaging.photos import read_photo_bytes
from ensemble.values.safe_names import safe_name
from pages.session.photo import Chosen, choose_photo, forget_other_verdicts, remove_photo
from pages.session.products import QUEUE, VERDICTS
from pages.session.tables import lay, table, take_off
from pages.session.told import CONFIRMED, tell_once_more

UPLOADS = "_uploads"  # how many have come in: each has an uploader of its own, so that none piles up files


@dataclass(frozen=True, slots=True)
class Waiting:
    """A photo that nobody has opened yet: its bytes, or the file that has them."""

    name: str
    source: bytes | Path = field(repr=False)


@dataclass(frozen=True, slots=True)
class Queue:
    """Photos in the order in which they are judged, at least one, and whose turn it is."""

    photos: tuple[Waiting, ...]
    place: int = 0

    @property
    def nbytes(self) -> int:
        """What it takes of the memory, roughly."""
        return sum(len(each.source) for each in self.photos if isinstance(each.source, bytes))

    @property
    def in_turn(self) -> Waiting:
        """The photo whose turn it is."""
        return self.photos[self.place]

    @property
    def name(self) -> str:
        """The name of the photo whose turn it is, as it is shown."""
        return safe_name(self.in_turn.name)

    def has(self, step: int) -> bool:
        """Whether a photo lies that many places further on, or back."""
        return 0 <= self.place + step < len(self.photos)


def queue() -> Queue | None:
    """The photos that lie before this visitor; None where there are none."""
    found: Queue | None = table().get(QUEUE)
    return found


def photo_in_turn() -> Chosen | None:
    """The photo whose turn it is, opened; a PhotoError says why it cannot be, and the others still can."""
    found = queue()
    if found is None:
        return None
    source = found.in_turn.source
    return choose_photo(read_photo_bytes(source) if isinstance(source, Path) else source, found.in_turn.name)


def line_up(photos: Sequence[Waiting], place: int = 0) -> None:
    """Let photos take the place of those of before, and begin with one of them; for a callback."""
    before = queue()
    if before is None or before.photos != tuple(photos):
        forget_other_verdicts()  # what was dropped does not come back
    lay(QUEUE, Queue(tuple(photos), place))


def go(step: int) -> None:
    """Go on to a photo, or back, and still offer to undo what was done last; for a button's callback.

    It counts from where the visitor is by now: a second press may come before the screen of the first is drawn.
    """
    found = queue()
    if found is not None and found.has(step):
        lay(QUEUE, Queue(found.photos, found.place + step))
        tell_once_more(CONFIRMED)


def remove_photos() -> None:
    """Take all photos off the table, with their verdicts; for a button's callback."""
    take_off(QUEUE, VERDICTS)
    remove_photo()


def uploader_key() -> str:
    """The key of the uploader that takes the next photos."""
    return f"upload {st.session_state.get(UPLOADS, 0)}"


def take_uploads() -> None:
    """Line up the photos that were uploaded; for the uploader's callback."""
    files: list[UploadedFile] = st.session_state.get(uploader_key()) or []
    if not files:
        return
    line_up([Waiting(each.name, each.getvalue()) for each in files])
    st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1
    context = get_script_run_ctx()
    if context is not None and isinstance(kept := context.uploaded_file_mgr, MemoryUploadedFileManager):
        for each in files:  # else they stay as long as the page is open, whatever comes after them
            kept.remove_file(context.session_id, each.file_id)


def take_shot(key: str) -> None:
    """Line up the photo of a camera, or none; for the camera's callback."""
    shot: UploadedFile | None = st.session_state.get(key)
    if shot is None:
        remove_photos()
    else:
        line_up([Waiting(shot.name, shot.getvalue())])


def pick_sample(paths: Sequence[Path], place: int) -> None:
    """Begin with one of the samples; the others come before and after it. For a button's callback."""
    line_up([Waiting(path.name, path) for path in paths], place)


def picked_sample() -> Path | None:
    """The file of the sample whose turn it is."""
    found = queue()
    return found.in_turn.source if found is not None and isinstance(found.in_turn.source, Path) else None
