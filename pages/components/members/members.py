"""Who may vote, how good each of them is, and what each was made from."""

from typing import Any

import streamlit as st

from ensemble import figures
from ensemble.evaluation.energy import energy_amounts
from ensemble.evaluation.model_card.makeup import UNKNOWN, class_counts
from ensemble.features.preprocessing import BackboneSpec
from ensemble.members.demo import dummy_names
from ensemble.metrics import costs
from ensemble.store import Record
from ensemble.store.smallest_defect import smallest_defect
from ensemble.values.digits import is_number
from ensemble.values.language import Message, NumberText, _, as_message, listed, worded
from ensemble.values.results import Absence, Classes
from ensemble.values.titles import model_title
from pages.components.common import lessons
from pages.components.common.charts import show_figure
from pages.components.common.sheet import as_code, as_html, as_markdown, quiet_chip, show_sheet
from pages.components.common.votes import show_absent
from pages.session import inspection, products

COLUMNS = (
    *(Message("Model"), Message("Status"), Message("Accuracy"), Message("AUROC"), Message("Escapes")),
    *(Message("Overkills"), Message("Test photos"), Message("Training photos")),
)
RATES = ("accuracy", "auroc", "escape_rate", "overkill_rate")
QUALITIES = {
    "image_auroc": Message("Image AUROC"),
    "pixel_auroc": Message("Pixel AUROC"),
    "aupro": Message("AUPRO to {limit}", limit=NumberText("0.3")),
}

UNITS = {"loss": Message("Loss by epoch"), "quality": Message("Quality by epoch")}
SOURCE_UNKNOWN = Message("source unknown")


def show_members() -> None:
    """Show every member of the product's manifest, ready or absent, with its measured quality."""
    records = products.manifest().members
    absent = {absence.member: absence for absence in inspection.trained().absent}
    jury_first = sorted(records.items(), key=lambda entry: not entry[1].weight)
    show_sheet(COLUMNS, [_cells(record, absent.get(name)) for name, record in jury_first], folding=True)
    if not all(record.weight for record in records.values()):
        lessons.show_choice_of_models()
    st.caption(
        _(
            "Escapes: share of defective test photos passed as OK (missed defect, false negative). Overkills: share of "
            "good test photos rejected (false reject, false positive). Test photos are unseen in training."
        )
    )
    if smallest := smallest_defect(products.manifest()):
        st.caption(worded(smallest.sentence()))
    show_absent(absent.values())


def _cells(record: Record, absence: Absence | None) -> list[str]:
    pooling = _pooling(record.backbone) if record.backbone else ""
    state = quiet_chip(_("votes")) if record.weight else lessons.not_used()
    state = f'<span class="chip review">{as_html(_("not available"))}</span>' if absence else state
    rates = [_rate(key, record.metrics) for key in RATES]
    photos, digest = record.training.get("photos", {}), str(record.training.get("data", ""))[:8]
    learnt = as_html(_("imported"))
    if photos:
        learnt = f"{sum(photos.values())}<small>{as_html(_('data {digest}', digest=digest))}</small>"
    tested = str(record.metrics.get("photos", "–"))
    return [f"{as_html(model_title(record.name))}<small>{as_html(pooling)}</small>", state, *rates, tested, learnt]


def _pooling(backbone: BackboneSpec) -> str:
    return backbone.pooling.replace("_", " + ")


def _rate(key: str, metrics: Any) -> str:
    value = metrics.get(key)
    if value is None:
        return "–"
    return worded(NumberText(f"{value:.3f}") if key == "auroc" else costs.percent(value))


def show_member_details() -> None:
    """Show on demand what a member reads, what it learnt from, its files and its library versions."""
    for name, record in products.manifest().members.items():
        title = _("{model}: details", model=as_markdown(model_title(name)))
        details = st.expander(title, on_change="rerun", key=f"details of {name}")
        if details.open:
            with details:
                show_sheet((_("Property"), _("Value")), _detail_rows(record, products.classes()))
                show_curves(record)


