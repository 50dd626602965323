"""Names that lead out of a folder or try to, and names that are odd and honest; shared by the tests of every door."""

import contextlib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

PIECES = (
    *("..", ".", "...", ". .", " ", "", "/", "//", "\\", "..\\", "../", "‥", "…", "．", "．．"),
    *("／", "⁄", "∕", "＼", "∖", "℀", "\u202e", "\u200b", "\u2066", "\u200d", "\ufeff", "\0", "\n", "\t"),
    *("\u2028", "\ue000", "\u3164", "\u0301", "\u00a0", ":", "::$DATA", "C:", "C:\\", "~", "~/", "*", "?", "<"),
    *('"', "|", "%2e%2e", "%2f", "$HOME", "`", "'", "CON", "con.", "nul.png", "COM1", "lpt¹.jpg", "AUX "),
    *(".png", ".PNG", "b.jpg", "a", "ok", "nok", "train", "e\u0301", "é", "写真", "صورة", "👩\u200d🔧", "\udcff"),
    *("\ud800", "x" * 130, "🔩" * 60, "outside", "link", "secret.txt", "models"),
)
PIECE = st.sampled_from(PIECES)
NAMES = st.one_of(
    st.lists(PIECE, min_size=1, max_size=5).map("".join),
    st.lists(PIECE, min_size=1, max_size=5).map("/".join),
    st.text(st.characters(), max_size=20),
)
ENCODABLE = NAMES.filter(lambda name: name.isprintable() or ("\ud800" not in name and "\udcff" not in name))

# Each name with the one under which the file lies afterwards, on every system.
HONEST = (
    ("Größe.png", "Größe.png"),
    ("Gro\u0308ße.png", "Größe.png"),  # as a Mac writes it
    ("TÜRGRIFF_7.PNG", "TÜRGRIFF_7.PNG"),
    ("été à Noël.png", "été à Noël.png"),
    ("Żółć.png", "Żółć.png"),
    ("Деталь 5.png", "Деталь 5.png"),
    ("εξάρτημα.png", "εξάρτημα.png"),
    ("部品の写真.png", "部品の写真.png"),
    ("部品　１.png", "部品 １.png"),  # a wide blank
    ("ガキ\u3099.png", "ガギ.png"),
    ("부품.png", "부품.png"),
    ("零件（正面）.png", "零件（正面）.png"),
    ("صورة القطعة.png", "صورة القطعة.png"),
    ("חלק.png", "חלק.png"),
    ("ชิ้นส่วน.png", "ชิ้นส่วน.png"),
    ("part no 5.png", "part no 5.png"),
    ("  part.png", "part.png"),
    ("part.png  ", "part.png"),
    ("part\u00a05.png", "part 5.png"),  # a blank that does not break, as in the screenshots of Macs
    ("a.b.c.d.png", "a.b.c.d.png"),
    ("part..png", "part..png"),
    ("2026-11-27T10.15.30.png", "2026-11-27T10.15.30.png"),
    ("part….png", "part....png"),
    ("🔩.png", "🔩.png"),
    ("👩\u200d🔧 7.png", "👩🔧 7.png"),  # joined by what nobody sees
    ("❤\ufe0f.png", "❤\ufe0f.png"),
    ("[a](b){c}.png", "[a](b){c}.png"),
    ("it's.png", "it's.png"),
    ('"quoted".png', "_quoted_.png"),
    ("100%.png", "100%.png"),
    ("#12 & co, 50€; ok!.png", "#12 & co, 50€; ok!.png"),
    ("~part.png", "~part.png"),
    ("-rf.png", "-rf.png"),
    ("=1+1.png", "=1+1.png"),
    ("½ Zoll.png", "½ Zoll.png"),
    (".part.png", "part.png"),
    ("CON.png", "_CON.png"),
    ("com1.jpg", "_com1.jpg"),
    ("a:b.png", "a_b.png"),
    ("10:15:30?.png", "10_15_30_.png"),
    ("x" * 300 + ".png", "x" * 196 + ".png"),
    ("写" * 100 + ".png", "写" * 65 + ".png"),
    ("ok\\part.png", "ok/part.png"),  # as Windows writes it
    ("photo\u202egnp.png", "photognp.png"),
)


def kept(*folders: Path) -> dict[str, bytes | str]:
    """Everything that lies below folders: bytes of files, targets of links, and a mark for folders."""
    return {
        str(path): str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
        for folder in folders
        for path in sorted(folder.rglob("*"))
    }


@contextlib.contextmanager
def nothing_changes(*folders: Path) -> Iterator[None]:
    """Nothing below these folders is made, changed or removed in the block."""
    before = kept(*folders)
    yield
    assert kept(*folders) == before


def is_portable(path: str) -> bool:
    """Whether Windows, macOS and Linux all take a path below a folder, after Windows' own rules."""
    parts = path.split("/")
    bad = set('<>:"\\|?*') | {chr(code) for code in range(32)}
    devices = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
    return all(
        part.strip()
        and part == part.rstrip(". ")
        and not set(part) & bad
        and part.split(".")[0].strip().lower() not in devices
        and len(part.encode()) < 256
        for part in parts
    )


def is_one_line(text: str) -> bool:
    """Whether nothing in a sentence steers a terminal or breaks its line."""
    return all(unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") for character in text)
