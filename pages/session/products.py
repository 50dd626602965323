"""What a visitor has chosen: product, policy, demo mode; and what is known of the product."""

import os
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from ensemble.disk.home import HOME
from ensemble.figures import Scheme
from ensemble.policies import Policy, choose, shipped
from ensemble.store import InForce, Manifest, ModelStore, Record
from ensemble.values.errors import PolicyError, QuorumError, StoreError
from ensemble.values.language import Message
from ensemble.values.results import OK_NOK, Classes
from ensemble.values.safe_names import shortened
from ensemble.values.view import AS_IT_IS, View
from pages.session.tables import take_off
from pages.session.wishes import POLICY, PRODUCT, follows, gone_sentence, pick, wish

DEMO = "demo"  # key of the sidebar's widget, and name in the page's address
QUEUE, CHOSEN, VERDICTS, LOOKS, BATCH = "_queue", "_chosen", "_verdicts", "_looks", "_batch"


def models_root() -> Path:
    """The folder of the products: QUORUM_MODELS, or `models` of the home."""
    return Path(os.environ.get("QUORUM_MODELS") or HOME / "models")


def data_root() -> Path:
    """The folder of the photos that ship: QUORUM_DATA, or `data` of the home."""
    return Path(os.environ.get("QUORUM_DATA") or HOME / "data")


def shown_path(path: Path) -> str:
    """A path as a person would type it from the project's folder."""
    whole = path.resolve()
    return str(whole.relative_to(HOME)) if whole.is_relative_to(HOME) else str(whole)


def scheme() -> Scheme:
    """Light or dark, as the visitor's browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def products() -> dict[str, Path]:
    """Trained products by name; empty where nothing has been trained."""
    root = models_root()
    return ModelStore(root).products() if root.is_dir() else {}


def store() -> ModelStore:
    """The store of the chosen product, or of the models' folder where there is no product yet.

    A StoreError where the product that was chosen is gone.
    """
    found, name = products(), wish(PRODUCT)
    if not found:
        return ModelStore(models_root())
    if name is not None and name not in found:
        raise StoreError(gone_sentence(PRODUCT, name))
    return ModelStore(found[name] if name else next(iter(found.values())))


def broken_products() -> dict[str, str]:
    """Products that cannot be read, by name, each with the sentence that says why."""
    problems = {name: ModelStore(folder).problem() for name, folder in products().items()}
    return {name: problem for name, problem in problems.items() if problem}


def product_name() -> str:
    """What a person calls the chosen product; empty where there is none."""
    wished = wish(PRODUCT)
    return next(iter(products()), "") if wished is None else wished


def is_demo() -> bool:
    """Whether dummy members vote; only a person's own switch turns this on."""
    return bool(st.session_state.get(DEMO))


def switch_demo(on: bool) -> None:
    """Turn demo mode on or off; for a button's callback."""
    st.session_state[DEMO] = on
    forget_results()


def manifest() -> Manifest:
    """The manifest of the chosen product; a StoreError where nothing in it can vote."""
    found = store().manifest()
    if not (found.members or found.unreadable):
        raise StoreError("This product has no model yet. Train one, or use demo mode.")
    return found


def view() -> View:
    """How photos of the chosen product are looked at; as they are where it is unknown."""
    try:
        return AS_IT_IS if is_demo() else manifest().view
    except StoreError:
        return AS_IT_IS


def records() -> Mapping[str, Record]:
    """What is known of each trained member of the chosen product; empty where nothing is trained, and in a demo."""
    try:
        return {} if is_demo() else manifest().members
    except StoreError:
        return {}


def classes() -> Classes:
    """The classes of the chosen product; in a demo without a product OK and NOK."""
    try:
        return manifest().classes
    except StoreError:
        if is_demo():
            return OK_NOK
        raise


def in_force() -> InForce:
    """The policies that count now, the active one first; a demo uses those that ship, whatever the product's file says.

    Where the file is broken these are the last good ones, and `problem` says so.
    """
    return InForce(shipped(classes())) if is_demo() else store().policies_in_force()


def policies() -> tuple[Policy, ...]:
    """The policies to choose from, the active one first."""
    return in_force().policies


def policy() -> Policy:
    """The policy that was picked, else the active one; a PolicyError where the one that was picked is gone."""
    found = policies()
    name = None if follows() else wish(POLICY)
    if name is not None and name not in {each.name for each in found}:
        raise PolicyError(lost_sentence(POLICY))
    return choose(found, name)


def trial_policy() -> Policy | None:
    """The policy that was picked in the place of the active one; None where the active one counts, and in a demo."""
    try:
        found = None if is_demo() else policy()
    except QuorumError:
        return None  # the screens that need a policy say what is wrong with it
    return found if found is not None and found.trial else None


def whose_policies() -> str:
    """Who has the policies to choose from, as the subject of a sentence: the product, or demo mode with its classes."""
    name = product_name()
    if not is_demo():
        return name
    return Message("Demo mode of {name}", name=shortened(name)) if name else Message("Demo mode")


def lost_sentence(key: str) -> str:
    """The sentence about a picked product or policy that is not there."""
    return gone_sentence(key, wish(key) or "", whose_policies() if key == POLICY else "")


def obstacle() -> str | None:
    """The sentence that says why nothing can be inspected now, if so."""
    try:
        policies()
    except QuorumError as error:
        return error.message
    return None if is_demo() else members_obstacle()


def members_obstacle() -> str | None:
    """The sentence that says why the chosen product has no member to show, if so."""
    try:
        manifest()
    except StoreError as error:
        return error.message
    return None


def has_members() -> bool:
    """Whether the chosen product has members at all, ready or absent."""
    return members_obstacle() is None


def mode() -> str:
    """Changes when results of before no longer hold: another product, other files in it, demo on or off."""
    chosen = store()
    folder = chosen.folder
    return f"{'demo' if is_demo() else 'trained'} {folder} {chosen.fingerprint() if folder.is_dir() else ''}"


def forget_results() -> None:
    """Drop the verdicts on this visitor's photos; a batch says itself to which product it belongs."""
    take_off(VERDICTS)
    st.session_state.pop(LOOKS, None)


def work_with(key: str, name: str) -> None:
    """Pick another product or policy; for a button's callback."""
    pick(key, name)
    if key == PRODUCT:
        forget_results()
