"""Photos, small copies and heat maps of the history: files that are named by the SHA-256 of what they hold."""

import io
from pathlib import Path

import numpy as np

from ensemble.disk.files import digest_of, is_whole, write_atomically
from ensemble.disk.names import path_below
from ensemble.values.errors import RecordsError, StoreError
from ensemble.values.results import AnomalyMap


def packed_map(anomaly_map: AnomalyMap) -> bytes:
    """A heat map as a numpy archive: (h, w) float16, a thousandth near enough."""
    stream = io.BytesIO()
    np.savez_compressed(stream, heat=anomaly_map.values.astype(np.float16))
    return stream.getvalue()


def unpacked_map(data: bytes) -> AnomalyMap:
    """The heat map in such an archive."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return AnomalyMap(found["heat"].astype(np.float32))


class Objects:
    """A folder of files by digest; the same bytes lie in it once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "objects"

    def path(self, digest: str) -> Path:
        """Where the bytes of this digest lie, or would."""
        return path_below(self.folder, f"{digest[:2]}/{digest}", RecordsError)

    def put(self, data: bytes) -> str:
        """Keep bytes durably, if they are not there; gives their digest. A RecordsError where they cannot be kept."""
        digest = digest_of(data)
        if not is_whole(self.path(digest), digest):
            try:
                write_atomically(self.path(digest), data)
            except StoreError as error:
                raise RecordsError(error.message) from error
        return digest

    def get(self, digest: str) -> bytes | None:
        """The bytes of this digest; None where none are kept. A RecordsError where other bytes lie in their place."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RecordsError(
                "{path} cannot be read ({problem}). Check its permissions.",
                path=self.path(digest),
                problem=error.strerror,
            ) from error
        if digest_of(data) != digest:
            raise RecordsError(
                "{path} holds other bytes than were kept. Restore it from a backup.", path=self.path(digest)
            )
        return data

    def remove(self, digest: str) -> int:
        """Take bytes away for good; gives how many they were."""
        path = self.path(digest)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise RecordsError(
                "{path} cannot be removed ({problem}). Check its permissions.", path=path, problem=error.strerror
            ) from error
        return size
