"""A policy in the making, and what somebody is about to put in force; nothing here is in force yet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import streamlit as st

from ensemble.metrics.costs import Line
from ensemble.policies import Policy, PolicyBook, from_json
from ensemble.policies.cases import Case
from ensemble.policies.making import Chosen, cheapest, unsafe_name
from ensemble.store import policy_history
from ensemble.store.places import POLICIES
from ensemble.values.errors import PolicyError, QuorumError
from ensemble.values.language import LANGUAGES, Message, listed, speaking, worded
from ensemble.values.results import word
from ensemble.values.titles import policy_title
from pages.session.clock import local
from pages.session.policy_evidence import book, publish
from pages.session.products import classes, in_force, is_demo, manifest, mode, store
from pages.session.told import refusals_told, tell

FROM, PHOTOS, CANDIDATE = "from", "photos", "candidate"  # keys of widgets, and names in the page's address
HELD_OUT, TEST = "held_out", "test"
TAB = "view"  # key of the tabs, and name in the page's address
COMPARE, ADJUST, ACTIVATE, HISTORY = TABS = (
    Message("Compare"),
    Message("Adjust"),
    Message("Activate"),
    Message("History"),
)
DRAFT, PENDING, MOVES, CHEAPEST, LOOKED = "_draft", "_pending", "_moves", "_cheapest", "_looked_into"
SAVED, ENFORCED, OFFERED = "_saved", "_enforced", "_offered"


@dataclass(frozen=True, slots=True)
class Pending:
    """What somebody is about to put in force: the policies as they would be, and the text of those they would replace.

    `state` is the earlier state to go back to; None where a policy of now becomes the active one.
    """

    mode: str
    book: PolicyBook
    seen: str
    state: int | None = None

    def active(self) -> Policy:
        """The policy that would be active, as it applies to the product; a PolicyError where it cannot."""
        product = "" if is_demo() else manifest().product
        found = self.book.ordered[0].for_product(product)
        if not found.applies_to(classes()):
            raise PolicyError(
                "{found} does not fit the classes {names}. Choose another.",
                found=policy_title(found.name),
                names=listed(map(word, classes().names)),
            )
        return found


# ---------------------------------------------------------------------------------------------------------- the draft


def bases() -> tuple[Policy, ...]:
    """What a draft can start from: the policies in force, the active one first, and what was chosen by cost."""
    found = in_force().policies
    chosen = chosen_by_cost()
    return found if chosen is None else (*found, chosen.policy)


def chosen_by_cost() -> Chosen | None:
    """The policy that was chosen by cost for this product; None where nobody has asked."""
    key, found = st.session_state.get(CHEAPEST, ("", None))
    return found if key == mode() else None


def choose_by_cost(held_out: Sequence[Case], line: Line, escape_limit: float) -> None:
    """Have the cheapest policy chosen on held-out photos and start a draft from it; a PolicyError says why not."""
    chosen = cheapest(held_out, classes(), line, escape_limit)
    taken = {policy.name for policy in in_force().policies}
    names = (chosen.policy.name, *(f"{chosen.policy.name} {number}" for number in range(2, len(taken) + 3)))
    name = next(name for name in names if name not in taken)
    st.session_state[CHEAPEST] = mode(), replace(chosen, policy=replace(chosen.policy, name=name))
    st.session_state[FROM] = name
    open_tab(ADJUST)


def note_move(key: str, photos: str) -> None:
    """Remember by which photos a threshold was moved; for a widget's callback."""
    st.session_state.setdefault(MOVES, {}).setdefault(key, set()).add(photos)


def moved_by_test(key: str) -> bool:
    """Whether a threshold has ever been moved by looking at the photos that may only measure."""
    return TEST in st.session_state.get(MOVES, {}).get(key, ())


def keep_draft(draft: Policy) -> None:
    """Lay the draft on the desk."""
    st.session_state[DRAFT] = mode(), draft


def draft() -> Policy | None:
    """The draft that lies on the desk, while it belongs to this product."""
    key, found = st.session_state.get(DRAFT, ("", None))
    return found if key == mode() else None


def discard(name: str) -> None:
    """Move everything back to the policy that the draft started from; for a button's callback."""
    for key in [key for key in st.session_state if str(key).startswith((f"cuts of {name} ", f"calls of {name} "))]:
        del st.session_state[key]
    st.session_state.pop(MOVES, None)


