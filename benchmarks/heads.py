"""How long the classical models take for what a backbone gives, asked as they are and in their faster forms.

    python -m benchmarks.heads

Timing and agreement only: they learn from drawn features. Both sides are asked in turn, block by block, in one process.
"""

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
import psutil
import typer

from ensemble.features.preprocessing import Preprocessing
from ensemble.inspection.inspector import hold_blas_to_one_thread
from ensemble.members.classical import ClassicalMember, ForestMember, SupportVectorMember, XGBoostMember
from ensemble.values.results import OK_NOK, Classes

HEADS: tuple[type[ClassicalMember], ...] = (SupportVectorMember, ForestMember, XGBoostMember)
SHIFT = 0.15  # of one class against another, in deviations: hard to tell apart, so that an SVM keeps nearly all rows
NO_PICTURE = Preprocessing(side=8)  # features are drawn, not read


def drawn_features(photos: int, features: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, D) and classes (N,)."""
    labels = np.arange(photos) % classes
    directions = np.random.default_rng(0).normal(size=(classes, features))
    rows = np.random.default_rng(seed).normal(size=(photos, features)) + SHIFT * directions[labels]
    return rows.astype(np.float32), labels


def block_ms(ask: Callable[[], Any], at_least: float = 0.05) -> float:
    """Milliseconds a call over a block of some length."""
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < at_least or not calls:
        ask()
        calls += 1
    return 1000 * elapsed / calls


def measure_head(kind: type[ClassicalMember], classes: Classes, photos: int, features: int, rounds: int) -> Any:
    """Milliseconds of both ways for one photo and for 16, and how far their probabilities lie apart at most."""
    member = kind(classes=classes, input=NO_PICTURE)
    member.fit(*drawn_features(photos, features, len(classes.names), 1))
    asked, _ = drawn_features(64, features, len(classes.names), 2)

    def plain(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = member.classifier_.predict_proba(member.scaler_.transform(rows))[:, member.columns_]
        return found

    apart = np.abs(plain(asked) - member.score(asked).probabilities)
    found: dict[str, Any] = {"apart": float(f"{apart.max():.1e}")}
    for count in (1, 16):
        rows = asked[:count]
        pairs = [(block_ms(partial(plain, rows)), block_ms(partial(member.score, rows))) for _ in range(rounds)]
        slow, fast = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(before / after for before, after in pairs)
        found[f"photos_{count}"] = {"plain_ms": round(slow, 3), "ms": round(fast, 3), "ratio": round(ratio, 1)}
    return found


def measure(quick: bool = False) -> dict[str, Any]:
    """The same on few photos where it only has to run."""
    return measure_heads(photos=40, features=16, rounds=1) if quick else measure_heads()


def measure_heads(photos: int = 400, features: int = 384, rounds: int = 5) -> dict[str, Any]:
    """Each kind of head for two and for three classes."""
    hold_blas_to_one_thread()
    result: dict[str, Any] = {"photos": photos, "features": features}
    for classes in (OK_NOK, Classes(("bottomwear", "shoes", "topwear"))):
        result[f"classes_{len(classes.names)}"] = {
            kind.kind: measure_head(kind, classes, photos, features, rounds) for kind in HEADS
        }
    return result | {"load": round(psutil.getloadavg()[0], 1)}


def main(
    photos: Annotated[int, typer.Option(help="Photos that they learn from.")] = 400,
    features: Annotated[int, typer.Option(help="Numbers that a backbone gives for a photo.")] = 384,
    rounds: Annotated[int, typer.Option(help="Pairs of blocks.")] = 5,
) -> None:
    """Print both ways' milliseconds as JSON; exit code 1 where they differ by more than a millionth."""
    result = measure_heads(photos, features, rounds)
    typer.echo(json.dumps(result, indent=2))
    kinds = [head for name in ("classes_2", "classes_3") for head in result[name].values()]
    if any(head["apart"] > 1e-6 for head in kinds):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
