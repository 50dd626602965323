"""PatchCore as anomalib has it, for `benchmarks.patch_memory`; runs in an environment of its own, without Quorum.

    python3.11 -m venv /tmp/anomalib && /tmp/anomalib/bin/pip install anomalib==2.7.0 torch==2.13.0 torchvision==0.28.0

It is told on its input, in one line of JSON, which photos it learns from and which it scores, and answers with the
scores. Each further line holds places in the list of scored photos: it scores these one by one and answers when it has.
"""

import importlib
import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor


def declare_operators() -> None:
    """A torchvision that was compiled for another torch lacks two operators, of which PatchCore needs none."""
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    globals()["library"] = library  # what it declares ends with it


def read(path: str) -> Tensor:
    """A photo as anomalib gives it to its preprocessing: (3, height, width) in [0, 1]."""
    from torchvision.transforms.v2.functional import to_dtype, to_image

    photo: Tensor = to_dtype(to_image(Image.open(path).convert("RGB")), torch.float32, scale=True)
    return photo


def model_of(asked: dict[str, Any]) -> Any:
    """PatchCore on the named backbone with the weights of a file."""
    from safetensors.torch import load_file

    core = importlib.import_module("anomalib.models.image.patchcore.torch_model")
    model = core.PatchcoreModel(layers=asked["layers"], backbone=asked["backbone"], pre_trained=False)
    network = model.feature_extractor.feature_extractor
    missing = network.load_state_dict(load_file(asked["weights"]), strict=False).missing_keys
    needed = [name for name in missing if not name.startswith(("layer4", "fc"))]
    if needed:
        raise SystemExit(f"{asked['weights']} lacks {', '.join(needed[:3])}.")
    return model


def main() -> None:
    """Learn, score, and score again as often as asked."""
    asked = json.loads(sys.stdin.readline())
    torch.set_num_threads(asked["threads"])
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        declare_operators()
    said, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    patchcore = importlib.import_module("anomalib.models.image.patchcore.lightning_model").Patchcore
    prepare = patchcore.configure_pre_processor((asked["side"], asked["side"])).transform
    torch.manual_seed(0)
    model = model_of(asked).train()
    with torch.inference_mode():
        for path in asked["train"]:
            model(prepare(read(path)[None]))
        model.subsample_embedding(asked["places"] / sum(map(len, model.embedding_store)) + 1e-9)
        model.eval()
        photos = [read(path) for path in asked["test"]]
        scores = [float(model(prepare(photo[None])).pred_score) for photo in photos]
        version = metadata.version("anomalib")
        print(
            json.dumps({"version": version, "places": len(model.memory_bank), "scores": scores}), file=said, flush=True
        )
        for line in sys.stdin:
            for place in json.loads(line):
                model(prepare(photos[place][None]))
            print("{}", file=said, flush=True)


if __name__ == "__main__":
    sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]
    main()
