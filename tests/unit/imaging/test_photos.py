"""The photo door: every file gives the right picture or one sentence, and nothing else ever comes out of it."""

import gc
import io
import os
import random
import subprocess
import sys
import time
import unicodedata
import warnings
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ensemble.imaging import photos
from ensemble.imaging.photos import MAX_PHOTO_BYTES, MAX_PIXELS, MIN_SIDE, Photo, open_photo, read_photo
from ensemble.values import bombs
from ensemble.values.errors import PhotoError
from ensemble.values.safe_names import safe_name
from tests.support.bad_photos import BAD, ODD, encoded, exif, jpeg, quarters, tiff

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


@pytest.mark.parametrize("case", BAD)
def test_bad_photo_is_refused_in_one_sentence(case: str) -> None:
    bad = BAD[case]()
    started = time.process_time()
    with pytest.raises(PhotoError) as refused:
        open_photo(bad.data, bad.file)
    sentence = str(refused.value)
    assert bad.says in sentence.lower()
    assert sentence.startswith(bad.file + " ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert time.process_time() - started < 5


@pytest.mark.parametrize("case", ODD)
def test_odd_photo_gives_the_right_picture(case: str) -> None:
    odd = ODD[case]()
    photo = open_photo(odd.data, odd.file)
    width, height = odd.size
    seen = [photo.picture.getpixel(at) for at in [(1, 1), (width - 2, 1), (1, height - 2), (width - 2, height - 2)]]
    assert (photo.name, photo.picture.size, photo.picture.mode) == (odd.label, odd.size, "RGB")
    for colour, expected in zip(seen, odd.corners, strict=True):
        assert colour == pytest.approx(expected, abs=odd.within)


@pytest.mark.parametrize("case", ODD)
def test_picture_stands_alone(case: str) -> None:
    odd = ODD[case]()
    photo = open_photo(odd.data, odd.file)
    assert type(photo.picture) is Image.Image
    assert photo.picture.info == {}
    assert not photo.picture.getexif()  # nobody turns it a second time
    assert photo.sha256 == sha256(odd.data).hexdigest()


def test_limits_are_the_documented_ones() -> None:
    assert (MAX_PHOTO_BYTES, MAX_PIXELS, MIN_SIDE) == (30_000_000, 50_000_000, 32)


def test_one_byte_below_the_limit_is_taken() -> None:
    data = jpeg()
    open_photo(data + bytes(MAX_PHOTO_BYTES - 1 - len(data)))


def test_pixel_limit_counts_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(quarters((100, 50)), "PNG")
    monkeypatch.setattr(photos, "MAX_PIXELS", 5_000)
    open_photo(data)
    monkeypatch.setattr(photos, "MAX_PIXELS", 4_999)
    with pytest.raises(PhotoError, match="100 × 50 pixels"):
        open_photo(data)


def test_nothing_is_decoded_before_the_header_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Image.Image) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    for case in ["huge_png", "huge_jpeg", "huge_gif", "huge_bmp", "huge_webp", "huge_tiff", "huge_pgm", "animated_gif"]:
        bad = BAD[case]()
        with pytest.raises(PhotoError) as refused:
            open_photo(bad.data)
        assert bad.says in str(refused.value).lower()


def test_no_warning_reaches_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "broken_exif.jpg"
    path.write_bytes(ODD["broken_exif_jpeg"]().data)
    opening = "import sys, pathlib; from ensemble.imaging import photos; photos.read_photo(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-W", "error", "-c", opening, str(path)]
    done = subprocess.run(command, capture_output=True, cwd=Path(__file__).resolve().parents[3], check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_pieces_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bombs, "MAX_READS", 5)
    with pytest.raises(PhotoError, match="would take too long to decode"):
        open_photo(encoded(quarters(), "PNG"), "pieces.png")


def test_scans_in_a_thumbnail_or_behind_the_end_do_not_count() -> None:
    thumbnail = b"Exif\0\0" + b"\xff\xda\xff\xd9" * 200
    open_photo(jpeg(exif=thumbnail) + b"\xff\xda" * 200)


