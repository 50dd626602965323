"""Trains and prints how often each file of the photos was opened: `forked_reading PHOTOS MODELS WEIGHTS`.

What listens to a process stays in it, so that it is one of its own.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ensemble.training import run
from ensemble.values.training import TrainingRequest


def main(folder: str, models: str, weights: str) -> None:
    """Train on the photos, and tell."""
    opened = Counter[str]()

    def count(event: str, arguments: Any) -> None:
        if event == "open" and isinstance(arguments[0], str | os.PathLike) and str(arguments[0]).startswith(folder):
            opened[str(arguments[0])] += 1

    sys.addaudithook(count)
    how: dict[str, Any] = {"backbones": ("squeezenet1_1",), "weights": Path(weights), "pooling": "average", "side": 64}
    run(TrainingRequest.of(Path(folder), Path(models), kinds=("svm", "mahalanobis"), augment="none", **how))
    print(json.dumps({path: times for path, times in opened.items() if Path(path).is_file()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
