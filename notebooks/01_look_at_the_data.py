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
# # Look at the data first
#
# Most of the quality of a model is in its photos: in what they show, in what somebody called it, and in whether the
# photos that measure are really others than those that teach.
#
# You will bring a folder of photos into a *collection*, see what was understood of it before anything is copied, look
# at pictures of each class and at whatever is odd, decide and take a decision back, and deal the photos out into
# splits. The end is a collection in `data/collections/`, which the *Data* screen shows and every training reads.

# %%
import os
import sys
import tempfile
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

DATA = Path(os.environ.get("QUORUM_DATA", PROJECT / "data"))  # any folder of photos, or a zip of one
COLLECTIONS = Path(os.environ.get("QUORUM_COLLECTIONS", PROJECT / "data" / "collections"))
NAME = "sample"
AUTHOR = "Notebook 01"
SEED = 0

# %%
import pandas as pd
from IPython.display import Image

from ensemble.datasets.cleaning import FINDING_KINDS
from ensemble.datasets.collection import Collection, collections, counts
from ensemble.datasets.loading import find_dataset
from ensemble.datasets.workbench import bring_into, look_through, opened, preview_source, split_anew, taking_part, torn
from ensemble.imaging.overlays import contact_sheet
from ensemble.imaging.photos import read_photo

# %% [markdown]
# ## What is understood, before anything is copied
#
# Quorum knows many layouts: one folder a class, OK and NOK, MVTec AD, VisA, masks beside photos, a table of labels,
# metadata beside each photo. It says which one it sees, what it takes each folder for, and which files cannot enter.
# On the command line it is `python -m ensemble data preview data`.

# %%
incoming = Path(tempfile.gettempdir())  # zips are laid out there while they are looked at
seen = preview_source(DATA, incoming)
print(f"{seen.layout}: {seen.photos()} photos, {seen.masks} masks, {seen.parts or 'no'} parts named.")
print("Taken as", ", ".join(f"{kind} = {label or 'left out'}" for kind, label in seen.meaning.items()))
for note in seen.notes:
    print(note)
for problem in seen.problems[:10]:
    print(problem.reason)
print(f"{len(seen.problems)} files cannot enter.")

# %%
understood = pd.Series(dict(seen.counts), name="photos")
understood.index = pd.MultiIndex.from_tuples(understood.index, names=["folder", "split"])
understood.unstack(fill_value=0)

# %% [markdown]
# ## Into a collection
#
# Photos are kept by their content: the same photo never comes in twice, whatever its name, and nothing that happens to
# the folder later changes the collection. On the command line:
#
# ```
# python -m ensemble data import data --collection sample
# ```

# %%
known = collections(COLLECTIONS)
collection = Collection(known[NAME]) if NAME in known else Collection.create(COLLECTIONS, NAME)
with opened(DATA, incoming) as found:
    added = bring_into(found, collection, origin=DATA.name, author=AUTHOR)
print(f"{added.added} photos came in, {len(added.known)} were there already, {len(added.refused)} could not.")
for problem in (*added.refused, *added.known)[:5]:
    print(problem.reason)

# %%
with opened(DATA, incoming) as found:
    again = bring_into(found, collection, origin=DATA.name, author=AUTHOR)
print(f"Once more: {again.added} photos came in, {len(again.known)} were there already.")

# %%
photos = taking_part(collection.photos())
pd.DataFrame(counts(photos)).rename_axis("class")

# %% [markdown]
# ## Pictures of each class
#
# Look at them before any number does. Each row is one class, in the order of the table above. Would you have put them
# there? Is there anything that tells the classes apart and has nothing to do with the part: the light, the background,
# a finger?

