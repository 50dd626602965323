"""The words that folders, labels and files are called by: good and defective, parts of a data set, what machines leave.

Case, blanks and punctuation never matter: `n.i.O.`, `NIO` and `n_i_o` are one word.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ensemble.values.results import DEFECTIVE, NON_DEFECTIVE, REVIEW

TRAIN, CALIBRATION, TEST, WHOLE = "train", "calibration", "test", ""
PART_NAMES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("train", "training", "trainset", "trainingset", "traindata", "trainingsdaten"), TRAIN),
        **dict.fromkeys(("val", "valid", "validate", "validation", "valset", "validationset", "dev"), CALIBRATION),
        **dict.fromkeys(("calib", "calibration", "validierung", "kalibrierung"), CALIBRATION),
        **dict.fromkeys(("test", "tests", "testing", "testset", "testdata", "testdaten", "testpublic"), TEST),
        **dict.fromkeys(("eval", "evaluation", "holdout"), TEST),
    }
)
WITHOUT_LABELS = frozenset(("testprivate", "testprivatemixed", "unlabeled", "unlabelled"))
GOOD = frozenset(
    (
        *("nondefective", "notdefective", "nondefect", "nodefect", "nodefects", "defectfree", "ok", "oks", "okay"),
        *("okfront", "okpart", "okparts", "io", "inordnung", "good", "goodpart", "goodparts", "gut", "gutteil"),
        *("gutteile", "normal", "pass", "passed", "fine", "free", "mtfree", "clean", "undamaged", "negative", "intact"),
        *("flawless", "faultless", "faultfree", "fehlerfrei", "conform", "conforme", "conforming", "accept"),
        *("accepted", "acceptable", "noanomaly", "anomalyfree", "bon", "bonne"),
    )
)
BAD = frozenset(
    (
        *("defective", "defect", "defects", "defekt", "def", "deffront", "nok", "notok", "noks", "nokpart", "nokparts"),
        *("nio", "nichtinordnung", "nichtok", "ng", "notgood", "nogood", "bad", "anomaly", "anomalies", "anomalous"),
        *("abnormal", "fail", "failed", "failure", "faulty", "damaged", "broken", "reject", "rejected", "positive"),
        *("fehlerhaft", "schlecht", "schlechtteil", "schlechtteile", "ausschuss", "scrap", "nonconform", "nonconforme"),
        *("nonconforming", "notaccepted", "unacceptable", "defectueux", "mauvais", "ko"),
    )
)
# Synology, QNAP, NetApp; macOS; Windows; Linux; editors. Whatever begins with a dot is hidden and left out as well.
LITTER = frozenset(
    (
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "@sharebin", "@transcode", "#recycle", "#snapshot"),
        *("~snapshot", "__macosx", "network trash folder", "temporary items", "icon\r", "thumbs.db", "ehthumbs.db"),
        *("ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("found.000", "lost+found", "picasa.ini", "zbthumbnail.info", "__pycache__"),
    )
)
HIDDEN = re.compile(r"\.[^.\s]")
LEFTOVER = re.compile(r"^~\$|^~syncthing~|\.(tmp|temp|part|partial|crdownload|swp)$|~$")


def plain(name: str) -> str:
    """A name's letters and digits alone, in small letters: `Test_Public` is testpublic."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())


def same_name(name: str) -> str:
    """What a class name shares with its other spellings: case and the way that umlauts are composed do not matter."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def is_good(name: str) -> bool:
    """Whether a name is known to mean good parts."""
    return plain(name) in GOOD


def is_bad(name: str) -> bool:
    """Whether a name is known to mean defective parts."""
    return plain(name) in BAD


def is_known(name: str) -> bool:
    """Whether a name is known to mean good or defective parts."""
    return is_good(name) or is_bad(name)


def is_review(name: str) -> bool:
    """Whether a name is that of the verdict that sends a part to a person, and so names no class."""
    return plain(name) == REVIEW


def part_called(name: str) -> str:
    """The part of a data set that a name means: train, calibration or test; empty for any other name."""
    return PART_NAMES.get(plain(name), WHOLE)


def is_litter(name: str, *, is_folder: bool = False) -> bool:
    """Whether a file or a folder is one that machines leave behind, and no photo of anybody."""
    folded = name.casefold()
    if HIDDEN.match(name) or folded in LITTER:
        return True
    return not is_folder and LEFTOVER.search(folded) is not None  # `shaft.part` may well be a folder of somebody's


def classes_by_name(names: Iterable[str]) -> dict[str, str | None]:
    """The class that each name means; None for `review`, which is a verdict and no class.

    Beside a name for good parts every other one is a kind of defect, and beside names for defective parts a single
    other one is good. Elsewhere names are classes of their own, spellings that differ by case alone one class.
    """
    found: dict[str, str | None] = dict.fromkeys(names)
    named = [name for name in found if not is_review(name)]
    spelling: dict[str, str] = {}
    for name in named:
        spelling.setdefault(same_name(name), name)
    others = {spelling[same_name(name)] for name in named if not is_good(name) and not is_bad(name)}
    bad = any(map(is_bad, named))
    if any(map(is_good, named)):
        return found | {name: NON_DEFECTIVE if is_good(name) else DEFECTIVE for name in named}
    if bad and len(others) < 2:
        return found | {name: DEFECTIVE if is_bad(name) else NON_DEFECTIVE for name in named}
    return found | {name: spelling[same_name(name)] for name in named}
