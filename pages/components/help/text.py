"""The help page; limits come from the modules that enforce them."""

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES, MAX_PIXELS, MIN_SIDE, PHOTO_ENDINGS
from ensemble.importers.archives import MAX_ENTRIES
from ensemble.values.results import MAP_THRESHOLD, OK_NOK, REVIEW
from pages.components.common.sheet import as_code, chip, show_sheet
from pages.session import products, tables


def show_words() -> None:
    """Say what verdicts mean and what can go wrong with them."""
    st.subheader("What a verdict means", anchor=False)
    good, defect = OK_NOK.names
    show_sheet(
        ("Verdict", "Meaning"),
        [
            (chip(good, OK_NOK), "The votes find no defect. Let the part pass."),
            (chip(defect, OK_NOK), "The votes find a defect. Take the part out."),
            (
                chip(REVIEW, OK_NOK),
                "A person must look: nobody should be sure, a member is missing whose vote could change it, or the "
                "photo may not show this part.",
            ),
        ],
    )
    st.markdown(
        "A product that sorts into other classes shows their own names.\n\n"
        "Every model scores the photo. Its **threshold** turns the score into a vote, and the **policy** turns the "
        "votes into one **defect score**: how many models say NOK (each counts one), their share of the weight, or "
        "their mean or fused defect probability (the mean of their log-odds), as the policy's rule says. Who votes, "
        "the **jury**, and what each vote weighs was chosen on validation photos; a model that did not help there is "
        "kept and does not vote, and *Policies* can call it in. **NOK** from the policy's threshold on; with a second, "
        "lower one **REVIEW** between both. Card, gauge and files show that score and its thresholds. Another policy "
        "decides on the same votes at once; no model looks again.\n\n"
        "What each policy risks stands on *Policies*, from photos "
        "whose truth is known; how good the members are stands on *Performance*.\n\n"
        "**Escape**: a defective part passed as OK. **Overkill**: a good part rejected. Fewer of one mostly means more "
        "of the other; the policy is where you choose."
    )


def show_places_help() -> None:
    """Say what the marks on a photo mean, and what they do not."""
    st.subheader("What the marks on a photo mean", anchor=False)
    st.markdown(
        "The **heat map** shows where a part is unlike the good ones. Its scale was fixed when the members were "
        f"trained: about 99 good parts in 100 stay below {MAP_THRESHOLD}, whatever photo it is, so the same colour "
        "means the same on every photo. Numbered **outlines** are the places at or above that heat, and what a "
        "detector has found.\n\n"
        "Members that have learnt from good and defective photos have no such map. For them, *What did a model look "
        "at?* smooths one place after the other and sees where the member gets less sure of its vote: what the model "
        "looked at, **not a defect**.\n\n"
        "Where a policy weighs votes (rules *weighted* and *mean*), a vote can count less than 1: its **weight** comes "
        "from how well its model told apart good and defective photos that it had not learnt from."
    )


def show_photo_rules() -> None:
    """Say which photos are taken."""
    st.subheader("Which photos are taken", anchor=False)
    kinds = ", ".join(ending.removeprefix(".").upper() for ending in PHOTO_ENDINGS if ending not in (".jpg", ".tif"))
    st.markdown(
        f"- {kinds}; what a file is gets decided by its content, never by its name.\n"
        f"- Smaller than {MAX_PHOTO_BYTES // 1_000_000} MB, at most {MAX_PIXELS // 1_000_000} megapixels, "
        f"at least {MIN_SIDE} pixels on each side.\n"
        "- One picture a file. HEIC, SVG, camera raw and animations are refused with a sentence that says what to do.\n"
        f"- A zip of at most {MAX_ENTRIES:,} files for a batch. A bad file in it is named; the others go on."
    )


def show_practice() -> None:
    """Say where photos go, which keys help, and how models are added."""
    st.subheader("Where photos go", anchor=False)
    st.markdown(
        "Photos stay on the machine that runs Quorum, in memory. They are not stored and not sent anywhere; a large "
        "one passes through a temporary file that is gone at once. A download is stored where your browser stores "
        "downloads.\n\n"
        "So that a reload finds your photo, its verdict and your last batch again, they are kept in that memory while "
        f"the page is open and for {tables.MINUTES_KEPT} minutes after; where many people work, the oldest go first. "
        "The page's address carries a key to them, `table=`, that nobody can guess: **whoever you send the whole "
        f"address to sees them too.** A batch goes on for {tables.MINUTES_AT_WORK} minutes after its page was closed, "
        "then it stops."
    )
    st.subheader("Keyboard", anchor=False)
    st.markdown("**Tab** moves on, **Enter** or **space** presses, **Ctrl + Enter** analyzes the chosen photo.")
    st.subheader("Models", anchor=False)
    st.markdown(
        "The screen *Models* shows who may vote and how to add a model. *Demo mode*, in the sidebar, replaces all "
        "members by dummies that make votes up; everything is then marked DEMO."
    )
    models, data = products.shown_path(products.models_root()), products.shown_path(products.data_root())
    st.caption(f"Models are read from {as_code(str(models))}, sample photos from {as_code(str(data))}.")