# %%
of_class = {label: [photo for photo in photos if photo.label == label] for label in collection.classes().names}
spread = [kept[:: max(1, len(kept) // 8)][:8] for kept in of_class.values()]
Image(contact_sheet([[read_photo(photo.path).picture for photo in kept] for kept in spread], side=112))

# %%
pd.DataFrame(
    [
        {"class": photo.label, "width": photo.width, "height": photo.height, "kB": photo.path.stat().st_size / 1000}
        for photo in photos
    ]
).groupby("class").agg(["min", "median", "max"]).round(1)

# %% [markdown]
# ## What is odd
#
# Dark, light, blurred or empty photos, odd sizes, exact and near copies, copies across train and test, and labels that
# a model doubts which has not learnt from the photo. Nothing is changed here: a person decides. On the command line it
# is `python -m ensemble data clean data/collections/sample`.

# %%
odd = look_through(collection, seed=SEED)
kinds = pd.Series([finding.kind for finding in odd], dtype=str).value_counts()
pd.DataFrame(
    [
        {"what": FINDING_KINDS[kind].title, "photos": number, "what to do": FINDING_KINDS[kind].advice}
        for kind, number in kinds.items()
    ],
    columns=["what", "photos", "what to do"],
)

# %% [markdown]
# The first of each kind, so that none drowns the others.

# %%
by_digest = {photo.sha256: photo for photo in photos}
first_of = [finding for finding in odd if finding in [each for each in odd if each.kind == finding.kind][:3]][:8]
for finding in first_of:
    print(f"{Path(by_digest[finding.sha256].name).name}: {finding.sentence}")
print("" if first_of else "Nothing is odd about these photos.")

# %%
shown = [by_digest[finding.sha256] for finding in first_of] or photos[:4]
Image(contact_sheet([[read_photo(photo.path).picture for photo in shown]], side=112))

# %% [markdown]
# ## Decide, and take it back
#
# A photo can be kept, moved to another split, given another class or left out. Every decision is written at once with
# its author and its reason, and each can be taken back as long as no later one rests on it. Here the first photo above
# is left out, and comes back.

# %%
collection.decide("drop", [shown[0].sha256], reason="To show that it can be taken back.", author=AUTHOR)
print(f"{len(taking_part(collection.photos()))} photos take part.")
back = collection.undo()
print(f"Taken back: {back.sentence()} {len(taking_part(collection.photos()))} photos take part.")

# %% [markdown]
# What has been looked at and may stay is kept; nobody is asked about it again. Whoever looks at real photos decides
# one by one, in the gallery of the *Data* screen: a doubtful label is often right and merely hard.

# %%
collection.keep(odd, reason="Looked at: hard, but right.", author=AUTHOR)
print(f"{len(collection.findings())} things are still open.")

# %% [markdown]
# ## Splits
#
# Three splits: members learn from *train*, cuts and probabilities rest on *calibration*, and *test* only measures.
# Photos of one part stay together, and so do copies; class, product and type of defect are alike in all three.

# %%
print(f"{len(torn(collection))} groups of photos that belong together lie in different splits so far.")
split_anew(collection, seed=SEED, author=AUTHOR)
print(f"{len(torn(collection))} do so now.")
pd.DataFrame(counts(collection.photos())).rename_axis("class")

# %%
pd.DataFrame(
    {"number": made.number, "decision": made.sentence(), "reason": made.reason, "taken back": made.undone}
    for made in collection.decisions()
)

# %% [markdown]
# ## Ready for training
#
# The collection is a data folder like any other, for every command, notebook and screen:
#
# ```
# python -m ensemble train --data data/collections/sample --models models/sample
# QUORUM_DATA=data/collections/sample jupyter lab notebooks/02_baseline_cnn.ipynb
# ```

# %%
dataset = find_dataset(collection.folder)
splits = {"to learn from": dataset.train, "to choose cuts on": dataset.calibration, "to measure": dataset.test}
print(", ".join(f"{len(samples)} photos {purpose}" for purpose, samples in splits.items()))
for file in sorted(collection.folder.iterdir()):
    print(file.relative_to(COLLECTIONS))
