"""The help page; limits come from the modules that enforce them."""

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES, MAX_PIXELS, MIN_SIDE, PHOTO_ENDINGS
from ensemble.importers.archives import MAX_ENTRIES
from ensemble.values.language import _
from ensemble.values.results import MAP_THRESHOLD, OK_NOK, REVIEW
from pages.components.common.kept import show_kept
from pages.components.common.sheet import as_code, as_html, chip, show_sheet
from pages.session import keeping, products, station, tables


def show_words() -> None:
    """Say what verdicts mean and what can go wrong with them."""
    st.header(_("Verdicts"), anchor=False)
    good, defect = OK_NOK.names
    show_sheet(
        (_("Verdict"), _("Meaning")),
        [
            (chip(good, OK_NOK), as_html(_("No defect found. Pass the part."))),
            (chip(defect, OK_NOK), as_html(_("Defect found. Reject the part."))),
            (
                chip(REVIEW, OK_NOK),
                as_html(
                    _(
                        "Manual check needed: the result is uncertain, a model is not available, or the photo may not "
                        "show this part."
                    )
                ),
            ),
        ],
    )
    st.markdown(_("Products with other classes show their own names."))
    st.markdown(
        _(
            "Every model gives the photo a score from 0 to 1. The **threshold** of a model turns its score into a "
            "vote. The **policy** combines the votes into one **defect score**: the number of NOK votes, their share "
            "of the weight, or the mean or fused probability. **NOK** from the policy's threshold on; with a second, "
            "lower threshold **REVIEW** between both. Another policy applies to the same votes at once."
        )
    )
    st.markdown(
        _(
            "The **weight** of a model comes from its quality on validation photos. A model that does not improve the "
            "ensemble is not used; a policy can still use it."
        )
    )
    st.markdown(
        _(
            "**Escape**: missed defect (false negative), a defective part passed as OK. **Overkill**: false reject "
            "(false positive), a good part rejected. Reducing one usually increases the other; the policy sets the "
            "balance. *Policies* shows the rates of each policy, *Performance* those of the selected one."
        )
    )


def show_places_help() -> None:
    """Say what the marks on a photo mean, and what they do not."""
    st.header(_("Heat map and outlines"), anchor=False)
    st.markdown(
        _(
            "The **heat map** shows where a part differs from good parts. Its scale is fixed in training: about 99% "
            "of good parts stay below {threshold}, so a colour means the same on every photo. **Outlines** mark "
            "anomalies, from {threshold} on, and what a detector has found.",
            threshold=MAP_THRESHOLD,
        )
    )
    st.markdown(
        _("For models without a heat map, *Explain a model* shows where the model looked: this is **not a defect**.")
    )


def show_photo_rules() -> None:
    """Say which photos are taken."""
    st.header(_("Photos"), anchor=False)
    kinds = ", ".join(ending.removeprefix(".").upper() for ending in PHOTO_ENDINGS if ending not in (".jpg", ".tif"))
    st.markdown(
        _(
            "- {kinds}. File type is detected from the content.\n"
            "- Up to {size} MB and {pixels} megapixels, at least {side} pixels per side.\n"
            "- One picture per file. Not supported: HEIC, SVG, camera raw, JPEG 2000, animations.\n"
            "- 16 bits: training finds the white level of the camera (8 to 16 bits). A photo beyond it is REVIEW.\n"
            "- ZIP files with up to {files:,} files for a batch. Files that are not readable are listed.",
            kinds=kinds,
            size=MAX_PHOTO_BYTES // 1_000_000,
            pixels=MAX_PIXELS // 1_000_000,
            side=MIN_SIDE,
            files=MAX_ENTRIES,
        )
    )


def show_parts_help() -> None:
    """Say how several photos of one part get one verdict."""
    st.header(_("Parts of several views"), anchor=False)
    st.markdown(
        _(
            "A product can expect several views of each part: name them on *History*, under *Views of a part*. File "
            "names then tell part and view. A part is **OK** only where every view is there and OK, **NOK** where any "
            "view is NOK, else **REVIEW**. A view that came twice counts by its worst photo; the same photo under two "
            "names shows one view."
        )
    )


def show_review_help() -> None:
    """Say how parts are reviewed, and by which keys."""
    st.header(_("Review"), anchor=False)
    st.markdown(
        _(
            "*Review* lends you one part after the other: what a verdict left open, then where models disagree or a "
            "limit is close, and accepted parts that chance drew, with verdict and heat map hidden. **O** / **N**: "
            "part is OK, part is NOK · **1** to **9**: NOK with that defect, or the class · **H**: heat map · **S**: "
            "skip · **U**: undo. Answers wait under *Data* for the next training, with your name."
        )
    )


def show_practice() -> None:
    """Say where photos go, and which keys help."""
    st.header(_("Privacy"), anchor=False)
    st.markdown(
        _(
            "Photos stay on the machine that runs Quorum and are not sent anywhere. Large uploads pass through a "
            "temporary file that is deleted at once. A photo is saved where the history keeps it, where you correct a "
            "verdict, and where you import it."
        )
    )
    show_kept()
    st.markdown(
        _(
            "**What is kept** of an inspection lies in `{folder}` on that machine, without a limit until you set one "
            "under *History*, *What is kept*, in days or MB: then the oldest go first, but nothing that a person "
            "reviewed or that waits for a review. *History* finds it again and gives it as CSV, Parquet, PDF or HTML. "
            "To delete all of it, stop Quorum and remove that folder, and the PostgreSQL database where one is used. "
            "Photos that you gave a label are in the product's collection too, until you undo the label.",
            folder=keeping.kept_where(),
        )
    )
    st.markdown(
        _(
            "After a reload, photo and verdict are back, for {kept} minutes after the page was closed. The key to them "
            "is `table=` in the page's address: **whoever you send the whole address to sees them too.** A batch goes "
            "on when its page is closed; *Inspect a batch* lists all batches of the product.",
            kept=tables.MINUTES_KEPT,
        )
    )
    st.header(_("Keyboard"), anchor=False)
    st.markdown(
        _(
            "**Tab**: next · **Enter** / **Space**: press · **Ctrl + Enter**: analyze · **←** / **→**: photo before, "
            "next photo · **O** / **N**: part is OK, part is NOK · **Ctrl + Z**: undo · **H**: overlay on or off · "
            "**G**: good part on or off"
        )
    )
    st.header(_("Station view"), anchor=False)
    st.markdown(
        _(
            "*Station view*, below the photo on *Inspect a photo*, is for a fixed screen beside a line. Every "
            "photo is analyzed at once, with a low sound for NOK and a high one for REVIEW. **Space**: next "
            "photo · **O** / **N**: decide a REVIEW · **U**: undo · **H**: overlay · **M**: sound on or off. "
            "Press *Start* once: browsers play sounds only after a touch. After a lost connection the page "
            "comes back by itself, with its counters; the browser keeps them for {hours} hours.",
            hours=station.HOURS_KEPT,
        )
    )


def show_models_help() -> None:
    """Say how models are added and tried, and where they lie."""
    st.header(_("Models"), anchor=False)
    st.markdown(
        _(
            "*Models* shows all models and how to add one. *Demo mode*, in the sidebar, gives random results for "
            "demonstration, all marked DEMO."
        )
    )
    st.markdown(
        _(
            "*Replay* shows what another policy would have decided on kept votes, and what another version of the "
            "models says of kept photos: try a version there before you publish it."
        )
    )
    models, data = products.shown_path(products.models_root()), products.shown_path(products.data_root())
    st.caption(_("Models: {models} · Sample photos: {data}", models=as_code(models), data=as_code(data)))
