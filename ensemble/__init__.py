"""Quorum: several models look at one photo of a part, each casts a vote, a policy turns the votes into a verdict.

Photos go nowhere, and neither does anything about them: libraries that report by default are told not to, here, where
every process comes by before it can import one.
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
