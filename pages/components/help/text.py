"""The help page; limits come from the modules that enforce them."""

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES, MAX_PIXELS, MIN_SIDE, PHOTO_ENDINGS
from ensemble.importers.archives import MAX_ENTRIES
from ensemble.values.results import MAP_THRESHOLD, OK_NOK, REVIEW
from pages.components.common.sheet import as_code, chip, show_sheet
from pages.session import products, tables


def show_words() -> None:
    """Say what verdicts mean and what can go wrong with them."""
    st.header("Verdicts", anchor=False)
    good, defect = OK_NOK.names
    show_sheet(
        ("Verdict", "Meaning"),
        [
            (chip(good, OK_NOK), "No defect found. Pass the part."),
            (chip(defect, OK_NOK), "Defect found. Reject the part."),
            (
                chip(REVIEW, OK_NOK),
                "Manual check needed: the result is uncertain, a model is not available, or the photo may not show "
                "this part.",
            ),
        ],
    )
    st.markdown(
        "Products with other classes show their own names.\n\n"
        "Every model gives the photo a score from 0 to 1. The **threshold** of a model turns its score into a vote. "
        "The **policy** combines the votes into one **defect score**: the number of NOK votes, their share of the "
        "weight, or the mean or fused probability. **NOK** from the policy's threshold on; with a second, lower "
        "threshold **REVIEW** between both. Another policy applies to the same votes at once.\n\n"
        "The **weight** of a model comes from its quality on validation photos. A model that does not improve the "
        "ensemble is not used; a policy can still use it.\n\n"
        "**Escape**: missed defect (false negative), a defective part passed as OK. **Overkill**: false reject (false "
        "positive), a good part rejected. Reducing one usually increases the other; the policy sets the balance. "
        "*Policies* shows the rates of each policy, *Performance* those of the selected one."
    )


def show_places_help() -> None:
    """Say what the marks on a photo mean, and what they do not."""
    st.header("Heat map and outlines", anchor=False)
    st.markdown(
        "The **heat map** shows where a part differs from good parts. Its scale is fixed in training: about 99% of "
        f"good parts stay below {MAP_THRESHOLD}, so a colour means the same on every photo. **Outlines** mark "
        f"anomalies, from {MAP_THRESHOLD} on, and what a detector has found.\n\n"
        "For models without a heat map, *Explain a model* shows where the model looked: this is **not a defect**."
    )


def show_photo_rules() -> None:
    """Say which photos are taken."""
    st.header("Photos", anchor=False)
    kinds = ", ".join(ending.removeprefix(".").upper() for ending in PHOTO_ENDINGS if ending not in (".jpg", ".tif"))
    st.markdown(
        f"- {kinds}. File type is detected from the content.\n"
        f"- Up to {MAX_PHOTO_BYTES // 1_000_000} MB and {MAX_PIXELS // 1_000_000} megapixels, at least {MIN_SIDE} "
        "pixels per side.\n"
        "- One picture per file. Not supported: HEIC, SVG, camera raw, animations.\n"
        f"- ZIP files with up to {MAX_ENTRIES:,} files for a batch. Files that are not readable are listed."
    )


def show_practice() -> None:
    """Say where photos go, which keys help, and how models are added."""
    st.header("Privacy", anchor=False)
    st.markdown(
        "Photos stay in the memory of the machine that runs Quorum. They are not stored and not sent anywhere; large "
        "uploads pass through a temporary file that is deleted at once. A photo is saved only where you correct a "
        "verdict or import it.\n\n"
        f"After a reload, photo, verdict and last batch are back, for {tables.MINUTES_KEPT} minutes after the page was "
        "closed. The key to them is `table=` in the page's address: **whoever you send the whole address to sees them "
        f"too.** A batch stops {tables.MINUTES_AT_WORK} minutes after its page was closed."
    )
    st.header("Keyboard", anchor=False)
    st.markdown("**Tab**: next · **Enter** / **Space**: press · **Ctrl + Enter**: analyze · **H**: overlay on or off")
    st.header("Models", anchor=False)
    st.markdown(
        "*Models* shows all models and how to add one. *Demo mode*, in the sidebar, gives random results for "
        "demonstration, all marked DEMO."
    )
    models, data = products.shown_path(products.models_root()), products.shown_path(products.data_root())
    st.caption(f"Models: {as_code(str(models))} · Sample photos: {as_code(str(data))}")