def test_empty_segments_are_counted() -> None:
    data = jpeg()
    with pytest.raises(PhotoError, match="segments"):
        open_photo(data[:2] + b"\xff\xfe\0\2" * 20_000 + data[2:] + b"\xff\xda" * 200)


@pytest.mark.parametrize(
    ("raised", "says"),
    [(MemoryError(), "free memory"), (RecursionError(), "damaged"), (SystemError("tile"), "damaged")],
)
def test_whatever_a_decoder_raises_becomes_a_sentence(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, says: str
) -> None:
    def fail(_: Image.Image) -> None:
        raise raised

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(PhotoError, match=says):
        open_photo(jpeg())


@pytest.mark.parametrize("case", ["jpeg", "bmp", "webp", "tiff", "gif"])
def test_input_bytes_are_let_go(case: str) -> None:
    data = ODD[case]().data
    before = sys.getrefcount(data)
    photo = open_photo(data)
    assert photo.picture.size == (64, 48)
    assert sys.getrefcount(data) == before


def test_photos_are_equal_by_name_and_content() -> None:
    data = jpeg()
    assert open_photo(data, "a.jpg") == open_photo(data, "a.jpg")
    assert len({open_photo(data, "a.jpg"), open_photo(data, "a.jpg"), open_photo(data, "b.jpg")}) == 2
    assert "picture" not in repr(open_photo(data))


def test_many_threads_get_the_same_answers() -> None:
    names = ["jpeg", "alpha_png", "orientation_6_webp", "grey_16_bit_tiff", "huge_png", "animated_gif", "empty"]
    jobs = [(name, (BAD | ODD)[name]()) for name in names * 8]

    def answer(job: tuple[str, object]) -> tuple[str, str]:
        name, case = job
        try:
            return name, sha256(open_photo(case.data).picture.tobytes()).hexdigest()  # type: ignore[attr-defined]
        except PhotoError as error:
            return name, str(error)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(answer, jobs))) == len(names)


# ------------------------------------------------------------------------------------------------------ files


def test_read_photo_takes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "part 7.jpg"
    path.write_bytes(jpeg())
    assert read_photo(path) == open_photo(jpeg(), "part 7.jpg")


def test_read_photo_refuses_by_size_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "heavy.jpg"
    with path.open("wb") as stream:
        stream.truncate(MAX_PHOTO_BYTES)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read"))
    with pytest.raises(PhotoError, match=r"heavy\.jpg is too large \(30\.0 MB"):
        read_photo(path)


def test_read_photo_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    for path, says in [
        (tmp_path / "none.jpg", "none.jpg is not there"),
        (tmp_path, "is a folder"),
        (tmp_path / "pipe.jpg", "pipe.jpg is not a plain file"),
        (Path("/dev/zero"), "zero is not a plain file"),
        (tmp_path / "loop.jpg", "loop.jpg cannot be read"),
        (tmp_path / ("x" * 400 + ".jpg"), "cannot be read"),
        (tmp_path / "a\0b.jpg", "ab.jpg cannot be read"),
    ]:
        with pytest.raises(PhotoError) as refused:
            read_photo(path)
        assert says in str(refused.value)


def test_read_photo_says_why_a_file_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.jpg"
    path.write_bytes(jpeg())

    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)  # root may read everything, so the mode alone proves nothing
    with pytest.raises(PhotoError, match=r"mine\.jpg cannot be read \(Permission denied\)"):
        read_photo(path)


# ------------------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("part.jpg", "part.jpg"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\photos\\part.jpg", "part.jpg"),
        ("a/b\\c.png", "c.png"),
        ("", "photo"),
        ("photos/", "photo"),
        ("..", "photo"),
        (" . ", "photo"),
        ("\x00\u200b\u202e", "photo"),
        ("part\u202egpj.exe", "partgpj.exe"),
        ("pa\r\nrt\x1b.jpg", "part.jpg"),
        ("two\u2028lines.jpg", "twolines.jpg"),
        ("  part.jpg  ", "part.jpg"),
        (".hidden", ".hidden"),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
        ("x" * 300, "x" * 120),
        ("part." + "y" * 300, "part." + "y" * 115),
        ("\ud800part.jpg", "part.jpg"),
        ("Türgriff 7.jpg", "Türgriff 7.jpg"),
    ],
)
def test_safe_name(name: str, label: str) -> None:
    assert safe_name(name) == label


