"""The commands that give photos their verdicts, and parts of several views theirs."""

import gc
import getpass
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ensemble.cli.terminal import DEFAULT_MODELS, Models, policies_in_force, print_result, say, say_firmly
from ensemble.values.errors import PhotoError
from ensemble.values.safe_names import legible

if TYPE_CHECKING:
    from ensemble.inspection.inspector import Inspector
    from ensemble.policies import Policy
    from ensemble.records.values import Occasion
    from ensemble.store import ModelStore
    from ensemble.values.results import Verdict


def inspect(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...")],
    models: Models = DEFAULT_MODELS,
    policy: Annotated[str | None, typer.Option("--policy", help="By default the product's first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a photo.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Dummy members instead of trained ones.")] = False,
) -> None:
    """Give each photo a verdict; a photo that is refused is named, the others still run, and the exit code is 1.

    Where the product names the views that it expects, each part gets a verdict too.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read by torch: spinning beside other work doubles a start
    with _nothing_collected():
        from ensemble.inspection.parts import part_verdict, views_told
        from ensemble.records.recording import recorder  # noqa: F401 - its turn is here, while nothing is collected
        from ensemble.records.values import Occasion
        from ensemble.store import ModelStore
        from ensemble.store.expected_views import expected_views

        inspector, chosen = _opened(ModelStore(models), policy, demo=demo)
    expected = expected_views(models)
    refused, parts, unread = False, defaultdict(list), defaultdict(list)
    for path in photos:
        trace = expected.trace_of(path.name)
        try:
            found = _inspected(path, inspector, chosen, Occasion("command line", getpass.getuser(), trace=trace))
        except PhotoError as error:
            refused = True
            unread[trace.lot, trace.part].append(trace.view)
            _print_verdict(
                {"photo": legible(str(path)), "error": str(error)}, f"{path}: refused. {error}", as_json=as_json
            )
            continue
        if trace.part:
            parts[trace.lot, trace.part].append((trace.view, found.sha256, found.label))
        line = f"{path}: {found.label} ({found.reason})" + (" DEMO" if demo else "")
        _print_verdict(found.as_json() | {"photo": legible(str(path))}, line, as_json=as_json)
    for (lot, part), told in parts.items() if expected.names else ():
        seen, same = views_told(told)
        said = part_verdict(part, seen, expected.names, inspector.classes, unread=unread[lot, part], repeated=same)
        _print_verdict(said.as_json(), f"part {part}: {said.label} ({said.reason})", as_json=as_json)
    if refused:
        raise typer.Exit(1)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """A start without the search for garbage: what is imported and loaded stays, and the search costs a tenth of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _opened(store: "ModelStore", policy: str | None, *, demo: bool) -> "tuple[Inspector, Policy]":
    from ensemble.inspection.inspector import Inspector
    from ensemble.policies import choose, shipped
    from ensemble.values.results import OK_NOK

    if demo:
        known = store.known_manifest()
        inspector = Inspector.for_demo(known.classes if known else OK_NOK)
        return inspector, choose(shipped(inspector.classes), policy)
    chosen = choose(policies_in_force(store), policy)
    return Inspector.open(store, chosen), chosen


def _inspected(path: Path, inspector: "Inspector", policy: "Policy", occasion: "Occasion") -> "Verdict":
    from ensemble.imaging.photos import open_photo, read_photo_bytes
    from ensemble.records.recording import Inspected, recorder

    data = read_photo_bytes(path)
    photo = open_photo(data, str(path), inspector.view)
    for note in photo.notes:
        say(f"{photo.name}: {note}")
    inspected = Inspected(photo, data, inspector.inspect([photo], policy)[0])
    (found,) = recorder().keep([inspected], policy, occasion)
    if found.not_kept:
        say_firmly(f"{photo.name}: {found.not_kept}")
    return found


def _print_verdict(found: dict[str, Any], line: str, *, as_json: bool) -> None:
    print_result(json.dumps(found) if as_json else legible(line))


def views_command(
    models: Models = DEFAULT_MODELS,
    view: Annotated[
        list[str] | None, typer.Option("--view", help="A view that every part must have; may be repeated.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="How file names tell part and view, as in {part}_{view}.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Expect no views: each photo is a part of its own.")] = False,
) -> None:
    """Name the views that a product expects of each part, or say which it expects."""
    from ensemble.store import ModelStore
    from ensemble.store.expected_views import ExpectedViews, expected_views, write_expected_views

    ModelStore(models).manifest()
    if view or pattern is not None or none:
        before = ExpectedViews() if none else expected_views(models)
        names = tuple(view) if view else before.names
        write_expected_views(models, ExpectedViews(names, before.pattern if pattern is None else pattern))
    found = expected_views(models)
    if not found.names:
        say("No views are expected: each photo is a part of its own.")
        return
    print_result("\n".join(found.names))
    say(f"File names follow {found.pattern}." if found.pattern else "File names tell nothing of part and view.")
