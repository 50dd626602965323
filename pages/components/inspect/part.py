"""The part that the photo shows, as far as its views were judged."""

import streamlit as st

from ensemble.values.errors import StoreError
from ensemble.values.language import _
from pages.components.common.sheet import as_html, as_markdown, chip, quiet_chip
from pages.session import photo, products
from pages.session.queue_parts import PartSoFar, part_so_far


def show_part_so_far(chosen: photo.Chosen | None) -> None:
    """Show the verdict on the part of the photo, its views and what is missing; nothing where none are expected."""
    try:
        found = None if chosen is None else part_so_far(chosen)
    except StoreError as error:
        st.error(as_markdown(error.message), icon=":material/report:")
        return
    if found is None:
        return
    verdict = found.verdict
    title = as_html(_("Part {part}", part=verdict.part))
    seen = sum(view in verdict.views for view in found.expected)
    total = len(found.expected)
    count = as_html(_("{seen} of {count} view", "{seen} of {count} views", count=total, seen=seen))
    reason = as_html(verdict.reason)
    st.html(
        f'<div class="part-so-far" role="status"><div class="part-line"><b>{title}</b>'
        f"{chip(verdict.label, products.classes())}<span>{count}</span></div>"
        f"<ul>{''.join(f'<li>{each}</li>' for each in _views(found))}</ul><p>{reason}</p></div>"
    )
    if found.kept:
        st.page_link(
            "pages/screens/history.py",
            label=_("All photos of this part"),
            icon=":material/view_carousel:",
            query_params={name: value for name, value in (("part", verdict.part), ("lot", found.trace.lot)) if value},
        )


def _views(found: PartSoFar) -> list[str]:
    """Each view with its verdict, the expected ones first, as HTML."""
    views = found.verdict.views
    names = (*found.expected, *(view for view in views if view not in found.expected))
    waits = _("not analyzed yet")
    return [
        f"{as_html(view or _('no view named'))} "
        + (
            chip(views[view], products.classes())
            if view in views
            else quiet_chip(waits if view in found.waiting else _("missing"))
        )
        for view in names
    ]
