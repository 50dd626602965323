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
# # Members that learn from good parts alone
#
# Photos of good parts are plenty, defects are rare, and the next one may look like none before. Some members therefore
# learn what good looks like, and nothing else: whatever is far from it speaks against a part, and where it is far shows
# on the photo.
#
# You will train every such member on good photos alone, see the autoencoder paint parts and fail on defects, compare
# the members' heat maps on one scale, read where the thresholds come from and what each vote weighs. The end is in
# `models/`, where the dashboard picks it up.

# %%
import os
import sys
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

DATA = Path(os.environ.get("QUORUM_DATA", PROJECT / "data"))  # train|test, one folder of photos a class
MODELS = Path(os.environ.get("QUORUM_MODELS", PROJECT / "models"))  # the product that the dashboard shows
WEIGHTS = Path(os.environ["QUORUM_WEIGHTS"]) if os.environ.get("QUORUM_WEIGHTS") else None  # a folder, if not the cache
BACKBONES = os.environ.get("QUORUM_BACKBONES", "quorum_small").split(",")  # such as resnet18
SEED = 0

# %%
import numpy as np
import pandas as pd
from IPython.display import Image
from PIL.Image import fromarray

from ensemble.datasets.loading import find_dataset
from ensemble.features.photo_batch import PhotoBatch
from ensemble.imaging.overlays import anomaly_map_picture, contact_sheet, overlay
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.members import KINDS
from ensemble.store import ModelStore
from ensemble.training import train
from ensemble.values.results import MAP_THRESHOLD, AnomalyMap

# %%
dataset = find_dataset(DATA, seed=SEED)
good, defect = dataset.classes.good, dataset.classes.defect
parts = {"train": dataset.train, "test": dataset.test}
pd.DataFrame({part: pd.Series([sample.label for sample in samples]).value_counts() for part, samples in parts.items()})

# %% [markdown]
# ## Training
#
# `train` shows each kind the photos of its lesson: these kinds are given the good parts of the training folder and
# never a defect. On the command line it is `python -m ensemble train --data data --models models --members` and the
# names below, with commas between them.

# %%
kinds = [kind for kind, make in KINDS.items() if make.lesson == "good"]
pd.DataFrame({"kind": kinds, "title": [KINDS[kind].title for kind in kinds]})

# %%
outcome = train(DATA, MODELS, backbones=BACKBONES, kinds=kinds, weights=WEIGHTS, seed=SEED, notify=print)
print(f"{len(outcome.members)} members, trained and measured in {outcome.seconds:.0f} s.")

# %% [markdown]
# ## Original, painting, error
#
# The autoencoder squeezes a photo through 64 numbers and paints it again. It has only ever painted good parts, so a
# defect is missing in the painting, and the difference points at it.
#
# Each row is one test photo: good ones first, then defective ones. From left to right: the photo as the member reads
# it, its painting, and the error, from black (as good parts have it there) to white. Grey in the middle is the level
# that a good part does not reach; that scale was fixed in training and is the same for every photo.

# %%
store = ModelStore(MODELS)
records, members = store.manifest().members, store.load().members
of_each = {label: [sample for sample in dataset.test if sample.label == label] for label in (good, defect)}
shown = [sample for samples in of_each.values() for sample in samples[:: max(1, len(samples) // 4)][:4]]
painter = members["autoencoder"]
rows = PhotoBatch([read_photo(sample.path).picture for sample in shown]).rows(painter.input)
painted, prediction = painter.reconstruct(rows), painter.score(rows)
sheet = [
    [
        fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))) for pixels in (original, copy)
    ]  # (3, h, w) -> (h, w, 3)
    + [anomaly_map_picture(AnomalyMap(anomaly_map), (painter.input.side,) * 2)]
    for original, copy, anomaly_map in zip(rows, painted, prediction.anomaly_map, strict=True)
]
Image(contact_sheet(sheet, side=96))

# %%
score = prediction.probabilities[:, dataset.classes.names.index(defect)]
pd.DataFrame(
    {
        "photo": [sample.path.name for sample in shown],
        "true class": [sample.label for sample in shown],
        "highest error in the map": prediction.anomaly_map.max(axis=(1, 2)).round(3),
        "score": score.round(3),
    }
)

# %% [markdown]
# How it learnt: the loss on the photos it learns from and on those that are held out. Where only the first goes on
# falling, it learns its photos by heart.

