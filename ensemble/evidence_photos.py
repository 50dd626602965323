"""Where the photos lie that a product's evidence names; they may lie outside the product, but never outside their own
folder, and are only ever read, by the door for photos."""

from pathlib import Path

from ensemble.cases import Case, Evidence
from ensemble.collection import is_collection
from ensemble.collection.contents import file_of
from ensemble.errors import DataError
from ensemble.names import any_path_below


def photo_path(product: Path, evidence: Evidence, case: Case) -> Path:
    """Where a case's photo should lie; a DataError where its name leads out of the folder that its evidence names."""
    folder = product / evidence.folder
    return file_of(folder, case.photo) if is_collection(folder) else any_path_below(folder, case.photo, DataError)
