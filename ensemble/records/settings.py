"""What is kept of each product's inspections: everything, votes without photos, or nothing."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import TypeAdapter, ValidationError

from ensemble.disk.files import JSONError, parsed, read_text, write_atomically
from ensemble.disk.locks import locked_or_refused
from ensemble.values.errors import RecordsError, StoreError, brief

Keep = Literal["everything", "votes", "nothing"]
KEEPS: tuple[Keep, ...] = get_args(Keep)
SETTINGS = "settings.json"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of one product's inspections, and for how long.

    `required` refuses an inspection that cannot be kept. `sample_rate` is the share of accepted parts that chance draws
    for a second look. `days` and `megabytes` are where retention begins; None keeps all.
    """

    keep: Keep = "everything"
    required: bool = False
    sample_rate: float = 0.01
    days: int | None = None
    megabytes: int | None = None

    def __post_init__(self) -> None:
        if self.keep not in KEEPS:
            raise RecordsError(
                "What is kept is one of {known}. Got {found!r}.", known=", ".join(KEEPS), found=self.keep
            )
        if not 0 <= self.sample_rate <= 1:
            raise RecordsError(
                "The share of accepted parts to look at lies in [0, 1]. Got {rate}.", rate=self.sample_rate
            )
        for limit in (self.days, self.megabytes):
            if limit is not None and limit < 1:
                raise RecordsError("A limit of days or megabytes is at least 1. Got {limit}.", limit=limit)

    @property
    def is_limited(self) -> bool:
        """Whether what is kept is taken out again some day."""
        return self.days is not None or self.megabytes is not None


_READER = TypeAdapter(dict[str, Keeping])


def all_settings(folder: Path) -> Mapping[str, Keeping]:
    """The settings by product; a RecordsError where their file is broken, since nobody knows then what may be kept."""
    path = folder / SETTINGS
    if not path.is_file():
        return {}
    try:
        return _READER.validate_python(parsed(read_text(path)))
    except (JSONError, StoreError, ValidationError, RecordsError) as error:
        raise RecordsError(
            "{path} cannot be read ({problem}). Mend it, or move it away and choose again what is kept.",
            path=path,
            problem=brief(error),
        ) from error


def settings_of(folder: Path, product: str) -> Keeping:
    """The settings of one product; everything is kept where nobody has chosen."""
    return all_settings(folder).get(product, Keeping())


def change_settings(folder: Path, product: str, keeping: Keeping) -> None:
    """Choose what is kept of one product's inspections from now on."""
    with locked_or_refused(folder / f".{SETTINGS}.lock", folder, RecordsError):
        changed = {**all_settings(folder), product: keeping}
        text = json.dumps({name: asdict(each) for name, each in changed.items()}, indent=2, ensure_ascii=False)
        try:
            write_atomically(folder / SETTINGS, f"{text}\n".encode())
        except StoreError as error:
            raise RecordsError(error.message) from error
