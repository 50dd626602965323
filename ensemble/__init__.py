"""Visual inspection by several models that vote: the domain, which knows nothing of screens.

Its rooms in one order; a room imports only from rooms below it:

cli/         the command line, one module a subject
api/         the HTTP API
jobs/        trainings, batches and comparisons in processes of their own
training/    labelled photos become a candidate version
evaluation/  how good a product is, whether a new version is better, the model card
inspection/  photos become verdicts: the inspector, batches, replay, attribution, exports
records/     every verdict kept: the history, its reviews, a chain that shows tampering
store/       the folder of one product: manifest, trust, versions, policies
datasets/    labelled photos: collections, cleaning, splits, what training reads
importers/   folders and archives of photos, understood in any layout
members/     every kind of voter, each with its own network and files
features/    frozen backbones, what they give for a photo, and its cache
figures/     every chart
policies/    votes become a decision; thresholds are chosen
metrics/     pure functions of truth and scores
drawing/     pictures that the project draws
imaging/     bytes to upright pictures and back; masks, anomaly maps, overlays
disk/        whole files, names, locks
values/      the nouns
"""

import os

SILENT = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime reads it once, when it is imported
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "YOLO_OFFLINE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OPENVINO_TELEMETRY_OPT_OUT": "1",
}
os.environ.update(SILENT)  # children inherit it
