"""Who may vote, how good each of them is, and what each was made from."""

from html import escape
from typing import Any

import streamlit as st

from ensemble import figures
from ensemble.evaluation.energy import energy_amounts
from ensemble.features.preprocessing import BackboneSpec
from ensemble.members import KINDS
from ensemble.members.demo import dummy_names
from ensemble.store import Record
from ensemble.values.digits import is_number
from ensemble.values.results import Absence, Classes
from pages.components.common import lessons
from pages.components.common.charts import show_figure
from pages.components.common.sheet import as_code, as_markdown, quiet_chip, show_sheet
from pages.components.common.votes import show_absent
from pages.session import inspection, products

COLUMNS = ("Member", "State", "Accuracy", "AUROC", "Escape", "Overkill", "Test photos", "Learnt from")
RATES = ("accuracy", "auroc", "escape_rate", "overkill_rate")
QUALITIES = {"image_auroc": "Image AUROC", "pixel_auroc": "Pixel AUROC", "aupro": "AUPRO to 0.3"}


def show_members() -> None:
    """Show every member of the product's manifest, ready or absent, with its measured quality."""
    records = products.manifest().members
    absent = {absence.member: absence for absence in inspection.trained().absent}
    jury_first = sorted(records.items(), key=lambda entry: not entry[1].weight)
    show_sheet(COLUMNS, [_cells(record, absent.get(name)) for name, record in jury_first], folding=True)
    if not all(record.weight for record in records.values()):
        st.caption(
            "Not of the jury: with the others, its vote helped on no validation photos. It is kept and not asked; "
            "*Policies* can call it in."
        )
    st.caption(
        "Escape: defective parts passed as OK, of all defective test photos. Overkill: good parts rejected, of all "
        "good ones. Measured on photos that no member has learnt from."
    )
    show_absent(absent.values())


def _cells(record: Record, absence: Absence | None) -> list[str]:
    kind = KINDS.get(record.kind)
    parts = [kind.title if kind else record.kind]
    parts += [record.backbone.name, _pooling(record.backbone)] if record.backbone else []
    state = quiet_chip("ready" if record.weight else "not of the jury")
    state = '<span class="chip review">absent</span>' if absence else state
    rates = [_rate(key, record.metrics) for key in RATES]
    photos, digest = record.training.get("photos", {}), str(record.training.get("data", ""))[:8]
    learnt = f"{sum(photos.values())} photos<small>data {escape(digest)}</small>" if photos else "made elsewhere"
    tested = str(record.metrics.get("photos", "–"))
    return [f"{escape(record.name)}<small>{escape(' · '.join(parts))}</small>", state, *rates, tested, learnt]


def _pooling(backbone: BackboneSpec) -> str:
    return backbone.pooling.replace("_", " + ")


def _rate(key: str, metrics: Any) -> str:
    value = metrics.get(key)
    if value is None:
        return "–"
    return f"{value:.3f}" if key == "auroc" else f"{value:.1%}"


def show_member_details() -> None:
    """Show on demand what a member reads, what it learnt from, its files and its library versions."""
    for name, record in products.manifest().members.items():
        details = st.expander(
            f"{as_markdown(name)}: lesson, quality, files", on_change="rerun", key=f"details of {name}"
        )
        if details.open:
            with details:
                show_sheet(("What", "Value"), _detail_rows(record, products.classes()))
                show_curves(record)


def _detail_rows(record: Record, classes: Classes) -> list[tuple[str, str]]:
    training = record.training
    learnt = ", ".join(f"{count} {name}" for name, count in training.get("photos", {}).items())
    reads = record.preprocessing
    rows = {
        "Reads": f"{reads.size[0]} × {reads.size[1]} pixels, {record.features:,} numbers",
        "Backbone": record.backbone.name if record.backbone else "none, it reads pixels",
        "Layers": ", ".join(record.backbone.layers) if record.backbone else "",
        "Pooling": _pooling(record.backbone) if record.backbone else "",
        "Learnt from": learnt or str(training.get("source", "unknown")),
        "Lesson": lessons.lesson(record, classes),
        "Threshold": lessons.threshold(record),
        "Remembers": lessons.memory(record),
        "Vote counts": " · ".join(filter(None, (f"{record.weight:.2f}", lessons.weight_reason(record)))),
        **{name: _number(record.metrics.get(key)) for key, name in QUALITIES.items()},
        "Training used": energy(record),
        "Training data": str(training.get("data", ""))[:12],
        **{f"File {file}": f"SHA-256 {digest}" for file, digest in record.files.items()},
        "Libraries": ", ".join(f"{library} {version}" for library, version in record.libraries.items()),
    }
    return [(escape(what), escape(value)) for what, value in rows.items() if value]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def show_quarantine() -> None:
    """Name the model files that the manifest does not vouch for; none of them was opened."""
    for entry in inspection.quarantine():
        st.warning(
            f"**{as_markdown(entry.file)}** is in quarantine and was not opened. {as_markdown(entry.reason)}",
            icon=":material/shield_lock:",
        )


def show_demo_members() -> None:
    """Say who votes while demo mode is on."""
    if products.is_demo():
        dummies = ", ".join(dummy_names(products.classes()))
        st.info(f"Demo mode is on. These dummies vote in the place of trained members: {dummies}.")


def show_how_to_add() -> None:
    """Say in two lines how a model made elsewhere becomes a member."""
    st.subheader("Add a model", anchor=False)
    folder = products.shown_path(products.store().folder)
    st.markdown(
        "1. Put `svm_resnet50.pkl` and `svm_resnet50_scaler.pkl`, named by kind and backbone, into "
        f"{as_code(f'{folder}/')}.\n"
        f"2. Run {as_code(f'python -m ensemble trust --models {folder}')} once: until then the files stay in "
        "quarantine, unopened."
    )


def show_curves(record: Record) -> None:
    """Show what was measured at each epoch: losses in one chart, rates in another."""
    by_unit: dict[str, dict[str, list[float]]] = {}
    for name, values in record.curves().items():
        by_unit.setdefault("Loss" if name.endswith("loss") else "Quality", {})[name] = values
    for title, curves in by_unit.items():
        st.markdown(f"**{title} by epoch**")
        key = f"{title} of {record.name}"
        show_figure(figures.curves(curves, products.scheme()), figures.curves_text(curves), key)


def energy(record: Record) -> str:
    """What the training run that made this member used, all its members together; empty where nobody measured."""
    used = record.noted("energy")
    if not is_number(used.get("cpu_seconds")):
        return ""
    return f"{', '.join(energy_amounts(used))} ({used.get('source', 'source unknown')}), the whole run"