def save(new: Policy, name: str, author: str, reason: str) -> None:
    """Save a draft among the product's policies, not in force; a PolicyError says what is missing or why it cannot."""
    name, author, reason = (text.strip() for text in (name, author, reason))
    if not (name and author and reason):
        raise PolicyError("Enter a name, an author and a reason.")
    named = replace(new, name=name, author=author, reason=reason)
    if why := unsafe_name(named):
        raise PolicyError("{name} is not proven safe. {why} Choose a name without SAFE.", name=name, why=why)
    now = book()
    taken = {policy.name for policy in now.policies}
    if name in taken or name in set(map(policy_title, taken)):  # two of one title could not be told apart on screen
        raise PolicyError("A policy named {name} exists already. Choose another name.", name=name)
    publish(
        PolicyBook((*now.policies, named), now.active),
        author,
        Message("Saved {name}: {reason}", name=name, reason=reason),
    )
    tell(SAVED, Message("{name} saved, not active.", name=name))
    st.session_state[OFFERED] = name


def offered() -> str:
    """The policy that was saved or chosen last, to be offered as the one to put in force; empty where none was."""
    return str(st.session_state.get(OFFERED, ""))


def names_in_file() -> list[str]:
    """The names that stand in the product's policies file, even where it cannot be read as policies."""
    try:
        text = (store().folder / POLICIES).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return list(dict.fromkeys(re.findall(r'"name"\s*:\s*"([^"\n]+)"', text)))


# ----------------------------------------------------------------------------------------------------- putting in force


def ask_for(name: str) -> None:
    """Lay a policy of now out to be put in force; for a button's callback."""
    now = book()
    st.session_state[PENDING] = Pending(mode(), PolicyBook(now.policies, name), now.to_json())


def choose(name: str) -> None:
    """Choose a policy of now as the one to put in force, and lay it out; for a button's callback."""
    st.session_state[OFFERED] = name
    open_tab(ACTIVATE)
    ask_for(name)


def open_tab(name: str) -> None:
    """Show another tab; for a button's callback."""
    st.session_state[TAB] = worded(name)


def settle_tab() -> None:
    """Before the tabs are shown: an open one that the address or another language has named gets its name of now."""
    asked, names = st.session_state.get(TAB) or st.query_params.get(TAB), set(map(worded, TABS))
    for spoken in LANGUAGES if asked and asked not in names else ():
        with speaking(spoken):
            found = next((name for name in TABS if worded(name) == asked), None)
        if found is not None:
            open_tab(found)
            return


def ask_back(number: int) -> None:
    """Lay an earlier state out to be put in force again, or tell why it cannot be; for a button's callback."""
    open_tab(ACTIVATE)
    forget_pending()
    with refusals_told(ENFORCED):
        entry = policy_history.state(store().folder, number)
        source = Message("Version {number}", number=number)
        found = from_json(entry.text, source, manifest().names(), manifest().view)
        st.session_state[PENDING] = Pending(mode(), found, book().to_json(), number)


def pending() -> Pending | None:
    """What is laid out to be put in force for this product."""
    found: Pending | None = st.session_state.get(PENDING)
    return found if found is not None and found.mode == mode() else None


def forget_pending() -> None:
    """Put nothing in force; for a button's callback."""
    st.session_state.pop(PENDING, None)


def confirm(found: Pending, author: str, reason: str) -> None:
    """Put in force what is laid out; a PolicyError where something is missing, or others have changed the policies."""
    author, reason = author.strip(), reason.strip()
    if not author and found.state:
        raise PolicyError("Enter an author.")
    if not found.state and not (author and reason):
        raise PolicyError("Enter an author and a reason.")
    if book().to_json() != found.seen:
        raise PolicyError("The policies have changed in the meantime. Preview the changes again.")
    name = found.book.active
    if found.state is None:
        why = Message("Activated {policy}: {reason}", policy=policy_title(name), reason=reason)
        publish(found.book, author, why)
    else:
        earlier = policy_history.state(store().folder, found.state).book()
        publish(earlier, author, Message("Restored version {number}.", number=found.state))
    forget_pending()
    now = Message(
        "{policy} is active since {time}.", policy=policy_title(name), time=f"{local(datetime.now(UTC)):%H:%M}"
    )
    tell(ENFORCED, now)


def look_into(photo: str) -> None:
    """Choose a case to see its votes; for a button's callback."""
    st.session_state[LOOKED] = photo


def looked_into() -> str:
    """The photo of the case whose votes are asked for; empty where there is none."""
    return str(st.session_state.get(LOOKED, ""))


def problem_of_file() -> str:
    """Why nothing can be saved now: the policies file is broken; empty where it is not."""
    try:
        book()
    except QuorumError as error:
        return error.message
    return ""
