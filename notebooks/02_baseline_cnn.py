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
# # The baseline CNN, from photos to a vote
#
# The baseline is the plainest member of the jury: a small convolutional network that has never seen anything but this
# product's own photos. It shows what the photos alone can teach, and every other member has to be better than this.
#
# You will look at the photos, train the network, read its learning curves, see which photos fool it, and find it in
# `models/`, where the dashboard picks it up.

# %%
import os
import sys
from pathlib import Path

PROJECT = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "ensemble").is_dir())
sys.path.insert(0, str(PROJECT))

DATA = Path(os.environ.get("QUORUM_DATA", PROJECT / "data"))  # train|test, one folder of photos a class
MODELS = Path(os.environ.get("QUORUM_MODELS", PROJECT / "models"))  # the product that the dashboard shows
SEED = 0

# %%
import numpy as np
import pandas as pd
from IPython.display import Image

from ensemble.datasets.loading import check_training_data, find_dataset
from ensemble.features.readings import read_rows
from ensemble.imaging.overlays import contact_sheet
from ensemble.imaging.photos import read_photo
from ensemble.inspection.inspector import Inspector
from ensemble.store import ModelStore
from ensemble.training import train

# %% [markdown]
# ## The photos
#
# One folder a class, in `train/` to learn from and in `test/` to measure on. `check` says aloud what would spoil the
# result: a class without photos, or the same photo in both parts.

# %%
dataset = find_dataset(DATA, seed=SEED)
for note in (*dataset.notes, *check_training_data(dataset, DATA)):
    print(note)
parts = {"train": dataset.train, "test": dataset.test}
pd.DataFrame({part: pd.Series([sample.label for sample in samples]).value_counts() for part, samples in parts.items()})

# %% [markdown]
# Each row below is one class, in the order of the table.

# %%
by_class = [[each.path for each in dataset.train if each.label == name] for name in dataset.classes.names]
spread = [paths[:: max(1, len(paths) // 8)][:8] for paths in by_class]
Image(contact_sheet([[read_photo(path).picture for path in paths] for paths in spread], side=112))

# %% [markdown]
# ## Training
#
# One call reads every photo through the same door as an inspection does, learns, measures on the test part and saves.
# Nothing is saved before all is learnt. The command line does the same:
#
# ```
# python -m ensemble train --data data --models models --members baseline_cnn
# ```

# %%
outcome = train(DATA, MODELS, kinds=["baseline_cnn"], seed=SEED, notify=print)
print(f"Trained and measured in {outcome.seconds:.0f} s.")

# %% [markdown]
# ## Did it learn, or did it learn by heart?
#
# A tenth of the training photos is held out, for this curve alone. Where the training loss keeps falling while the
# held-out loss rises, the network learns its photos by heart. The network of the last epoch is the one that is kept.

# %%
store = ModelStore(MODELS)
record = store.manifest().members["baseline_cnn"]
curves = pd.DataFrame(record.training["curves"]).rename_axis("epoch")
curves.index += 1
print(f"{len(curves)} epochs, held-out loss {curves.held_out_loss.iloc[-1]:.3f} at the end.")
shown = curves.iloc[:: -(-len(curves) // 20)]
shown.style.bar(axis=None, color="#b9c2c8", vmin=0, width=90).format("{:.3f}").set_uuid("curves")

# %% [markdown]
# ## How good is it?
#
# On the test photos, which it has never seen. An *escape* is a defective part that passes; *overkill* is a good part
# that is rejected. Next to the figures stands what they rest on: which class (row) was called what (column).

# %%
pd.DataFrame.from_dict(outcome.quality["members"], orient="index").round(3)

# %%
pd.DataFrame(outcome.quality["ensemble"]["MAJORITY"]["confusion"]).T.rename_axis("true class")

# %% [markdown]
# ## What fools it?
#
# The eight test photos to whose true class it gives the least probability, the worst first.

# %%
member = store.load().members["baseline_cnn"]
measured = read_rows(dataset.test, [member.input], dataset.classes)
right = member.score(measured.inputs[member.input]).probabilities[np.arange(len(measured.labels)), measured.labels]
worst = [dataset.test[position] for position in right.argsort()[:8]]
pd.DataFrame({"photo": [each.path.name for each in worst], "true class": [each.label for each in worst]}).assign(
    probability=np.sort(right)[:8].round(3)
)

# %%
Image(contact_sheet([[read_photo(sample.path).picture for sample in worst]], side=112))

# %% [markdown]
# ## It may vote now
#
# `baseline_cnn.pth` is a plain state dict. The manifest beside it pins its SHA-256, what it was trained on and the
# figures above; a file that differs by one byte is not opened any more.

# %%
for file, digest in record.files.items():
    print(f"{file}  SHA-256 {digest}")
print("Learnt from", ", ".join(f"{count} {name}" for name, count in record.training["photos"].items()))

# %%
verdict = Inspector.open(store).inspect([read_photo(worst[0].path)], store.policies()[0])[0]
print(f"{verdict.photo}: {verdict.word}. {verdict.reason}")
pd.DataFrame([vote.as_json() for vote in verdict.votes])[["member", "label", "score", "threshold"]]

# %% [markdown]
# The dashboard notices the new file by itself: `make run`, then *Models*. Members that read a pretrained backbone come
# next, in `03_backbones_and_classical_models`.
