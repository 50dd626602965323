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
# # Errors by type of defect
#
# One escape rate hides a lot: a jury can see every scratch and pass every second crack. What to do next depends on
# which types escape, who sees them, and whether anybody has photographed enough of them to know.
#
# You will see which types escape, by member and by policy, look at the escapes with the heat of those who looked, find
# members that fail together, and read a list of what to photograph next. The end is a policy in `models/policies.json`
# under which each type needs one member only that is sure of it.

# %%
import os
import sys
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

MODELS = Path(os.environ.get("QUORUM_MODELS", PROJECT / "models"))  # the product that the dashboard shows
AUTHOR = "Notebook 08"
SEED = 0

# %%
from collections import Counter
from dataclasses import replace

import pandas as pd
from IPython.display import Image

from ensemble.evaluation.performance import (
    Decided,
    by_product,
    by_type,
    effective_voters,
    error_correlation,
    fail_together,
    votes_of,
    wrong,
)
from ensemble.imaging.overlays import contact_sheet, overlay
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.metrics.costs import escape_sentence, more_needed, overkill_sentence, percent, upper_bound
from ensemble.policies import choose
from ensemble.policies.cases import labels_by_policy, typed
from ensemble.policies.making import one_is_sure
from ensemble.store import ModelStore
from ensemble.store.policy_history import enforce_policies

# %% [markdown]
# ## The types
#
# A type is the folder of a defect (`test/crack`) or what a mask or a table says of it; where none of these tells, a
# file name such as `crack_042.jpg` does. Held-out photos come from the training part, judged by members that had not
# learnt from them.

# %%
store = ModelStore(MODELS)
evidence = store.evidence()
classes = evidence.classes
held_out, test = typed(evidence.held_out, classes), typed(evidence.test, classes)
members = evidence.members()
policies = store.policies()
active = policies[0]
photographed = {
    part: Counter(case.defect for case in known if case.label == classes.defect)
    for part, known in {"held out": held_out, "test": test}.items()
}
pd.DataFrame(photographed).fillna(0).astype(int).sort_index()

# %% [markdown]
# ## Which types escape which member
#
# Escapes on the test part, of how many photos of that type. Each member votes by itself here, by the cut that the
# policy in force has for it.

# %%
votes = {member: votes_of(test, active, member, classes) for member in members}
by_member = {member: by_type(known, said, classes) for member, (known, said) in votes.items()}
types = sorted({kind for found in by_member.values() for kind in found})
shares = pd.DataFrame(
    {member: {kind: by_member[member][kind].counts.escape_rate for kind in types} for member in members}
)
photos_of_type = photographed["test"]
shares.insert(0, "test photos", [photos_of_type[kind] for kind in types])
shares.style.format("{:.0%}", subset=list(members), na_rep="-").bar(
    subset=list(members), color="#b9c2c8", vmin=0, vmax=1, width=90
).set_uuid("members")

# %% [markdown]
# ## Which types escape which policy
#
# The policies of the product, the active one first. A type that every policy lets pass is one that no member sees; a
# type that only some let pass is a question of counting.

# %%
verdicts = {policy.name: labels_by_policy(policy, test, classes) for policy in policies}
by_policy = {name: by_type(test, said, classes) for name, said in verdicts.items()}
escapes = pd.DataFrame({name: {kind: by_policy[name][kind].counts.escapes for kind in types} for name in by_policy})
escapes.insert(0, "test photos", [photos_of_type[kind] for kind in types])
most = max(photos_of_type.values())
escapes.style.bar(subset=list(by_policy), color="#b9c2c8", vmin=0, vmax=most, width=90).set_uuid("policies")

# %% [markdown]
# Where the photos come from several products, each has its own row.

# %%
products = by_product(test, verdicts[active.name], classes)
rows = {
    name: {"photos": found.photos, "escapes": found.counts.escapes, "overkills": found.counts.overkills}
    for name, found in products.items()
}
pd.DataFrame.from_dict(rows, orient="index") if rows else "All photos come from one product."

# %% [markdown]
# ## The escapes themselves
#
# The defective parts that the policy in force suspects least, escapes first. Below each photo is its heat: what stood
# out to the members that have a map. Heat on the damage and yet OK is a question of the cut; no heat there means that
# nobody saw it.

