# ---
# jupyter:
#   jupytext:
#     cell_metadata_filter: -all
#     formats: ipynb,py:percent
#     notebook_metadata_filter: jupytext,kernelspec,-all
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # OK only from 0.99 on
#
# The conservative way to pass a part: one network that has seen a great many pictures goes on learning on this
# product's photos (transfer learning), and a part is OK only where it gives OK a probability of at least 0.99. All
# other parts are NOK. That misses little, and it costs good parts.
#
# You will train that one member, see what each demand from 0.50 to 0.99 lets pass and rejects, what 0.99 costs, which
# demand the held-out photos would choose, and the photos nearest to the cut. The end is a product of its own,
# `models/ok_from_99/`, whose `policies.json` demands 0.99.

# %%
import os
import sys
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

DATA = Path(os.environ.get("QUORUM_DATA", PROJECT / "data"))  # train|test, one folder of photos a class
MODELS = Path(os.environ.get("QUORUM_MODELS", PROJECT / "models"))  # the product that the dashboard shows
WEIGHTS = Path(os.environ["QUORUM_WEIGHTS"]) if os.environ.get("QUORUM_WEIGHTS") else None  # a folder, if not the cache
BACKBONE = os.environ.get("QUORUM_BACKBONES", "quorum_small").split(",")[0]
KIND = "finetuned"  # or svm, which leaves the backbone as it is and learns in seconds
DEMAND = 0.99
AUTHOR = "Notebook 06"
SEED = 0

# %%
import numpy as np
import pandas as pd
from IPython.display import Image

from ensemble.datasets.loading import find_dataset
from ensemble.evaluation.performance import Decided, scored_parts
from ensemble.imaging.overlays import contact_sheet
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.metrics.costs import Line, Prices, escape_sentence, overkill_sentence
from ensemble.metrics.image_metrics import threshold_sweep
from ensemble.metrics.thresholds import cost_threshold, f_beta_threshold, safe_threshold
from ensemble.policies.cases import labels_by_policy
from ensemble.policies.making import ok_from
from ensemble.store import ModelStore
from ensemble.store.policy_history import enforce_policies
from ensemble.training import train

# %%
dataset = find_dataset(DATA, seed=SEED)
parts = {"train": dataset.train, "calibration": dataset.calibration, "test": dataset.test}
labelled = {part: pd.Series([sample.label for sample in samples], dtype=str) for part, samples in parts.items()}
pd.DataFrame({part: names.value_counts() for part, names in labelled.items()}).fillna(0).astype(int)

# %% [markdown]
# ## One member
#
# It goes into a product of its own, so that its policies count its vote alone. Its probabilities are calibrated on
# photos that it has not learnt from: without that, 0.99 would be just a number. On the command line:
#
# ```
# python -m ensemble train --data data --models models/ok_from_99 --members finetuned --backbone quorum_small
# ```

# %%
outcome = train(
    DATA,
    MODELS / "ok_from_99",
    backbones=[BACKBONE],
    kinds=[KIND],
    weights=WEIGHTS,
    product="OK from 0.99",
    seed=SEED,
    notify=print,
)
(member,) = outcome.members
print(f"{member}, trained and measured in {outcome.seconds:.0f} s.")

# %%
store = ModelStore(MODELS / "ok_from_99")
evidence = store.evidence()
classes, held_out, test = evidence.classes, evidence.held_out, evidence.test
calibration = store.manifest().members[member].training["calibration"]
print(f"Calibrated by the method {calibration['calibrator']['method']} on {calibration['photos']} photos.")
pd.DataFrame(
    {when: {name: calibration[when][name] for name in ("brier", "ece")} for when in ("before", "after")}
).round(3)

# %% [markdown]
# ## Every demand, from 0.50 to 0.99
#
# On the held-out photos, which are there to choose by. *Escapes* are defective parts that pass, *overkills* good parts
# that are rejected; precision, recall, F1 and F2 are those of the defect, and F2 counts an escape more.

# %%
voice = store.policies()[0]
defective, scores = scored_parts(held_out, voice, member, classes)
demands = pd.DataFrame(threshold_sweep(defective, scores)).set_index("demand")
order = ["escapes", "escape_rate", "overkills", "overkill_rate", "precision", "recall", "f1", "f2"]
shown = demands.iloc[[*range(0, len(demands), 5), -1]][order]
shown.style.format("{:.3f}", na_rep="-").format("{:.0f}", subset=["escapes", "overkills"]).format_index("{:.2f}").bar(
    subset=["escape_rate", "overkill_rate"], color="#b9c2c8", vmin=0, vmax=1, width=90
).set_uuid("demands")