def _detail_rows(record: Record, classes: Classes) -> list[tuple[str, str]]:
    training = record.training
    learnt = class_counts(training.get("photos", {}))
    reads = record.preprocessing
    rows = {
        Message("Identifier"): record.name,
        Message("Input"): Message(
            "{width} × {height} pixels, {features:,} features",
            width=reads.size[0],
            height=reads.size[1],
            features=record.features,
        ),
        Message("Backbone"): record.backbone.name if record.backbone else Message("none (raw pixels)"),
        Message("Layers"): ", ".join(record.backbone.layers) if record.backbone else "",
        Message("Pooling"): _pooling(record.backbone) if record.backbone else "",
        Message("Training photos"): learnt or as_message(str(training.get("source", UNKNOWN))),
        Message("Training"): lessons.lesson(record, classes),
        Message("Threshold"): lessons.threshold(record),
        Message("Memory"): lessons.memory(record),
        Message("Weight"): _weight(record),
        **{name: _number(record.metrics.get(key)) for key, name in QUALITIES.items()},
        Message("Resources used"): energy(record),
        Message("Training data"): str(training.get("data", ""))[:12],
        **{Message("File {file}", file=file): f"SHA-256 {digest}" for file, digest in record.files.items()},
        Message("Libraries"): ", ".join(f"{library} {version}" for library, version in record.libraries.items()),
    }
    return [(as_html(what), as_html(value)) for what, value in rows.items() if value]


def _weight(record: Record) -> str:
    weight, reason = NumberText(f"{record.weight:.2f}"), lessons.weight_reason(record)
    return Message("{weight} · {reason}", weight=weight, reason=reason) if reason else weight


def _number(value: float | None) -> str:
    return "" if value is None else NumberText(f"{value:.3f}")


def show_quarantine() -> None:
    """Name the model files that the manifest does not vouch for; none of them was opened."""
    for entry in inspection.quarantine():
        st.warning(
            _(
                "**{file}** is in quarantine. {reason}",
                file=as_markdown(entry.file),
                reason=as_markdown(entry.reason),
            ),
            icon=":material/shield_lock:",
        )


def show_demo_members() -> None:
    """Say who votes while demo mode is on."""
    if products.is_demo():
        dummies = listed(map(model_title, dummy_names(products.classes())))
        st.info(_("Demo mode: random results in place of trained models ({models}).", models=dummies))


def show_how_to_add() -> None:
    """Say in two lines how a model made elsewhere becomes a member."""
    st.header(_("Add a model"), anchor=False)
    folder = products.shown_path(products.store().folder)
    st.markdown(
        _(
            "1. Put `svm_resnet50.pkl` and `svm_resnet50_scaler.pkl`, named by kind and backbone, into {folder}.\n"
            "2. Run {command} once. Until then they stay in quarantine.",
            folder=as_code(f"{folder}/"),
            command=as_code(f"python -m ensemble trust --models {folder}"),
        )
    )


def show_curves(record: Record) -> None:
    """Show what was measured at each epoch: losses in one chart, rates in another."""
    by_unit: dict[str, dict[str, list[float]]] = {}
    for name, values in record.curves().items():
        by_unit.setdefault("loss" if name.endswith("loss") else "quality", {})[name] = values
    for unit, curves in by_unit.items():
        st.markdown(f"**{as_markdown(UNITS[unit])}**")
        key = f"{unit} of {record.name}"
        show_figure(figures.curves(curves, products.scheme()), figures.curves_text(curves), key)


def energy(record: Record) -> str:
    """What the training run that made this member used, all its members together; empty where nobody measured."""
    used = record.noted("energy")
    if not is_number(used.get("cpu_seconds")):
        return ""
    return Message(
        "{amounts} ({source}), for the whole training",
        amounts=listed(energy_amounts(used)),
        source=as_message(str(used.get("source", SOURCE_UNKNOWN))),
    )
