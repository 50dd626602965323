"""What becomes of policies when another version of a product's members comes into force.

A person's own policies stay. The product's own, whose thresholds were chosen for certain members, are those that came
with the version. A person's policy that names members which the version lacks is set aside, for it could decide
nothing, and so is one that whoever publishes does not want to carry over; both come back with the next version.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ensemble.policies import Policy, PolicyBook, from_json, shipped
from ensemble.policies.files import entry_of
from ensemble.store.manifest import Manifest
from ensemble.store.places import POLICIES
from ensemble.store.policy_history import text_of
from ensemble.values.errors import PolicyError

Entries = tuple[Mapping[str, Any], ...]


def book_of(folder: Path) -> PolicyBook | None:
    """The policies in the product's file, whatever members they name; None where it has no such file."""
    text = text_of(folder)
    return None if text is None else from_json(text, str(folder / POLICIES))


def own_of_the_product(folder: Path) -> Entries | None:
    """The policies that no person has signed; None where the product has none, or its file is broken."""
    try:
        book = book_of(folder)
    except PolicyError:
        return None
    return None if book is None else entries(policy for policy in book.policies if not policy.author)


def after(
    book: PolicyBook | None,
    brought: Entries | None,
    aside: Entries,
    manifest: Manifest,
    unwanted: Collection[str] = (),
) -> tuple[PolicyBook | None, Entries]:
    """The policies with a version's members, None where there is no need of a file, and those to set aside.

    `book` and `aside` are those of before, `brought` what came with the version; `unwanted` are people's policies, by
    name, that are not to be carried over.
    """
    new = {policy.name: policy for policy in (*shipped(manifest.classes), *_policies(brought or ()))}
    before = book.policies if book else ()
    own = {policy.name: policy for policy in (*_policies(aside), *before) if policy.author}
    useful = {name: policy for name, policy in own.items() if name not in unwanted and _fits(policy, manifest)}
    waiting = entries(policy for name, policy in own.items() if name not in useful)
    if book is None and brought is None and not useful:
        return None, waiting
    names = dict.fromkeys((*(policy.name for policy in before), *new, *useful))
    found = [useful.get(name) or new.get(name) for name in names]
    fitting = tuple(policy for policy in found if policy and _fits(policy, manifest))
    active = book.active if book and any(policy.name == book.active for policy in fitting) else fitting[0].name
    return PolicyBook(fitting, active), waiting


def entries(policies: Iterable[Policy]) -> Entries:
    """Policies as plain JSON values."""
    return tuple(entry_of(policy) for policy in policies)


def _policies(found: Sequence[Mapping[str, Any]]) -> tuple[Policy, ...]:
    return from_json(json.dumps({"policies": list(found)})).policies if found else ()


def _fits(policy: Policy, manifest: Manifest) -> bool:
    return policy.applies_to(manifest.classes) and policy.members() <= set(manifest.names())
