"""Policies as the text of a `policies.json`, and back; whatever is wrong in it is named with its line."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass
from typing import Any

from ensemble.disk.files import JSONError, line_at, parsed
from ensemble.policies.counting import SIZE_LIMITS, SizeLimit, unknown_size
from ensemble.policies.policy import Policy
from ensemble.policies.value import Clause, Stage, in_file
from ensemble.values.errors import PolicyError, brief
from ensemble.values.language import Message
from ensemble.values.view import View

TOP = ("active", "policies")


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All policies of a product, and the name of the one that is active."""

    policies: tuple[Policy, ...]
    active: str

    def __post_init__(self) -> None:
        names = [policy.name for policy in self.policies]
        if not names:
            raise PolicyError("A product needs at least one policy. Got none.")
        for name in names:
            if names.count(name) > 1:
                raise PolicyError("two policies are called {name!r}. Rename one of them.", name=name)
        if self.active not in names:
            raise PolicyError(
                "the active policy {active!r} is none of {names}. Name one of these.",
                active=self.active,
                names=", ".join(names),
            )

    @property
    def ordered(self) -> tuple[Policy, ...]:
        """The active policy, then the others."""
        first = tuple(policy for policy in self.policies if policy.name == self.active)
        return first + tuple(policy for policy in self.policies if policy.name != self.active)

    def including(self, policy: Policy, *, active: bool = False) -> "PolicyBook":
        """The same policies and one more, in the place of the one of its name where there is one; `active` or not."""
        others = tuple(each for each in self.policies if each.name != policy.name)
        return PolicyBook((*others, policy), policy.name if active else self.active)

    def to_json(self) -> str:
        """The text of a `policies.json`; what a policy leaves at its default is not written."""
        data = {"active": self.active, "policies": [entry_of(policy) for policy in self.policies]}
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def entry_of(value: Policy | Stage | Clause | SizeLimit) -> dict[str, Any]:
    """A policy, a stage, an exception or a size as plain JSON values, without what is at its default."""
    entry: dict[str, Any] = {}
    for each in in_file(value):
        found = getattr(value, each.name)
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        if found == default:
            continue
        if each.name in {"cascade", "exceptions"}:
            found = [entry_of(part) for part in found]
        elif isinstance(found, SizeLimit):
            found = entry_of(found)
        elif isinstance(found, tuple):
            found = list(found)
        elif isinstance(found, Mapping):
            found = dict(found)
        entry[each.name] = found
    return entry


def from_json(
    text: str, source: str = "policies.json", members: Collection[str] | None = None, view: View | None = None
) -> PolicyBook:
    """Read the text of a `policies.json`; a PolicyError names the line and what is wrong there.

    With `members`, a policy that names any other member is refused, with a `view` one whose sizes that cannot measure.
    Without `active` the first policy is active.
    """
    text = text.removeprefix("\ufeff")
    try:
        data = parsed(text)
    except JSONError as error:
        raise PolicyError("{source}, {error}", source=source, error=error) from error
    places = _entry_places(text)
    if not isinstance(data, dict) or set(data) - set(TOP) or not isinstance(data.get("policies"), list):
        strange = sorted(set(data) - set(TOP)) if isinstance(data, dict) else []
        line = line_at(text, text.find(f'"{strange[0]}"') if strange else 0)
        raise PolicyError(
            '{source}, line {line}: expected {{"active": NAME, "policies": [...]}} and nothing beside.',
            source=source,
            line=line,
        )
    policies: list[Policy] = []
    for number, entry in enumerate(data["policies"]):
        start, end = places[number] if number < len(places) else (0, len(text))
        try:
            policies.append(_new(_measurable(_policy(entry, members), view), policies))
        except PolicyError as error:
            key = error.key if isinstance(error, _EntryError) else _key_in(str(error), entry)
            raise PolicyError(
                "{source}, line {line}: {error}",
                source=source,
                line=_line_of(text, start, end, key),
                error=brief(error),
            ) from error
    active = data.get("active", policies[0].name if policies else "")
    try:
        return PolicyBook(tuple(policies), active)
    except PolicyError as error:
        key = "active" if policies else "policies"
        raise PolicyError(
            "{source}, line {line}: {error}",
            source=source,
            line=_line_of(text, 0, len(text), key),
            error=brief(error),
        ) from error


class _EntryError(PolicyError):
    """What is wrong in an entry, and the key that it stands under."""

    def __init__(self, message: Message, at: str = "") -> None:
        super().__init__(message)
        self.key = at


def _new(policy: Policy, known: Collection[Policy]) -> Policy:
    if any(policy.name == other.name for other in known):
        raise _EntryError(Message("two policies are called {name!r}. Rename one of them.", name=policy.name), "name")
    return policy


