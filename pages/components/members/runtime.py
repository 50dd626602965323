"""What carries photos through the networks: the runtime in use, and what faster ones were found to do."""

import streamlit as st

from ensemble.metrics import costs
from ensemble.store.runtime_choice import RuntimeChoice, chosen_runtime
from ensemble.store.runtime_gate import RuntimeGate
from ensemble.values.language import Message, NumberText, _, worded
from ensemble.values.titles import runtime_title
from pages.components.common.sheet import as_code, as_html, as_markdown, quiet_chip, show_sheet
from pages.session import products

COMPARED_COLUMNS = (
    *(Message("Runtime"), Message("Result"), Message("Changed labels"), Message("Changed verdicts")),
    *(Message("New escapes"), Message("Largest score change"), Message("Speed")),
)


def show_runtime() -> None:
    """Say which runtime carries the photos and why, and what the comparison of runtimes has found."""
    manifest = products.manifest()
    choice, gate = chosen_runtime(manifest), manifest.runtimes
    st.header(_("Runtime"), anchor=False)
    st.markdown(
        _(
            "**{runtime}** carries photos through the networks. {reason}",
            runtime=as_markdown(runtime_title(choice.name)),
            reason=as_markdown(choice.reason),
        )
    )
    if gate:
        show_sheet(COMPARED_COLUMNS, [_compared_cells(name, gate, choice) for name in gate.results], folding=True)
        st.caption(
            _(
                "Compared with PyTorch on {photos} validation photos, none of them a test photo. A runtime that lets a "
                "defective part pass or changes more labels than allowed is not used.",
                photos=gate.photos,
            )
        )
    else:
        folder = products.shown_path(products.store().folder)
        st.markdown(_("Compare with {command}.", command=as_code(f"python -m ensemble runtime {folder}")))


def _compared_cells(name: str, gate: RuntimeGate, choice: RuntimeChoice) -> list[str]:
    result, problem = gate.results[name], gate.problem(name)
    state = quiet_chip(_("used") if name == choice.name else _("passed"))
    if problem:
        state = f'<span class="chip review">{as_html(_("failed"))}</span><small>{as_html(problem)}</small>'
    return [
        as_html(runtime_title(name)),
        state,
        worded(costs.percent(result.labels)),
        worded(costs.percent(result.verdicts)),
        str(result.escapes),
        worded(NumberText(f"{result.difference:.3f}")),
        as_html(_("{speed:.1f} ×", speed=result.speed)),
    ]
