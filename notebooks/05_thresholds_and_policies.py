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
# # Thresholds and policies
#
# A member gives a probability; a policy decides what to do with it. Where the cut lies is a question of money and of
# proof: how much may an escape cost, and how sure can so few photos make anybody?
#
# You will see raw scores become probabilities that mean what they say, every cut and what it would let pass, and what
# the photos can promise at best. Then each policy that ships is measured on the test part, and you choose one of your
# own by its cost under a limit on escapes. The end is in `models/policies.json`, in force, and the photos on which it
# decides otherwise than the policy before it.
#
# No member is trained here: everything rests on what the members of the product said of photos that they have not
# learnt from, which training keeps in `evidence.json`.

# %%
import os
import sys
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

MODELS = Path(os.environ.get("QUORUM_MODELS", PROJECT / "models"))  # the product that the dashboard shows
ESCAPE, OVERKILL, REVIEW = 10.0, 1.0, 0.5  # what one of each costs, in any one currency
SHARE = 0.05  # of the parts on the real line that are defective; the photos hold far more
ESCAPE_LIMIT = 0.10  # the highest true escape rate that you would sign for
NAME, AUTHOR = "LEAST_COST", "Notebook 05"
SEED = 0

# %%
from dataclasses import replace

import pandas as pd
from IPython.display import Image

from ensemble.evaluation.performance import Decided
from ensemble.imaging.overlays import contact_sheet, overlay
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.metrics.costs import (
    Line,
    Prices,
    escape_sentence,
    more_needed,
    not_safe,
    overkill_sentence,
    percent,
    upper_bound,
)
from ensemble.metrics.image_metrics import threshold_sweep
from ensemble.metrics.thresholds import cost_threshold, f_beta_threshold, precision_threshold, safe_threshold
from ensemble.policies import Policy
from ensemble.policies.cases import labels_by_policy, truth
from ensemble.policies.making import cheapest, defect_scores, unsafe_name
from ensemble.store import ModelStore
from ensemble.store.policy_history import enforce_policies, policy_states

# %% [markdown]
# ## What there is to choose by
#
# *Held-out* photos come from the training part, but each was judged by members that had not learnt from it: they are
# there to choose by. *Test* photos only measure what was chosen. Whoever turns a cut until the test looks good has
# measured nothing.

# %%
store = ModelStore(MODELS)
evidence = store.evidence()
classes, held_out, test = evidence.classes, evidence.held_out, evidence.test
print(f"{store.product_name()}: {', '.join(evidence.members())}")
pd.DataFrame({"held out": pd.Series(truth(held_out)).value_counts(), "test": pd.Series(truth(test)).value_counts()})

# %% [markdown]
# ## From scores to probabilities
#
# Of all parts to which a member gives 0.8, eight in ten should be defective; only then does a cut mean something, and
# only then can members be averaged. Training corrects each member's scores by the method that does best on photos it
# was not fitted on. The Brier score is the mean squared error of the probabilities, ECE how far they are from the
# truth on average; 0 is perfect for both.

# %%
records = store.manifest().members
fitted = {name: record.training["calibration"] for name, record in records.items() if "calibration" in record.training}
pd.DataFrame.from_dict(
    {
        name: {
            "method": found["calibrator"]["method"],
            "Brier before": found["before"]["brier"],
            "after": found["after"]["brier"],
            "ECE before": found["before"]["ece"],
            "ECE after": found["after"]["ece"],
            "photos": found["photos"],
        }
        for name, found in fitted.items()
    },
    orient="index",
).round(3)

# %% [markdown]
# The member that needed it most, bin by bin: what it said on average, and how many of those parts were defective.