def _measurable(policy: Policy, view: View | None) -> Policy:
    if view is None or not (key := unknown_size(policy, view)):
        return policy
    said = NO_SCALE if view.reference else NO_REFERENCE
    raise _EntryError(Message(said, name=policy.name, size=key), key)


NO_SCALE = Message(
    "Policy {name!r}: {size} is in mm, and the product states no scale. Set it, and train: python -m ensemble view "
    "PRODUCT --scale MILLIMETRES --keep"
)
NO_REFERENCE = Message(
    "Policy {name!r}: {size} needs a view with a reference photo, in whose pixels marks are measured. Set it, and "
    "train: python -m ensemble view PRODUCT --reference PHOTO --scale MILLIMETRES --keep"
)


def _policy(entry: Any, members: Collection[str] | None) -> Policy:
    if not isinstance(entry, dict) or not {"name", "rule"} <= set(entry):
        raise _EntryError(Message("expected a policy: an object with a name and a rule."))
    name, who = entry["name"], Message("Policy {name!r}", name=entry["name"])
    values = _known_names(entry, Policy, who)
    values["cascade"] = tuple(_stage(each, name) for each in _policy_list(values, "cascade", name))
    clauses = _policy_list(values, "exceptions", name)
    values["exceptions"] = tuple(
        Clause(**_known_names(each, Clause, Message("{who}, exceptions", who=who))) for each in clauses
    )
    values |= {key: _size_limit(values[key], key, who) for key in SIZE_LIMITS if values.get(key) is not None}
    if isinstance(values.get("calls"), list):
        values["calls"] = tuple(values["calls"])
    policy = Policy(**values)
    if members is not None and (unknown := sorted(policy.members() - set(members))):
        said = Message(
            "Policy {name!r} names {member!r}, which is no member of this product. Members are {members}.",
            name=policy.name,
            member=unknown[0],
            members=", ".join(members) or Message("none yet"),
        )
        raise _EntryError(said, unknown[0])
    return policy


def _known_names(entry: Mapping[str, Any], kind: type, who: str) -> dict[str, Any]:
    known = [each.name for each in in_file(kind)]
    if unknown := [key for key in entry if key not in known]:
        said = Message(
            "{who}: unknown key {key!r}. Known are {known}.", who=who, key=unknown[0], known=", ".join(known)
        )
        raise _EntryError(said, unknown[0])
    return dict(entry)


def _policy_list(values: Mapping[str, Any], key: str, name: str) -> list[Any]:
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        said = Message(
            "Policy {name!r}: {key} must be a list of objects. Got {found!r}.", name=name, key=key, found=found
        )
        raise _EntryError(said, key)
    return found


def _stage(entry: Mapping[str, Any], name: str) -> Stage:
    values = _known_names(entry, Stage, Message("Policy {name!r}, cascade", name=name))
    members = values.get("members")
    if not isinstance(members, list):
        said = Message(
            "Policy {name!r}: each stage of its cascade lists its members. Got {members!r}.", name=name, members=members
        )
        raise _EntryError(said, "cascade")
    return Stage(**{**values, "members": tuple(members)})


def _size_limit(entry: Any, key: str, who: str) -> SizeLimit:
    if not isinstance(entry, dict) or "unit" not in entry:
        said = Message(
            '{who}: {key} is an object such as {{"length": 0.5, "unit": "mm"}}. Got {entry!r}.',
            who=who,
            key=key,
            entry=entry,
        )
        raise _EntryError(said, key)
    return SizeLimit(**_known_names(entry, SizeLimit, Message("{who}, {key}", who=who, key=key)))


# ------------------------------------------------------------------------------------------------ where it stands


def _entry_places(text: str) -> list[tuple[int, int]]:
    """Where each entry of the list under "policies" begins and ends."""
    opening = re.search(r'"policies"\s*:\s*\[', text)
    if opening is None:
        return []
    decoder, place = json.JSONDecoder(), opening.end()
    found: list[tuple[int, int]] = []
    while True:
        place += len(text[place:]) - len(text[place:].lstrip(" \t\r\n,"))
        if text[place : place + 1] in {"]", ""}:
            return found
        _, end = decoder.raw_decode(text, place)
        found.append((place, end))
        place = end


def _line_of(text: str, start: int, end: int, key: str) -> int:
    """The line of a key within an entry, of the entry itself where the key is nowhere."""
    place = text.find(f'"{key}"', start, end) if key else -1
    return line_at(text, place if place >= 0 else start)


def _key_in(sentence: str, entry: Mapping[str, Any]) -> str:
    """Which key of an entry a sentence speaks of: the first one that it names."""
    said = sentence.partition(": ")[2]
    inner = [key for value in entry.values() if isinstance(value, Mapping) for key in value]
    found = {str(key): re.search(rf"\b{re.escape(str(key))}\b", said) for key in (*inner, *entry)}
    return min(((match.start(), key) for key, match in found.items() if match), default=(0, ""))[1]
