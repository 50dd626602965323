"""Who may vote, how good each of them is, and what each was made from."""

from html import escape
from typing import Any

import streamlit as st

from ensemble import figures
from ensemble.evaluation.energy import energy_amounts
from ensemble.features.preprocessing import BackboneSpec
from ensemble.members.demo import dummy_names
from ensemble.metrics import costs
from ensemble.store import Record
from ensemble.values.digits import is_number
from ensemble.values.results import Absence, Classes, word
from ensemble.values.titles import model_title
from pages.components.common import lessons
from pages.components.common.charts import show_figure
from pages.components.common.sheet import as_code, as_markdown, quiet_chip, show_sheet
from pages.components.common.votes import show_absent
from pages.session import inspection, products

COLUMNS = ("Model", "Status", "Accuracy", "AUROC", "Escapes", "Overkills", "Test photos", "Training photos")
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
            "Not used: a model that did not improve the ensemble on the validation photos. A policy can still use it."
        )
    st.caption(
        "Escapes: share of defective test photos passed as OK (missed defect, false negative). Overkills: share of "
        "good test photos rejected (false reject, false positive). Test photos are unseen in training."
    )
    show_absent(absent.values())


def _cells(record: Record, absence: Absence | None) -> list[str]:
    pooling = _pooling(record.backbone) if record.backbone else ""
    state = quiet_chip("ready") if record.weight else quiet_chip("not used")
    state = '<span class="chip review">not available</span>' if absence else state
    rates = [_rate(key, record.metrics) for key in RATES]
    photos, digest = record.training.get("photos", {}), str(record.training.get("data", ""))[:8]
    learnt = f"{sum(photos.values())}<small>data {escape(digest)}</small>" if photos else "imported"
    tested = str(record.metrics.get("photos", "–"))
    return [f"{escape(model_title(record.name))}<small>{escape(pooling)}</small>", state, *rates, tested, learnt]


def _pooling(backbone: BackboneSpec) -> str:
    return backbone.pooling.replace("_", " + ")


def _rate(key: str, metrics: Any) -> str:
    value = metrics.get(key)
    if value is None:
        return "–"
    return f"{value:.3f}" if key == "auroc" else costs.percent(value)


def show_member_details() -> None:
    """Show on demand what a member reads, what it learnt from, its files and its library versions."""
    for name, record in products.manifest().members.items():
        title = as_markdown(model_title(name))
        details = st.expander(f"{title}: details", on_change="rerun", key=f"details of {name}")
        if details.open:
            with details:
                show_sheet(("Property", "Value"), _detail_rows(record, products.classes()))
                show_curves(record)


def _detail_rows(record: Record, classes: Classes) -> list[tuple[str, str]]:
    training = record.training
    learnt = ", ".join(f"{count} {word(name)}" for name, count in training.get("photos", {}).items())
    reads = record.preprocessing
    rows = {
        "Identifier": record.name,
        "Input": f"{reads.size[0]} × {reads.size[1]} pixels, {record.features:,} features",
        "Backbone": record.backbone.name if record.backbone else "none (raw pixels)",
        "Layers": ", ".join(record.backbone.layers) if record.backbone else "",
        "Pooling": _pooling(record.backbone) if record.backbone else "",
        "Training photos": learnt or str(training.get("source", "unknown")),
        "Training": lessons.lesson(record, classes),
        "Threshold": lessons.threshold(record),
        "Memory": lessons.memory(record),
        "Weight": " · ".join(filter(None, (f"{record.weight:.2f}", lessons.weight_reason(record)))),
        **{name: _number(record.metrics.get(key)) for key, name in QUALITIES.items()},
        "Resources used": energy(record),
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
            f"**{as_markdown(entry.file)}** is in quarantine. {as_markdown(entry.reason)}",
            icon=":material/shield_lock:",
        )


def show_demo_members() -> None:
    """Say who votes while demo mode is on."""
    if products.is_demo():
        dummies = ", ".join(map(model_title, dummy_names(products.classes())))
        st.info(f"Demo mode: random results in place of trained models ({dummies}).")


def show_how_to_add() -> None:
    """Say in two lines how a model made elsewhere becomes a member."""
    st.header("Add a model", anchor=False)
    folder = products.shown_path(products.store().folder)
    st.markdown(
        "1. Put `svm_resnet50.pkl` and `svm_resnet50_scaler.pkl`, named by kind and backbone, into "
        f"{as_code(f'{folder}/')}.\n"
        f"2. Run {as_code(f'python -m ensemble trust --models {folder}')} once. Until then they stay in quarantine."
    )


def show_curves(record: Record) -> None:
    """Show what was measured at each epoch: losses in one chart, rates in another."""
    by_unit: dict[str, dict[str, list[float]]] = {}
    for name, values in record.curves().items():
        by_unit.setdefault("Loss by epoch" if name.endswith("loss") else "Quality by epoch", {})[name] = values
    for title, curves in by_unit.items():
        st.markdown(f"**{title}**")
        key = f"{title} of {record.name}"
        show_figure(figures.curves(curves, products.scheme()), figures.curves_text(curves), key)


def energy(record: Record) -> str:
    """What the training run that made this member used, all its members together; empty where nobody measured."""
    used = record.noted("energy")
    if not is_number(used.get("cpu_seconds")):
        return ""
    return f"{', '.join(energy_amounts(used))} ({used.get('source', 'source unknown')}), for the whole training"
