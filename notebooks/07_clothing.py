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
# # Clothing: three classes and no defect
#
# Not every product is good or bad. Here each photo shows bottomwear, shoes or topwear, and the same members, votes and
# screens tell them apart: there are no escapes, only photos that are called the wrong class.
#
# You will bring such photos into a collection, look at what is odd about them and leave out test photos that the
# members would know by heart, train a jury, read the baseline's curves, the confusion matrix and the misclassified
# photos. The end is a product of its own in `models/clothing/`.

# %%
import os
import sys
import tempfile
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

CLOTHING = Path(os.environ["QUORUM_CLOTHING"]) if os.environ.get("QUORUM_CLOTHING") else None  # train|test/CLASS/PHOTO
COLLECTIONS = Path(os.environ.get("QUORUM_COLLECTIONS", PROJECT / "data" / "collections"))
MODELS = Path(os.environ.get("QUORUM_MODELS", PROJECT / "models")) / "clothing"  # a product beside the others
WEIGHTS = Path(os.environ["QUORUM_WEIGHTS"]) if os.environ.get("QUORUM_WEIGHTS") else None  # a folder, if not the cache
BACKBONES = os.environ.get("QUORUM_BACKBONES", "quorum_small").split(",")  # such as resnet50,vgg16,densenet121
DRAWN = 60  # photos of each class that are drawn where no folder is named
AUTHOR = "Notebook 07"
SEED = 0

# %%
import pandas as pd
from IPython.display import Image

from ensemble.datasets.cleaning import FINDING_KINDS as ODD
from ensemble.datasets.collection import Collection, collections, counts
from ensemble.datasets.workbench import bring_into, look_through, opened, taking_part
from ensemble.drawing.part import write_clothing
from ensemble.evaluation.performance import by_class, failures
from ensemble.evaluation.scoring import policy_quality
from ensemble.imaging.overlays import contact_sheet
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.metrics.costs import Line, at_least, percent
from ensemble.policies.cases import labels_by_policy, truth
from ensemble.store import ModelStore
from ensemble.training import train

# %% [markdown]
# ## The photos
#
# `QUORUM_CLOTHING` names a folder with `train/` and `test/`, one folder a class in each. Without it, clothes are drawn,
# which are much easier than photos: their figures say that all parts of this notebook work, and nothing else.

# %%
drawn = tempfile.TemporaryDirectory()
source = CLOTHING or Path(drawn.name) / "drawn_clothes"
if CLOTHING is None:
    write_clothing(source, photos=DRAWN, seed=SEED)
print("These are photos." if CLOTHING else f"These clothes are drawn, {DRAWN} of each class. They are no photos.")
known, name = collections(COLLECTIONS), "clothing" if CLOTHING else "drawn_clothing"
collection = Collection(known[name]) if name in known else Collection.create(COLLECTIONS, name)
with opened(source, Path(drawn.name)) as understood:
    print(f"{understood.layout}: {', '.join(understood.meaning)}")
    added = bring_into(understood, collection, origin=source.name, author=AUTHOR)
drawn.cleanup()
print(f"{added.added} photos came in, {len(added.known)} were there already, {len(added.refused)} could not.")
pd.DataFrame(counts(collection.photos())).rename_axis("class")

