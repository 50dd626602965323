"""The plan of the house as a picture, drawn from its imports. `python -m tests.support.plan` puts it into its page."""

import re
from pathlib import Path

from tests.house.test_architecture import NAMES, ROOT, ours, room_of

PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- plan: drawn from the imports by `make plan` -->", "<!-- end of plan -->"
TITLES = {"__main__": "python -m ensemble", "streamlit_app": "streamlit_app.py"}

Arrows = dict[str, set[str]]


def arrows() -> Arrows:
    """Each room with the rooms that it imports from."""
    below: Arrows = {}
    for name in NAMES:
        if own := room_of(name):
            below.setdefault(own, set()).update({room_of(other) for other in ours(name)} - {own, ""})
    return below


def floors(below: Arrows) -> dict[str, int]:
    """How high each room lies: one above the highest room that it imports from, and 1 where it imports from none."""

    def floor(room: str) -> int:
        return 1 + max(map(floor, below[room]), default=0)

    return {room: floor(room) for room in below}


def steps(below: Arrows) -> Arrows:
    """The arrows without those that follow from others: a picture of every import is black."""

    def reached(room: str) -> set[str]:
        return below[room].union(*map(reached, below[room]))

    return {room: rooms - set().union(*map(reached, rooms)) for room, rooms in below.items()}


def drawn() -> str:
    """The picture between its marks: a Mermaid graph whose floors are rows, the highest first."""
    below = arrows()
    high = floors(below)
    rows = ["```mermaid", "flowchart TD"]
    for floor in range(max(high.values()), 0, -1):
        rooms = sorted(room for room in high if high[room] == floor)
        named = "; ".join(f'{key(room)}["{TITLES.get(room, room)}"]' for room in rooms)
        rows += [f'  subgraph f{floor}["floor {floor}"]', f"    {named}", "  end"]
    for room in sorted(below, key=lambda room: (-high[room], room)):
        rows += [f"  {key(room)} --> {key(other)}" for other in sorted(steps(below)[room])]
    return "\n".join((BEGIN, *rows, "```", END))


def key(room: str) -> str:
    """A name that Mermaid takes for a node."""
    return re.sub(r"\W", "_", room.strip("_"))


def put(page: Path = PAGE) -> None:
    """Put today's picture between the marks of the page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    page.write_text(before + drawn() + rest.partition(END)[2], encoding="utf-8", newline="\n")


if __name__ == "__main__":
    put()