@given(st.text(st.characters(), max_size=400))
def test_safe_name_is_always_safe(name: str) -> None:
    label = safe_name(name)
    assert 0 < len(label) <= 120
    assert not set(label) & set("/\\")
    assert label.strip(". ")
    assert all(unicodedata.category(c)[0] != "C" for c in label)
    assert safe_name(label) == label


# -------------------------------------------------------------------------------------------------- hostility

FUZZED = {
    "jpeg": jpeg(exif=exif(6)),
    "progressive": jpeg(progressive=True),
    "cmyk": encoded(quarters().convert("CMYK"), "JPEG"),
    "png": encoded(quarters(), "PNG", exif=exif(6)),
    "palette": encoded(quarters().quantize(4), "PNG", transparency=1),
    "bmp": encoded(quarters((40, 40)), "BMP"),
    "gif": encoded(quarters(), "GIF"),
    "webp": encoded(quarters(), "WEBP", lossless=True, exif=exif(6)),
    "lossy_webp": encoded(quarters(), "WEBP"),
    "tiff": tiff((32, 32), 8, 1, bytes(1024)),
    "lzw_tiff": encoded(quarters(), "TIFF", compression="tiff_lzw", exif=exif(6)),
    "jpeg_tiff": encoded(quarters(), "TIFF", compression="jpeg"),
    "deep_tiff": encoded(Image.new("I;16", (40, 40), 999), "TIFF"),
    "float_tiff": encoded(Image.new("F", (40, 40), 0.4), "TIFF"),
    "pgm": encoded(quarters((40, 40)).convert("L"), "PPM"),
    "deep_ppm": b"P6\n# 12 bits\n40 36\n4095\n" + b"\x07\xff" * 3 * 40 * 36,
    "pbm": b"P4\n40 40\n" + bytes(range(200)),
}


def _answer(data: bytes) -> Photo | PhotoError:
    try:
        photo = open_photo(data)
    except PhotoError as error:
        return error
    assert photo.picture.mode == "RGB"
    assert min(photo.picture.size) >= MIN_SIDE
    return photo


@pytest.mark.parametrize("kind", FUZZED)
def test_every_truncation_gives_a_picture_or_a_sentence(kind: str) -> None:
    whole = FUZZED[kind]
    expected = open_photo(whole).picture.tobytes()
    lengths = {*range(0, len(whole), max(1, len(whole) // 300)), *range(len(whole) - 20, len(whole))}
    taken = {length: answer for length in lengths if isinstance(answer := _answer(whole[:length]), Photo)}
    assert all(length >= len(whole) - 4 for length in taken)  # a lost end mark loses no pixel
    assert all(photo.picture.tobytes() == expected for photo in taken.values())


@pytest.mark.parametrize("kind", FUZZED)
def test_flipped_bytes_give_a_picture_or_a_sentence(kind: str) -> None:
    chance = random.Random(kind)
    for _ in range(300):
        data = bytearray(FUZZED[kind])
        for _ in range(chance.choice([1, 1, 2, 8, 40])):
            # most of what decoders trust stands at the front
            reach = chance.choice([40, 400, len(data)])
            data[chance.randrange(min(reach, len(data)))] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        _answer(bytes(data))


@given(
    st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0+", b"P5 40 40 ", b"P6 40 40 999 ", b"<svg"]
    ),
    st.binary(),
)
def test_any_bytes_behind_a_good_beginning(magic: bytes, rest: bytes) -> None:
    _answer(magic + rest)


def test_stream_of_a_photo_is_not_kept_open() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        open_photo(jpeg())
        gc.collect()


def test_reopening_what_was_saved_gives_the_same_picture() -> None:
    first = open_photo(ODD["orientation_6_jpeg"]().data)
    stream = io.BytesIO()
    first.picture.save(stream, "PNG")
    assert open_photo(stream.getvalue()).picture.tobytes() == first.picture.tobytes()
