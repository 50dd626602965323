"""Photos of a batch with their regions outlined, as one zip with the batch's CSV beside them."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ensemble.imaging import overlays
from ensemble.imaging.photos import open_photo
from ensemble.inspection.batches import Judged
from ensemble.values.safe_names import clean_name, free_path
from ensemble.values.view import AS_IT_IS, View

MOST_ZIPPED_BYTES = 500_000_000  # of pictures in one file, which is made in memory
LEFT_OUT = "left_out.txt"


def outlined_zip(rows: Iterable[Judged], results: bytes, view: View = AS_IT_IS, *, demo: bool) -> bytes:
    """Each photo at its own size with outlines, and `results`, the CSV of the batch; one photo is in memory at a time.

    A photo that is no longer kept, or that comes after more than the file can hold, is named in a list of its own.
    """
    stream = io.BytesIO()
    taken: set[Path] = set()
    left_out = []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # a PNG cannot be made smaller
        for row in rows:
            if row.verdict is None or not row.data or stream.tell() > MOST_ZIPPED_BYTES:
                left_out.append(row.name)
                continue
            stem = clean_name(PurePosixPath(row.name).stem) or "photo"
            path = free_path(Path(f"{stem}_{row.verdict.word}.png"), lambda each: each in taken)
            taken.add(path)
            archive.writestr(path.name, _outlined_photo(row, view, demo=demo))
        archive.writestr("results.csv", results)
        if left_out:
            archive.writestr(LEFT_OUT, "\n".join(left_out) + "\n")
    return stream.getvalue()


def _outlined_photo(row: Judged, view: View, *, demo: bool) -> bytes:
    regions = row.verdict.regions if row.verdict else ()
    drawn = overlays.outlined(open_photo(row.data, row.name, view).picture, regions)
    return overlays.png(overlays.stamped(drawn) if demo else drawn)