# %%
gains = {name: found["before"]["ece"] - found["after"]["ece"] for name, found in fitted.items()}
changed = max(gains, key=lambda name: gains[name])
print(changed)
bins = {when: pd.DataFrame(fitted[changed][when]["bins"]) for when in ("before", "after")}
diagram = pd.concat(bins, names=["probabilities", "bin"])
diagram.columns = ["said", "came true", "photos"]
diagram.style.bar(subset=["said", "came true"], color="#b9c2c8", vmin=0, vmax=1, width=90).format(
    {"said": "{:.2f}", "came true": "{:.2f}", "photos": "{:.0f}"}
).set_uuid("reliability")

# %% [markdown]
# ## Every demand on OK, from 0.50 to 0.99
#
# All members together, each by its weight, give a part one probability of being defective; the rest is that of being
# OK. A part passes only where that reaches the demand. The stricter the demand, the fewer escapes and the more good
# parts are rejected. F2 counts an escape more than F1 does. These are the held-out photos.

# %%
together = Policy("TOGETHER", "mean")
defective, defect_score = defect_scores(together, held_out, classes)
demands = pd.DataFrame(threshold_sweep(defective, defect_score)).set_index("demand")
shown = demands.iloc[[*range(0, len(demands), 5), -1]]
shown.style.format("{:.3f}", na_rep="-").format("{:.0f}", subset=["escapes", "overkills"]).format_index("{:.2f}").bar(
    subset=["escape_rate", "overkill_rate"], color="#b9c2c8", vmin=0, vmax=1, width=90
).set_uuid("demands")

# %% [markdown]
# ## Five cuts, each the best of its kind
#
# A part is NOK from the threshold on. *f1* and *f2* have the highest F; *safe* lets no held-out defect pass and keeps
# some room below; *precision* rejects no held-out good part; *cost* is cheapest at the prices in the settings.

# %%
line = Line(Prices(ESCAPE, OVERKILL, REVIEW), share=SHARE)
thresholds = [
    f_beta_threshold(defective, defect_score, 1),
    f_beta_threshold(defective, defect_score, 2),
    safe_threshold(defective, defect_score),
]
thresholds += [
    precision_threshold(defective, defect_score),
    cost_threshold(defective, defect_score, line.prices, line.share),
]
chosen_thresholds = (
    pd.DataFrame([threshold.as_json() for threshold in thresholds]).set_index("name").drop(columns="figure")
)
chosen_thresholds.assign(threshold=chosen_thresholds.threshold.round(4))

# %% [markdown]
# ## What so few photos can promise
#
# No escape among the held-out photos is not an escape rate of zero. The bound says how high the true rate may still be
# (exact binomial limit, 95 %).

# %%
for point in thresholds:
    print(f"{point.name}: {escape_sentence(point.escapes, point.defective)}")
print(not_safe(thresholds[2].escapes, thresholds[2].defective) or "The safe cut may be called SAFE.")

# %%
pd.DataFrame(
    {"defective photos, none escaped": more_needed(0, 0, rate), "the true escape rate is at most": percent(rate)}
    for rate in (0.10, 0.05, 0.03, 0.01)
)

# %% [markdown]
# ## What each policy would do
#
# The policies of the product, the active one first, on the test part. A review is neither escape nor overkill: a person
# looks. `money` is the cost of 1000 parts of the line in the settings, where defects are rarer than in the photos.

# %%
before = store.policies()
on_test = {policy.name: Decided.of(test, labels_by_policy(policy, test, classes), classes) for policy in before}
columns = {
    name: {
        "right": decided.right,
        "of decided": decided.decided,
        "escapes": decided.counts.escapes,
        "escape rate up to": percent(upper_bound(decided.counts.escapes, decided.counts.defective)),
        "overkills": decided.counts.overkills,
        "reviews": decided.reviews,
        "money": round(decided.money(line), 1),
    }
    for name, decided in on_test.items()
}
print(f"{len(test)} test photos, {sum(case.label == classes.defect for case in test)} of them defective.")
pd.DataFrame.from_dict(columns, orient="index")