# %%
photos = taking_part(collection.photos())
classes = collection.classes()
of_class = [[photo for photo in photos if photo.label == label] for label in classes.names]
spread = [kept[:: max(1, len(kept) // 8)][:8] for kept in of_class]
Image(contact_sheet([[read_photo(photo.path).picture for photo in kept] for kept in spread], side=96))

# %% [markdown]
# ## What is odd
#
# Above all, copies across train and test: a test photo whose copy is learnt from measures memory. Those are left out of
# the test; all else is for a person to look at, and stays.

# %%
odd = look_through(collection, seed=SEED)
kinds = pd.Series([finding.kind for finding in odd], dtype=str).value_counts()
pd.DataFrame(
    [{"what": ODD[kind].title, "photos": number, "what to do": ODD[kind].advice} for kind, number in kinds.items()],
    columns=["what", "photos", "what to do"],
)

# %%
by_digest = {photo.sha256: photo for photo in photos}
for finding in odd[:5]:
    print(f"{Path(by_digest[finding.sha256].name).name}: {finding.sentence}")
leaks = [finding.sha256 for finding in odd if finding.kind == "leak"]
collection.decide("drop", leaks, reason="A copy of it is learnt from.", author=AUTHOR)
print(f"{len(leaks)} test photos are left out. {len(taking_part(collection.photos()))} photos take part.")

# %% [markdown]
# ## Training
#
# Two lessons, one jury. The baseline learns from these photos alone, briefly, for its curves. Then an SVM on each
# backbone learns thoroughly: its settings are searched by cross-validation among the training photos. A member that was
# trained before stays in the jury with what it has said of the same photos. On the command line:
#
# ```
# PHOTOS=data/collections/clothing MODELS=models/clothing
# python -m ensemble train --data $PHOTOS --models $MODELS --members baseline_cnn --profile quick
# python -m ensemble train --data $PHOTOS --models $MODELS --members svm --profile thorough
# ```

# %%
lessons = {"quick": ["baseline_cnn"], "thorough": ["svm"]}
for profile, kinds in lessons.items():
    outcome = train(
        collection.folder,
        MODELS,
        backbones=BACKBONES,
        kinds=kinds,
        weights=WEIGHTS,
        profile=profile,
        product="Clothing",
        seed=SEED,
        notify=print,
    )
    print(f"{', '.join(outcome.members)}: trained and measured in {outcome.seconds:.0f} s.")

# %% [markdown]
# ## The baseline's curves
#
# The small network that has only ever seen these photos: loss on the photos it learns from, and on a tenth that is
# held out for this curve alone.

# %%
store = ModelStore(MODELS)
curves = pd.DataFrame(store.manifest().members["baseline_cnn"].training["curves"]).rename_axis("epoch")
curves.index += 1
shown = curves.iloc[:: -(-len(curves) // 15)]
shown.style.bar(axis=None, color="#b9c2c8", vmin=0, width=90).format("{:.3f}").set_uuid("curves")

# %% [markdown]
# ## How good is it?
#
# On the test photos. What one member alone is right about, and then the policies, which count the votes of all: the
# first is in force.

# %%
measured = {name: record.metrics for name, record in store.manifest().members.items()}
pd.DataFrame.from_dict(measured, orient="index")[["photos", "accuracy", "f1"]].round(3)

# %%
evidence, policies = store.evidence(), store.policies()
test, active = evidence.test, policies[0]
verdicts = labels_by_policy(active, test, classes)
right = sum(verdict == true for verdict, true in zip(verdicts, truth(test), strict=True))
print(f"{active.name}: {right} of {len(test)} test photos are right, {percent(right / len(test))}.")
print(f"The true share is {at_least(right, len(test))} (95 %).")
by_policy = {policy.name: policy_quality(policy, test, classes, Line()) for policy in policies}
pd.DataFrame.from_dict(by_policy, orient="index")[["accuracy", "review_rate", "f1"]].astype(float).round(3)

# %% [markdown]
# ## Which class is called what?
#
# Each row is a true class, each column what the jury calls it.

# %%
pd.crosstab(pd.Series(truth(test), name="true class"), pd.Series(verdicts, name=f"called, {active.name}"))

# %%
pd.DataFrame.from_dict(
    {
        name: {"photos": found.photos, "called so": found.called, "recall": found.recall, "precision": found.precision}
        for name, found in by_class(test, verdicts, classes).items()
    },
    orient="index",
).round(3)

# %% [markdown]
# ## The misclassified photos
#
# Is the jury wrong, or the label? The eight test photos to whose true class the jury gives the least probability: those
# that are misclassified, and those that nearly were.

# %%
mistakes = failures(test, verdicts, active, classes)["mistakes"]
sure_of = [sum(score.probabilities[case.label] for score in case.scores) / len(case.scores) for case in test]
shown = [test[place] for place in sorted(range(len(test)), key=sure_of.__getitem__)][:8]
print(f"{len(mistakes)} of {len(test)} test photos are misclassified.")
pd.DataFrame(
    {
        "photo": [Path(case.photo).name for case in shown],
        "true class": [case.label for case in shown],
        "jury": labels_by_policy(active, shown, classes),
        "probability": [round(sure, 3) for sure in sorted(sure_of)[:8]],
        **{
            member: [
                max(score.probabilities, key=score.probabilities.__getitem__)
                for case in shown
                for score in case.scores
                if score.member == member
            ]
            for member in evidence.members()
        },
    }
).T

# %%
pictures = [read_photo(store.folder / evidence.folder / case.photo) for case in shown]
Image(contact_sheet([[photo.picture for photo in pictures]], side=112))

# %% [markdown]
# ## They may vote now
#
# A product of its own, with its classes, its policies and what it learnt from in its manifest.

# %%
verdict = Inspector.open(store).inspect(pictures[:1], active)[0]
print(f"{verdict.photo}: {verdict.word}. {verdict.reason}")
pd.DataFrame(
    {"file": file, "member": name, "MB": round((MODELS / file).stat().st_size / 1e6, 2)}
    for name, record in store.manifest().members.items()
    for file in record.files
)

# %% [markdown]
# `make run`, and choose *Clothing* in the sidebar. Which errors to work on where a class is a defect comes next, in
# `08_errors_by_type`.
