"""Where the photos lie that a product's evidence names; they may lie outside the product, but never outside their own
folder, and are only ever read, by the door for photos."""

from pathlib import Path

from ensemble.datasets.collection import is_collection
from ensemble.datasets.collection.contents import file_of
from ensemble.disk.names import any_path_below
from ensemble.policies.cases import Case, Evidence
from ensemble.values.errors import DataError


def photo_path(product: Path, evidence: Evidence, case: Case) -> Path:
    """Where a case's photo should lie; a DataError where its name leads out of the folder that its evidence names."""
    folder = product / evidence.folder
    return file_of(folder, case.photo) if is_collection(folder) else any_path_below(folder, case.photo, DataError)
