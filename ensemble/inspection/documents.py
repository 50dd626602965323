"""Documents to hand on: headings, tables and pictures, as PDF and as one HTML file. The only door to reportlab."""

import importlib.util
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image as Pictures
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from ensemble.imaging.overlays import png
from ensemble.values.language import _

FONT, BOLD = "Quorum", "Quorum-Bold"
INK, MUTED, LINE = "#1D252B", "#55636D", "#B9C2C8"
WIDTH = A4[0] - 36 * mm


@dataclass(frozen=True, slots=True)
class Block:
    """A heading with a table below it; without columns its rows are names and values. A `note` stands under them."""

    heading: str
    rows: Sequence[Sequence[str]]
    columns: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What is handed on: a title, what stands large below it in a `colour`, pictures with their words, and blocks.

    `parts` are documents that follow it, each on a page of its own; they are read once, one at a time.
    """

    title: str
    headline: str
    lead: str
    blocks: Sequence[Block]
    colour: str = INK
    pictures: Sequence[tuple[Pictures.Image, str]] = field(default=(), repr=False)
    parts: Iterable["Document"] = field(default=(), repr=False)


def document_pdf(document: Document) -> bytes:
    """The document as PDF, its pages numbered; its letters come with it."""
    _register_fonts()
    story = _story(document)
    for part in document.parts:
        story += [PageBreak(), Paragraph(escape(part.title), _style(12, bold=True)), Spacer(0, 2 * mm), *_story(part)]
    stream = io.BytesIO()
    made = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=20 * mm,
        bottomMargin=18 * mm,
        title=document.title,
        author="Quorum",
    )

    def frame(canvas: Canvas, _made: Any) -> None:
        canvas.setFont(FONT, 8)
        canvas.setFillColor(HexColor(MUTED))
        canvas.drawString(18 * mm, A4[1] - 13 * mm, f"Quorum · {document.title}")
        canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, _("Page {number}", number=canvas.getPageNumber()))

    made.build(story, onFirstPage=frame, onLaterPages=frame)
    return stream.getvalue()


def _story(document: Document) -> list[Flowable]:
    large = _style(20, bold=True, colour=document.colour)
    story: list[Flowable] = [Paragraph(escape(document.headline), large), Paragraph(escape(document.lead), _style(10))]
    if document.pictures:
        story += [Spacer(0, 4 * mm), _pictures_in_a_row(document.pictures)]
    for block in document.blocks:
        story += [Spacer(0, 5 * mm), Paragraph(escape(block.heading), _style(12, bold=True)), Spacer(0, 1.5 * mm)]
        if block.rows:
            story.append(_table_of(block))
        if block.note:
            story += [Spacer(0, 1 * mm), Paragraph(escape(block.note), _style(8, colour=MUTED))]
    return story


def _register_fonts() -> None:
    """DejaVu, which matplotlib brings and which has every sign; else Vera, which reportlab brings."""
    if FONT in pdfmetrics.getRegisteredFontNames():
        return
    found = importlib.util.find_spec("matplotlib")
    folder = Path(found.origin or "").parent / "mpl-data/fonts/ttf" if found else Path()
    names = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
    paths = [str(folder / name) for name in names] if (folder / names[0]).is_file() else ["Vera.ttf", "VeraBd.ttf"]
    for name, path in zip((FONT, BOLD), paths, strict=True):
        pdfmetrics.registerFont(TTFont(name, path))


def _style(size: float, *, bold: bool = False, colour: str = INK) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size} {bold} {colour}",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.3,
        textColor=HexColor(colour),
        splitLongWords=True,
    )


def _pictures_in_a_row(pictures: Sequence[tuple[Pictures.Image, str]]) -> Table:
    room = WIDTH / len(pictures) - 3 * mm
    cells = []
    for picture, words in pictures:
        width, height = picture.size
        scale = min(room / width, 80 * mm / height)
        shown = Image(io.BytesIO(png(picture)), width * scale, height * scale)
        cells.append([shown, Paragraph(escape(words), _style(8, colour=MUTED))])
    return Table(
        [cells], colWidths=[WIDTH / len(pictures)] * len(pictures), style=[("VALIGN", (0, 0), (-1, -1), "TOP")]
    )


def _table_of(block: Block) -> Table:
    head = [[Paragraph(escape(name), _style(8, bold=True)) for name in block.columns]] if block.columns else []
    body = [[Paragraph(escape(cell), _style(8)) for cell in row] for row in block.rows]
    count = len(block.rows[0])
    widths = [WIDTH / count] * count if block.columns else [45 * mm, WIDTH - 45 * mm]
    look = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor(LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    return Table(head + body, colWidths=widths, style=TableStyle(look), repeatRows=len(head), hAlign="LEFT")


SHEET = """body{font:16px/1.4 sans-serif;color:#1D252B;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid #B9C2C8;
overflow-wrap:anywhere;vertical-align:top}.note{color:#55636D;font-size:.9rem}"""


def _html_of(document: Document) -> str:
    parts = [
        f"<h1>{escape(document.title)}</h1><p><b>{escape(document.headline)}</b></p><p>{escape(document.lead)}</p>"
    ]
    for block in document.blocks:
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in block.columns)
        rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows)
        parts.append(
            f"<h2>{escape(block.heading)}</h2>"
            + (
                f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{rows}</tbody></table>"
                if rows
                else ""
            )
            + (f'<p class="note">{escape(block.note)}</p>' if block.note else "")
        )
    return "".join(parts)


def document_html(document: Document, spoken: str) -> bytes:
    """The words and tables of a document as one HTML file that asks nothing of anybody."""
    parts = [_html_of(each) for each in (document, *document.parts)]
    title, body = escape(document.title), "".join(parts)
    page = (
        f'<!doctype html><html lang="{escape(spoken)}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{SHEET}</style></head><body>{body}</body></html>'
    )
    return f"{page}\n".encode()