# %% [markdown]
# ## One of your own: the cheapest under a limit
#
# Every rule with one cut for all members, and the mean with a second cut for reviews, is tried at every cut that makes
# a difference on the held-out photos. Out of those whose true escape rate surely stays below the limit, the cheapest
# wins. Where the photos are too few for the limit in the settings, the least that they can promise takes its place.

# %%
limit = max(ESCAPE_LIMIT, upper_bound(0, int(defective.sum())))
chosen = cheapest(held_out, classes, line, limit)
careless = cheapest(held_out, classes, line, 1.0)
print(f"Escape rate at most {percent(limit)}: {chosen.money:.1f} for 1000 parts, on held-out photos.")
print(f"Without a limit: {careless.money:.1f}. That difference is what the limit costs.")

# %%
reason = (
    f"Least cost at {ESCAPE:g}/{OVERKILL:g}/{REVIEW:g}, {percent(SHARE)} defects, escapes at most {percent(limit)}."
)
mine = replace(chosen.policy, name=NAME, description="The least cost under a limit on escapes.")
mine = replace(mine, author=AUTHOR, reason=reason)
print(unsafe_name(mine) or f"It may be called {NAME}.")
settings = {"rule": mine.rule, "review from": mine.review, "NOK from": mine.reject, "threshold": mine.threshold}
pd.Series({**settings, **mine.basis}, name=NAME).dropna().to_frame()

# %% [markdown]
# And now, once, the test part.

# %%
measured = Decided.of(test, labels_by_policy(mine, test, classes), classes)
print(f"{measured.money(line):.1f} for 1000 parts, {measured.reviews} of {measured.photos} test photos to review.")
print(escape_sentence(measured.counts.escapes, measured.counts.defective))
print(overkill_sentence(measured.counts.overkills, measured.counts.good))

# %% [markdown]
# ## In force
#
# `publish` writes `policies.json` and remembers the state before, so that every change has an author and a reason and
# can be taken back: `publish(store.folder, history(store.folder)[-2].book(), author, reason)`, or *Policies* in the
# dashboard. A training later keeps policies that it has not made.

# %%
published = enforce_policies(
    store.folder, store.policy_book().including(mine, active=True), AUTHOR, f"{NAME} in force: {reason}"
)
print(f"State {published.number} of {store.folder.name}/policies.json, at {published.at}.")
pd.DataFrame(
    {"state": state.number, "author": state.author, "reason": state.reason}
    for state in policy_states(store.folder)[-3:]
)

# %% [markdown]
# ## Used at once
#
# No model runs again for another policy: votes are kept with the verdict. These are the test photos on which the new
# policy decides otherwise than the one before it.

# %%
after = store.policies()[0]
verdicts = pd.DataFrame(
    {
        "photo": [Path(case.photo).name for case in test],
        "true class": truth(test),
        f"before, {before[0].name}": labels_by_policy(before[0], test, classes),
        f"now, {after.name}": labels_by_policy(after, test, classes),
    }
)
differ = verdicts[verdicts.iloc[:, 2] != verdicts.iloc[:, 3]]
print(f"{len(differ)} of {len(verdicts)} test photos are decided otherwise.")
differ.head(8)

# %%
looked_at = [*differ.index, 0][:3]
photos = [read_photo(store.folder / evidence.folder / test[place].photo) for place in looked_at]
decided = Inspector.open(store).inspect(photos, after)
for verdict in decided:
    print(f"{verdict.photo}: {verdict.word}. {verdict.reason}")
Image(
    contact_sheet(
        [
            [photo.picture for photo in photos],
            [overlay(photo.picture, verdict.anomaly_map) for photo, verdict in zip(photos, decided, strict=True)],
        ],
        side=160,
    )
)

# %% [markdown]
# The dashboard uses the new policy from the next photo on: `make run`, then *Policies* shows both states and the way
# back. A policy for one demand on OK alone comes next, in `06_ok_from_99`.