# %% [markdown]
# ## What 0.99 costs, and what else one could demand
#
# The same photos choose a demand for several purposes: the highest F1, the highest F2, no escape among them, and the
# least cost where an escape costs as much as ten overkills. `money` is that of 1000 parts of which one in twenty is
# defective.

# %%
line = Line(Prices(), share=0.05)
thresholds = {
    threshold.name: threshold
    for threshold in (f_beta_threshold(defective, scores, 1), f_beta_threshold(defective, scores, 2))
}
thresholds |= {
    "safe": safe_threshold(defective, scores),
    "cost": cost_threshold(defective, scores, line.prices, line.share),
}
policies = {f"OK from {DEMAND:g}": ok_from(DEMAND, held_out, classes, name=f"OK from {DEMAND:g}")}
policies |= {
    name: ok_from(1 - threshold.threshold, held_out, classes, name=name) for name, threshold in thresholds.items()
}
held = {
    name: Decided.of(held_out, labels_by_policy(policy, held_out, classes), classes)
    for name, policy in policies.items()
}
pd.DataFrame.from_dict(
    {
        name: {
            "demand": round(1 - policies[name].reject, 4),
            "escapes": found.counts.escapes,
            "overkills": found.counts.overkills,
            "of good": found.counts.good,
            "money": round(found.money(line), 1),
        }
        for name, found in held.items()
    },
    orient="index",
)

# %% [markdown]
# ## Measured
#
# The same demands on the test part, which had no say in them.

# %%
on_test = {
    name: Decided.of(test, labels_by_policy(policy, test, classes), classes) for name, policy in policies.items()
}
pd.DataFrame.from_dict(
    {
        name: {
            "accuracy": round(found.accuracy, 3),
            "escapes": found.counts.escapes,
            "of defective": found.counts.defective,
            "overkills": found.counts.overkills,
            "of good": found.counts.good,
            "money": round(found.money(line), 1),
        }
        for name, found in on_test.items()
    },
    orient="index",
)

# %%
counts = on_test[f"OK from {DEMAND:g}"].counts
print(escape_sentence(counts.escapes, counts.defective))
print(overkill_sentence(counts.overkills, counts.good))

# %% [markdown]
# ## The photos nearest to the cut
#
# The eight test photos whose odds lie nearest to those of the demand. A little more light, and they would have been
# decided otherwise: these are the parts to look at first, and the kind to photograph more of.

# %%
in_doubt, against = scored_parts(test, voice, member, classes)
odds = np.log(np.clip(1 - against, 1e-6, 1 - 1e-6)) - np.log(np.clip(against, 1e-6, 1 - 1e-6))
nearest = np.abs(odds - np.log(DEMAND / (1 - DEMAND))).argsort()[:8]
pd.DataFrame(
    {
        "photo": [Path(test[place].photo).name for place in nearest],
        "true class": [test[place].label for place in nearest],
        "probability of OK": (1 - against[nearest]).round(4),
    }
)

# %%
photos = [read_photo(store.folder / evidence.folder / test[place].photo) for place in nearest]
Image(contact_sheet([[photo.picture for photo in photos[:4]], [photo.picture for photo in photos[4:]]], side=160))

# %% [markdown]
# ## In force
#
# The demand becomes the active policy of the product, and the one of least cost is kept beside it. What each did on the
# held-out photos stands with it, and every state can be taken back. Where the photos are few or the defects faint, no
# part may reach 0.99 at all: then the demand is not for this member yet, and the other policy says what is.

# %%
strict = ok_from(DEMAND, held_out, classes, name="OK_FROM_99", description=f"OK only from {DEMAND:.2f} on.")
tuned = ok_from(
    1 - thresholds["cost"].threshold,
    held_out,
    classes,
    name="OK_FROM_TUNED",
    description="OK from the cheapest demand on.",
)
book = store.policy_book().including(tuned).including(strict, active=True)
published = enforce_policies(store.folder, book, AUTHOR, f"Only parts that are OK with at least {DEMAND:.2f} pass.")
print(f"State {published.number} of {store.folder.name}/policies.json: {published.book().active} is in force.")
for policy in (strict, tuned):
    passing = policy.basis["good"] - policy.basis["overkills"]
    print(f"{policy.name} asks {1 - policy.reject_from:.4f}: {passing} of {policy.basis['good']} good parts pass.")

# %%
for verdict in Inspector.open(store).inspect(photos[:3], store.policies()[0]):
    print(f"{verdict.photo}: {verdict.word}. {verdict.reason}")

# %% [markdown]
# `make run`, and choose *OK from 0.99* in the sidebar: *Inspect* uses the demand, *Policies* shows it on its scale.
# Products of more than two classes come next, in `07_clothing`.