# %%
curves = pd.DataFrame(records["autoencoder"].training["curves"]).rename_axis("point")
curves.index += 1
curves.style.bar(axis=None, color="#b9c2c8", vmin=0, width=90).format("{:.4f}").set_uuid("curves")

# %% [markdown]
# ## Where each member looks
#
# The same test photos, one row a member that has a map: what is hot lies over the photo. Below the level that a good
# part does not reach the colour is pale, above it is strong, on every photo and for every member.

# %%
photos = [read_photo(sample.path) for sample in shown]
scores = Inspector(store.load()).score(photos)
voters = [name for name in outcome.members if next(each for each in scores[0][0] if each.member == name).anomaly_map]
heats = {
    name: [next(each for each in said if each.member == name).anomaly_map for said, _ in scores] for name in voters
}
print("Top row: the photos. Then, row by row:", ", ".join(voters))
sheet = [
    [overlay(photo.picture, anomaly_map) for photo, anomaly_map in zip(photos, heats[name], strict=True)]
    for name in voters
]
Image(contact_sheet([[photo.picture for photo in photos], *sheet], side=80))

# %%
peaks = pd.DataFrame({name: [float(anomaly_map.values.max()) for anomaly_map in heats[name]] for name in voters})
peaks.index = [sample.path.name for sample in shown]
print(f"The hottest place of each map; a good part stays below {MAP_THRESHOLD}.")
peaks.round(3)

# %% [markdown]
# ## Where the threshold comes from
#
# No defect sets it. Good parts that were held out while a member learnt say how far good parts may be; above their
# stated quantile a part counts as defective, and that distance becomes the score 0.5.

# %%
pd.DataFrame.from_dict({name: records[name].training["facts"]["held_out"] for name in outcome.members}, orient="index")

# %% [markdown]
# The scores of those held-out good parts, and of the test photos, which had no say in it: how many lie in each tenth.

# %%
by_weight = max(outcome.members, key=lambda name: records[name].weight)
test_scores = {
    label: [
        next(each for each in said if each.member == by_weight).probabilities[defect]
        for said, _ in Inspector(store.load()).score([read_photo(sample.path) for sample in samples])
    ]
    for label, samples in of_each.items()
}
print(f"{by_weight}, which has the heaviest vote:")
everyone = {"good, held out": members[by_weight].held_out_} | {f"{label}, test": s for label, s in test_scores.items()}
tenths = np.linspace(0, 1, 11)
histogram = pd.DataFrame({name: np.histogram(values, tenths)[0] for name, values in everyone.items()})
histogram.index = [f"{low:.1f} to {low + 0.1:.1f}, {'good' if low < 0.45 else 'defective'}" for low in tenths[:-1]]
histogram.style.bar(axis=0, color="#b9c2c8", vmin=0, width=90).set_uuid("histogram")

# %% [markdown]
# ## What each vote weighs
#
# A member that hardly sees defects must not outvote one that does. The weight is 2 × AUROC - 1, at least 0.1, of the
# held-out good parts against the training folder's real defects, which it has not learnt from, or, where there are
# fewer than five, against damage that is drawn onto good photos. The test photos have no say in it; the right half of
# the table is what they show.

# %%
weighed = {name: records[name].training["weighed"] | {"weight": records[name].weight} for name in outcome.members}
weights = pd.DataFrame.from_dict(weighed, orient="index")
measured = pd.DataFrame.from_dict(outcome.quality["members"], orient="index")
columns = [name for name in ("image_auroc", "pixel_auroc", "aupro", "accuracy", "escape_rate") if name in measured]
weights.join(measured[columns].astype(float).round(3))

# %% [markdown]
# ## They may vote now
#
# Everything is in `models/`: plain arrays and state dicts, with the SHA-256 of each file in the manifest.

# %%
for name in outcome.members:
    for file in records[name].files:
        print(f"{file}  {(MODELS / file).stat().st_size / 1e6:.1f} MB")

# %%
verdict = Inspector.open(store).inspect([photos[-1]], store.policies()[0])[0]
print(f"{verdict.photo}: {verdict.word}. {verdict.reason}")
pd.DataFrame([vote.as_json() for vote in verdict.votes])[["member", "label", "score", "threshold", "weight"]]

# %% [markdown]
# The dashboard notices the new files by itself: `make run`, then *Inspect*. The heat lies over the photo there, and
# each vote carries its weight.
