"""The command for the view of a product: how its photos are looked at."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ensemble.cli.terminal import say, tell_smallest
from ensemble.values.errors import DataError, StoreError

if TYPE_CHECKING:
    from ensemble.imaging.looking import Look
    from ensemble.values.view import Tiles, View

SHARES = "shares of the reference's width and height, from 0 to 1"
Ignored = Annotated[
    list[str] | None, typer.Option("--ignore", help="A rectangle or a polygon as above; as often as needed.")
]
TileSide = Annotated[
    int | None, typer.Option("--tiles", help="Look at large photos in tiles of so many pixels a side; 0: whole.")
]
White = Annotated[
    str | None,
    typer.Option("--white", help="White of 16-bit photos that do not say so: 12 bits or 4095; found: by training."),
]


def view_command(
    product: Annotated[Path, typer.Argument(metavar="PRODUCT", help="The product's folder.")],
    reference: Annotated[
        Path | None, typer.Option("--reference", help="A photo of a good part, on which regions are drawn.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help=f"left,top,width,height as {SHARES}.")] = None,
    region_polygon: Annotated[str | None, typer.Option("--region-polygon", help=f"x,y x,y x,y … as {SHARES}.")] = None,
    ignore: Ignored = None,
    align: Annotated[
        bool | None, typer.Option("--align/--no-align", help="Lay each photo over the reference first.")
    ] = None,
    shift: Annotated[float, typer.Option("--shift", help="How far a part may be shifted, of width and height.")] = 0.2,
    turn: Annotated[float, typer.Option("--turn", help="How far it may be turned, in degrees either way.")] = 180.0,
    zoom: Annotated[float, typer.Option("--zoom", help="How much larger or smaller it may be, as a factor.")] = 1.0,
    scale: Annotated[float | None, typer.Option("--scale", help="Millimetres a pixel of the photo.")] = None,
    tiles: TileSide = None,
    overlap: Annotated[
        float | None, typer.Option("--overlap", help="What neighbouring tiles have in common, of their side.")
    ] = None,
    white: White = None,
    try_photo: Annotated[Path | None, typer.Option("--try", help="A photo to look at so.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A folder for before.png and after.png of it.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Set the view for the next training.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Train without a view from the next training on.")] = False,
) -> None:
    """Show how photos of a product are looked at, try another view on a photo, or set one for the next training.

    What is trained already keeps the view that it was trained for.
    """
    from ensemble.store.seeing import keep_view, view_for_training
    from ensemble.values.view import AS_IT_IS, Alignment

    known = view = AS_IT_IS if remove else view_for_training(product)
    drawn = (reference, region, region_polygon, ignore, align, scale, tiles, overlap, white)
    try:
        if any(each is not None for each in drawn):
            known = known if white is None else _with_white(known, white)
            view = _redrawn(known, reference, region_polygon or region, ignore, scale)
            alignment = known.alignment if align is None else Alignment(shift, turn, zoom) if align else None
            view = replace(view, alignment=alignment, tiles=_tiles(known.tiles, tiles, overlap))
    except ValueError as error:
        raise DataError(f"This is no view: {error}") from error
    _tell_view(view)
    tell_smallest(product, view)
    if try_photo is not None:
        _try(view, try_photo, out)
    if keep or remove:
        keep_view(product, view)
        say(f"The next training of {product} looks at photos so. What is trained already stays as it is.")


def _redrawn(
    known: "View", reference: Path | None, region: str | None, ignore: list[str] | None, scale: float | None
) -> "View":
    from ensemble.imaging.photos import read_photo_bytes
    from ensemble.store.seeing import reference_of

    changes: dict[str, Any] = {}
    if reference is not None:
        changes |= reference_of(read_photo_bytes(reference), str(reference), known)
    changes |= {"region": _corners(region)} if region is not None else {}
    changes |= {"ignore": tuple(map(_corners, ignore))} if ignore else {}
    changes |= {"mm_per_pixel": scale} if scale is not None else {}
    return replace(known, residual_limit=None, **changes)


def _tiles(known: "Tiles | None", side: int | None, overlap: float | None) -> "Tiles | None":
    from ensemble.values.view import Tiles

    if side == 0 or (side is None and overlap is None):
        return None if side == 0 else known
    before = known or Tiles()
    return Tiles(side or before.side, before.overlap if overlap is None else overlap)


def _with_white(known: "View", text: str) -> "View":
    """The view with a white level set by hand, named by its bits or its value, or with the one that is found again."""
    from ensemble.values.view import DEPTHS

    if text == "found":
        return replace(known, white_by_hand=False)
    named = {name: bits for bits in DEPTHS for name in (str(bits), str((1 << bits) - 1))}
    if text not in named:
        values = ", ".join(f"{bits} ({(1 << bits) - 1})" for bits in DEPTHS)
        raise DataError(f"White is one of these bits or values: {values}; or found: by training. Got {text!r}.")
    return replace(known, white_level=named[text], white_by_hand=True)


def _corners(text: str) -> tuple[tuple[float, float], ...]:
    """Corners of a polygon, or of a rectangle as left, top, width and height."""
    from ensemble.values.view import rectangle

    try:
        numbers = [float(number) for number in text.replace(",", " ").split()]
    except ValueError as error:
        raise DataError(f"A region is written as numbers, such as 0.1,0.2,0.5,0.6. Got {text!r}.") from error
    if len(numbers) == 4:
        return rectangle(*numbers)
    if len(numbers) % 2 or not numbers:
        raise DataError(f"A polygon has two numbers a corner, a rectangle four. Got {len(numbers)}: {text!r}.")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _tell_view(view: "View") -> None:
    if view.reference:
        from ensemble.imaging.looking import looking_of

        looking_of(view)
    if view.tiles:
        side, shared = view.tiles.side, view.tiles.overlap
        say(f"Tiles of {side} × {side} of the photo's own pixels, {shared:.1%} in common with their neighbours.")
    if view.size is None:
        say("All of a photo is looked at." if view.tiles else "Photos are looked at as they are.")
    else:
        left, top, right, bottom = view.box
        say(f"Reference: SHA-256 {view.reference}, {view.size[0]} × {view.size[1]} pixels.")
        say(f"Region of interest: {right - left} × {bottom - top} pixels from {left}, {top}.")
        say(f"Ignored regions: {len(view.ignore)}.")
    if view.alignment:
        found = view.alignment
        say(f"Aligned: shifted by up to {found.shift:.0%}, turned by up to {found.turn:g}°, scaled by {found.scale:g}.")
    if view.residual_limit is not None:
        say(f"Residual above {view.residual_limit:.4f}: REVIEW.")
    if view.white_level is not None:
        whence = "set by hand" if view.white_by_hand else "found by training"
        say(f"White level of photos of 16 bits: {view.white_level} bits ({(1 << view.white_level) - 1}), {whence}.")
    if view.mm_per_pixel is not None:
        say(f"A pixel is {view.mm_per_pixel:g} mm wide.")


def _try(view: "View", path: Path, out: Path | None) -> None:
    from ensemble.imaging.looking import look_at_photo, mask_of
    from ensemble.imaging.overlays import darkened, png
    from ensemble.imaging.photos import read_photo

    photo = read_photo(path, view)
    look = look_at_photo(photo.picture, view)
    say(f"{path}: {_tried(look)}")
    if view.tiles:
        from ensemble.imaging.looking import looked_tiles

        say(f"Tiles: {len(looked_tiles(look or photo.picture, view.tiles))}.")
    if out is None:
        return
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file: name a folder for the pictures.")
    out.mkdir(parents=True, exist_ok=True)
    pictures = {"before.png": photo.picture, "after.png": look.picture if look else photo.picture}
    if look:
        pictures["region.png"] = darkened(look.by.reference, mask_of(view, look.by.reference.size))
    for name, picture in pictures.items():
        (out / name).write_bytes(png(picture))
    say(f"Wrote {', '.join(pictures)} into {out}.")


def _tried(look: "Look | None") -> str:
    if look is None:
        return "looked at as it is."
    at, residual = look.placement, "" if look.residual is None else f" Residual {look.residual:.4f}."
    told = (
        f"turned by {at.turn:.1f}°, shifted by {at.x:.1f}, {at.y:.1f} pixels, {at.scale:.3f} times as large.{residual}"
    )
    return f"{told} REVIEW: {look.doubt}." if look.doubt else told
