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
# # Backbones and classical models
#
# A backbone is a network that learnt to see on other pictures. It stays frozen: it turns a photo into a row of numbers,
# and a classical model (a support vector machine, a random forest, boosted trees) learns to tell those rows apart.
# That takes seconds, and a few dozen photos are enough.
#
# You will do it by hand first, with scikit-learn's own tools, and see how such files become trusted members. Then one
# call does all of it for every backbone, chooses the pooling, calibrates and measures. The end is a jury in `models/`,
# and the photos on which it disagrees.

# %%
import os
import sys
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

DATA = Path(os.environ.get("QUORUM_DATA", PROJECT / "data"))  # train|test, one folder of photos a class
MODELS = Path(os.environ.get("QUORUM_MODELS", PROJECT / "models"))  # the product that the dashboard shows
WEIGHTS = Path(os.environ["QUORUM_WEIGHTS"]) if os.environ.get("QUORUM_WEIGHTS") else None  # a folder, if not the cache
BACKBONES = os.environ.get("QUORUM_BACKBONES", "quorum_small").split(",")  # such as resnet50,vgg16,densenet121
SEED = 0

# %%
import joblib
import numpy as np
import pandas as pd
from IPython.display import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from ensemble.datasets.loading import find_dataset
from ensemble.features.backbones import FeatureExtractor
from ensemble.features.photo_batch import batches
from ensemble.imaging.overlays import contact_sheet
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.store import ModelStore
from ensemble.store.trust import trust_members
from ensemble.training import train

# %%
dataset = find_dataset(DATA, seed=SEED)
parts = {"train": dataset.train, "test": dataset.test}
pd.DataFrame({part: pd.Series([sample.label for sample in samples]).value_counts() for part, samples in parts.items()})

# %% [markdown]
# ## From photos to rows of numbers
#
# The extractor brings its own preprocessing: the size and the colours that belong to its weights. A photo goes through
# `read_photo`, the same door as in an inspection, so that a model never meets other pixels than it has learnt from.

# %%
extractor = FeatureExtractor.open(BACKBONES[0], weights=WEIGHTS, download=True)
features = {
    part: np.concatenate(
        [extractor.extract([read_photo(sample.path).picture for sample in chunk]) for chunk in batches(samples, 16)]
    )
    for part, samples in parts.items()
}
labels = {part: [dataset.classes.names.index(sample.label) for sample in samples] for part, samples in parts.items()}
print(f"{extractor.spec.name} reads {', '.join(extractor.spec.layers)}: {features['train'].shape[1]} numbers a photo.")

# %% [markdown]
# ## By hand
#
# A scaler, then three classifiers as scikit-learn and XGBoost offer them.

# %%
scaler = StandardScaler().fit(features["train"])
scaled = {part: scaler.transform(rows) for part, rows in features.items()}
classifiers = {
    "svm": SVC(C=10.0, class_weight="balanced"),
    "rf": RandomForestClassifier(n_estimators=300, class_weight="balanced", random_state=SEED),
    "xgb": XGBClassifier(n_estimators=300, max_depth=3, learning_rate=0.1, subsample=0.8, random_state=SEED),
}
for classifier in classifiers.values():
    classifier.fit(scaled["train"], labels["train"])
accuracy = {
    kind: {part: classifier.score(scaled[part], labels[part]) for part in parts}
    for kind, classifier in classifiers.items()
}
pd.DataFrame(accuracy).T.rename_axis("accuracy on").round(3)

# %% [markdown]
# The training column says little: such models fit what they have seen. The test column is what counts.
#
# Two files make a member, and their names say what it is: `KIND_BACKBONE.pkl` and `KIND_BACKBONE_scaler.pkl`. These go
# into a product of their own, `models/by_hand/`, so that nothing measured is overwritten; a product starts as the names
# of its classes.

# %%
by_hand = ModelStore(MODELS / "by_hand")
by_hand.save("by hand", dataset.classes, dataset.folders, [])
members = {f"{kind}_{extractor.spec.name}": classifier for kind, classifier in classifiers.items()}
for name, classifier in members.items():
    joblib.dump(classifier, by_hand.folder / f"{name}.pkl")
    joblib.dump(scaler, by_hand.folder / f"{name}_scaler.pkl")
pd.DataFrame({"file": entry.file, "reason": entry.reason} for entry in by_hand.quarantine())

# %% [markdown]
# All in quarantine: a pickle can run any code when it is opened, so Quorum opens only files that somebody has vouched
# for. You have just made these yourself. On the command line it is
#
# ```
# python -m ensemble trust --models models/by_hand
# ```
#
# and here:

# %%
records = trust_members(by_hand, list(members), WEIGHTS)
loaded = by_hand.load()
states = dict.fromkeys(loaded.members, "ready") | {absence.member: absence.reason for absence in loaded.absent}
pd.DataFrame(
    {"member": each.name, "state": states[each.name], "features": each.features, "pooling": each.backbone.pooling}
    for each in records
)

# %% [markdown]
# Ready: they vote. What trust cannot bring is a measured quality or a record of the photos they learnt from.

# %% [markdown]
# ## In one call
#
# `train` does the same for every backbone and also chooses the pooling on held-out folds, turns the distances of the
# SVM into probabilities, measures, and writes down what each member learnt from. On the command line:
#
# ```
# python -m ensemble train --data data --models models --members svm,rf,xgb --backbone quorum_small
# ```

# %%
outcome = train(DATA, MODELS, backbones=BACKBONES, kinds=["svm", "rf", "xgb"], weights=WEIGHTS, seed=SEED, notify=print)
print(f"{len(outcome.members)} members, trained and measured in {outcome.seconds:.0f} s.")
pd.DataFrame.from_dict(outcome.quality["members"], orient="index").round(3)

# %% [markdown]
# The policies count the votes of these members: the first is the product's default.

# %%
rates = ["accuracy", "escape_rate", "overkill_rate", "review_rate", "f1"]
pd.DataFrame.from_dict(outcome.quality["ensemble"], orient="index")[rates].round(3)

# %%
policy, confusion = next((name, quality["confusion"]) for name, quality in outcome.quality["ensemble"].items())
pd.DataFrame(confusion).T.rename_axis(f"true class, {policy}")

# %% [markdown]
# ## Where the jury disagrees
#
# The whole product votes here: the new members, and the baseline if it is there. A photo on which the votes are split
# is one to look at: a borderline part, or a label that deserves a second thought.

# %%
store = ModelStore(MODELS)
photos = [read_photo(sample.path) for sample in dataset.test]
verdicts = Inspector.open(store).inspect(photos, store.policies()[0])
votes = pd.DataFrame(
    {"photo": verdict.photo, "true class": sample.label, **{vote.member: vote.label for vote in verdict.votes}}
    for verdict, sample in zip(verdicts, dataset.test, strict=True)
)
split = votes[votes.drop(columns=["photo", "true class"]).nunique(axis=1) > 1]
print(f"The votes are split on {len(split)} of {len(votes)} test photos.")
split.head(8)

# %%
shown = [photos[position].picture for position in split.index[:8]]
Image(contact_sheet([shown], side=112)) if shown else "The jury is of one mind."

# %% [markdown]
# ## They may vote now
#
# Everything is in `models/`, and the manifest vouches for it. The dashboard notices by itself: `make run`, then
# *Models*; the sidebar offers both products.

# %%
pd.DataFrame(
    {"product": name, "member": member, "state": "ready"}
    for name, folder in store.products().items()
    for member in ModelStore(folder).load().members
)
