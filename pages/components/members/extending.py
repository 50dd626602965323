"""Good photos for a patch memory: choosing them, confirming those that look otherwise, and what came of it."""

from html import escape

import streamlit as st

from ensemble.imaging.photos import MAX_PHOTO_BYTES
from ensemble.values.language import Message, _, worded
from ensemble.values.titles import model_title
from pages.components.common.charts import picture
from pages.components.common.choices import PHOTO_TYPES, show_uploader
from pages.components.common.person import show_name_field
from pages.components.common.progress import show_work
from pages.components.common.sheet import as_html, as_markdown, refusals_shown
from pages.session import background, extensions
from pages.session.extensions import GoodPhotos

TITLE = Message("Add good photos")


def show_extending() -> None:
    """Offer to add photos of good parts to the product's patch memories, where it has any; or show how far that is."""
    if not extensions.can_extend():
        return
    key = extensions.extension_work()
    if background.work(key) is None:
        with st.expander(worded(TITLE), icon=":material/add_photo_alternate:", key="extending"):
            _show_choice()
        return
    st.header(worded(TITLE), anchor=False)
    if (done := show_work(key)) is None:
        return
    if done.result.asked:
        _show_question(done.result, key)
    else:
        _show_result(done.result, key)


def _show_choice() -> None:
    st.markdown(
        _(
            "Good parts only. The patch memory then rejects fewer parts like these. Other models and measured figures "
            "do not change."
        )
    )
    label = _("Photos of good parts (up to {megabytes} MB each)", megabytes=MAX_PHOTO_BYTES // 1_000_000)
    files = show_uploader(label, PHOTO_TYPES, "extend_files", folder=False)
    author = show_name_field("extend_author", required=False, width=300)
    pressed = st.button(  # no callback: it would get what was chosen when the page was last shown
        _add_label(len(files)),
        type="primary",
        icon=":material/add_photo_alternate:",
        disabled=not files,
        key="extend",
    )
    if pressed:
        with refusals_shown():
            extensions.add_good_photos([(file.name, file.getvalue) for file in files], author.strip())
            st.rerun()


def _add_label(count: int) -> str:
    return _("Add {count} photo", "Add {count} photos", count=count) if count else _("Add photos")


def _show_question(found: GoodPhotos, key: str) -> None:
    st.warning(
        _(
            "**Not added yet. Possible defects: {count} photo.** Select the good parts; others are skipped.",
            "**Not added yet. Possible defects: {count} photos.** Select the good parts; others are skipped.",
            count=len(found.asked),
        ),
        icon=":material/help:",
    )
    confirmed = _show_confirmed(found)
    _show_left_out(found)
    count = found.fit + len(confirmed)
    with st.container(horizontal=True):
        pressed = st.button(  # no callback: it would get what was ticked when the page was last shown
            _add_label(count),
            type="primary",
            icon=":material/add_photo_alternate:",
            disabled=not count,
            key="extend_confirmed",
        )
        st.button(_("Cancel"), on_click=background.forget_work, args=(key,), key="extend_cancel")
    if pressed:
        dropped = [each.sha256 for each in found.asked if each.sha256 not in confirmed]
        with refusals_shown():
            extensions.add_good_photos(found.files, found.author, confirmed, dropped)
            st.rerun()


def _show_confirmed(found: GoodPhotos) -> list[str]:
    """Show each photo that looks unlike good parts; gives the SHA-256 of those that a person calls good."""
    count = len(found.asked)
    all_good = count > 1 and st.checkbox(_("All {photos} are good", photos=count), key="good all")
    confirmed = [each.sha256 for each in found.asked] if all_good else []
    with st.container(horizontal=True):
        for each in found.asked:
            with st.container(border=True, width=204, key=f"unlike {each.sha256[:16]}"):
                fact = as_html(_("anomaly score {times:.2f} × the limit", times=each.times))
                st.html(
                    f'<div class="finding"><figure>{picture(each.picture, each.name)}<figcaption>'
                    f"{escape(each.name)}<small>{fact}</small></figcaption></figure></div>"
                )
                if not all_good and st.checkbox(_("Good part"), key=f"good {each.sha256}"):
                    confirmed.append(each.sha256)
    return confirmed


def _show_result(found: GoodPhotos, key: str) -> None:
    if found.made is None:
        return
    joined = " ".join(
        _(
            "{model}: {places} new patches of {count} photo.",
            "{model}: {places} new patches of {count} photos.",
            model=as_markdown(model_title(name)),
            places=places,
            count=found.made.photos,
        )
        for name, places in found.made.places.items()
    )
    active = _("**Version {version} is active.**", version=found.version)
    st.success(f"{active} {joined}", icon=":material/check:")
    for note in found.made.notes:
        st.caption(as_markdown(note))
    st.caption(_("The photos are not saved. Import them under *Data* too, for the next training."))
    _show_left_out(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(_("Add more"), on_click=background.forget_work, args=(key,), key="extend_more")
        st.page_link("pages/screens/training.py", label=_("Versions and rollback"), icon=":material/undo:")


def _show_left_out(found: GoodPhotos) -> None:
    if found.left_out:
        lines = "\n".join(f"- {as_markdown(sentence)}" for sentence in found.left_out)
        st.warning(f"{_('**Skipped:**')}\n\n{lines}", icon=":material/broken_image:")
