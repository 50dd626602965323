"""What a part is called outside of Quorum."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Trace:
    """What a part is called outside: free texts that a station, a file name or a request gives."""

    part: str = ""
    serial: str = ""
    lot: str = ""
    station: str = ""
    shift: str = ""
    view: str = ""


TRACE = tuple(each.name for each in fields(Trace))