# %%
damaged = [case for case in test if case.label == classes.defect]
shown = sorted(damaged, key=lambda case: active.defect_score(case.scores, classes))[:8]
said = verdicts[active.name]
escaped = sum(
    case.label == classes.defect and verdict == classes.good for case, verdict in zip(test, said, strict=True)
)
print(f"{escaped} of {len(damaged)} defective test parts escape under {active.name}.")
pd.DataFrame(
    {
        "photo": [Path(case.photo).name for case in shown],
        "called": labels_by_policy(active, shown, classes),
        "suspicion": [round(active.defect_score(case.scores, classes), 3) for case in shown],
        "members against it": [
            sum(active.cast(score, classes).label == classes.defect for score in case.scores) for case in shown
        ],
    }
)

# %%
photos = [read_photo(store.folder / evidence.folder / case.photo) for case in shown]
everyone = replace(active, cascade=())  # a cascade would not ask those that have a map where the verdict stands early
seen = Inspector.open(store).inspect(photos, everyone)
hot = [overlay(photo.picture, verdict.anomaly_map) for photo, verdict in zip(photos, seen, strict=True)]
Image(contact_sheet([[photo.picture for photo in photos], hot], side=104))

# %% [markdown]
# ## Who fails together
#
# Members that fail on the same parts are fewer voters than they seem. First the pairs that are most often wrong on the
# same test photos, then the correlation of their errors: 1 for always together, 0 for independently.

# %%
errors = wrong(test, active, members, classes)
pairs = fail_together(errors, members)
pd.DataFrame(
    pairs, columns=["member", "and", "both wrong", "either wrong"]
) if pairs else "No two members fail together."

# %%
correlation = error_correlation(errors)
print(f"{len(members)} members count like {effective_voters(correlation):.1f} that fail independently.")
pd.DataFrame(correlation, index=members, columns=members).style.format("{:.2f}", na_rep="-").bar(
    color="#b9c2c8", vmin=0, vmax=1, width=90
).set_uuid("correlation")

# %% [markdown]
# ## What to photograph next
#
# An escape rate of 1 in 3 photos says next to nothing. For each type: how high its true escape rate may be under the
# policy in force (95 %), and how many more photos of it without a further escape would bring that to 1 %. The types
# that may be worst come first.

# %%
in_force = by_policy[active.name]
wanted = pd.DataFrame(
    {
        "type": kind,
        "photos to learn from": photographed["held out"][kind],
        "test photos": found.photos,
        "escapes": found.counts.escapes,
        "true escape rate up to": upper_bound(found.counts.escapes, found.photos),
        "test photos still needed for 1 %": more_needed(found.counts.escapes, found.photos),
    }
    for kind, found in in_force.items()
).set_index("type")
wanted = wanted.sort_values(["true escape rate up to", "photos to learn from"], ascending=[False, True])
wanted.style.format({"true escape rate up to": percent}).set_uuid("wanted")

# %%
scarce = [kind for kind in types if photographed["held out"][kind] < max(photographed["held out"].values()) / 2]
print(f"Fewer than half as many photos to learn from as of the commonest type: {', '.join(scarce) or 'no type'}.")
print(f"First to photograph: {', '.join(wanted.index[:3])}.")

# %% [markdown]
# ## One member that is sure is enough
#
# Where a type is seen by one member only, a majority will never reject it. This policy lets each member reject alone,
# from the cut on at which it is surer than it was of any good part held out. It is chosen on held-out photos; the
# test part shows what it changes.

# %%
sure = replace(
    one_is_sure(held_out, members, classes, name="ONE_IS_SURE"),
    author=AUTHOR,
    reason="Types that one member alone sees must not be outvoted.",
)
judged = {policy.name: policy for policy in (*policies, sure)}
said = {name: labels_by_policy(policy, test, classes) for name, policy in judged.items()}
counted = {name: Decided.of(test, verdicts, classes) for name, verdicts in said.items()}
print(f"{sure.name}: {escape_sentence(counted[sure.name].counts.escapes, counted[sure.name].counts.defective)}")
print(f"{sure.name}: {overkill_sentence(counted[sure.name].counts.overkills, counted[sure.name].counts.good)}")
pd.DataFrame.from_dict(
    {
        name: {"escapes": found.counts.escapes, "overkills": found.counts.overkills, "reviews": found.reviews}
        for name, found in counted.items()
    },
    orient="index",
)

# %% [markdown]
# It goes into `models/policies.json` beside the others and not into force: that is for somebody who knows what an
# overkill costs there, in *Policies* of the dashboard or as in `05_thresholds_and_policies`.

# %%
published = enforce_policies(
    store.folder, store.policy_book().including(sure), AUTHOR, f"Saved {sure.name}: {sure.reason}"
)
print(f"State {published.number} of {store.folder.name}/policies.json; {store.policies()[0].name} stays in force.")
choose(store.policies(), sure.name).description
