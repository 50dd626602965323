"""The command line: the fixed commands, what they write, and how they fail."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from ensemble.cli.main import commands
from ensemble.cli.terminal import OnceCommand, OnceGroup
from tests.conftest import TINY_BACKBONE, Run
from tests.support.bad_photos import BAD, ODD

VERDICT_KEYS = {"photo", "sha256", "verdict", "confidence", "policy", "reason", "votes", "seconds", "demo"}
VOTE_KEYS = {"member", "label", "score", "threshold", "seconds"}
pytestmark = [pytest.mark.slow(30), pytest.mark.filterwarnings("ignore::UserWarning:PIL")]


def test_sample_train_evaluate_inspect(run: Run, tmp_path: Path, tiny_weights: Path) -> None:
    data, models = tmp_path / "data", tmp_path / "models"
    assert run("sample", data, "--photos", 32, "--seed", 5)[0] == 0
    assert len(list((data / "train").rglob("*.jpg"))) + len(list((data / "test").rglob("*.jpg"))) == 32
    members = ("--members", "svm", "--members", "xgb", "--backbone", TINY_BACKBONE, "--weights", tiny_weights)
    code, _, said = run("train", "--data", data, "--models", models, *members, "--pooling", "average")
    assert code == 0 and f"svm_{TINY_BACKBONE}" in said and "MAJORITY (policy)" in said and "2 members are in" in said

    code, _, said = run("evaluate", "--data", data, "--models", models, "--json", tmp_path / "quality.json")
    quality = json.loads((tmp_path / "quality.json").read_text())
    assert code == 0 and set(quality["members"]) == {f"svm_{TINY_BACKBONE}", f"xgb_{TINY_BACKBONE}"}
    assert quality["classes"] == ["non_defective", "defective"]
    assert quality["photos"] == len(list((data / "test").rglob("*.jpg")))
    for entry in quality["members"].values():
        assert {"accuracy", "auroc", "escape_rate", "overkill_rate", "f1"} <= set(entry)
    for entry in quality["ensemble"].values():
        assert {"accuracy", "escape_rate", "overkill_rate", "review_rate", "f1", "confusion"} <= set(entry)
    trained = json.loads((models / "manifest.json").read_text())["members"]
    for name, record in trained.items():
        steady = {key: value for key, value in record["metrics"].items() if not key.startswith("seconds")}
        assert steady["photos"] == quality["photos"] and steady.items() <= quality["members"][name].items()

    photos = sorted((data / "test").rglob("*.jpg"))[:3]
    code, out, _ = run("inspect", *photos, "--models", models, "--policy", "ANY", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [line["photo"] for line in lines] == [str(photo) for photo in photos]
    for line in lines:
        assert set(line) >= VERDICT_KEYS and line["policy"] == "ANY" and line["demo"] is False
        assert len(line["votes"]) == 2 and all(set(vote) >= VOTE_KEYS for vote in line["votes"])


def test_three_classes(run: Run, tmp_path: Path, tiny_weights: Path, tiny_data: Path) -> None:
    photos = sorted((tiny_data / "train").rglob("*.jpg")) + sorted((tiny_data / "test").rglob("*.jpg"))
    for number, photo in enumerate(photos[:36]):
        part = "test" if number % 9 < 3 else "train"
        folder = tmp_path / "data" / part / ("shoes", "topwear", "bottomwear")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / photo.name).write_bytes(photo.read_bytes())
    options = ("--members", "svm,rf", "--backbone", TINY_BACKBONE, "--weights", tiny_weights, "--pooling", "average")
    assert run("train", "--data", tmp_path / "data", "--models", tmp_path / "m", *options)[0] == 0
    assert (
        run("evaluate", "--data", tmp_path / "data", "--models", tmp_path / "m", "--json", tmp_path / "q.json")[0] == 0
    )
    quality = json.loads((tmp_path / "q.json").read_text())
    assert quality["classes"] == ["bottomwear", "shoes", "topwear"] and list(quality["ensemble"]) == [
        "MAJORITY",
        "FUSED",
        "BALANCED",
        "INDUSTRIAL_BALANCED",
    ]
    member, vote = quality["members"][f"svm_{TINY_BACKBONE}"], quality["ensemble"]["MAJORITY"]
    assert member["auroc"] is None and vote["escape_rate"] is None and vote["overkill_rate"] is None
    assert set(vote["confusion"]) == {"bottomwear", "shoes", "topwear"}
    code, out, _ = run("inspect", photos[0], "--models", tmp_path / "m", "--json")
    line = json.loads(out)
    assert code == 0 and line["verdict"] in {"bottomwear", "shoes", "topwear", "review"}
    assert {vote["threshold"] for vote in line["votes"]} == {None}


def test_refused_photos_are_named_and_the_others_still_run(run: Run, tmp_path: Path, tiny_product: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    refused, accepted = {}, []
    for name in ("empty", "cut_jpeg", "svg_as_png", "heic_as_jpg", "huge_png", "too_low", "animated_gif"):
        bad = BAD[name]()
        path = folder / f"bad_{name}.jpg"
        path.write_bytes(bad.data)
        refused[str(path)] = bad.says
    for name in ("jpeg", "cmyk_jpeg", "grey_16_bit_png", "alpha_png", "orientation_6_jpeg"):
        accepted.append(folder / f"odd_{name}.png")
        accepted[-1].write_bytes(ODD[name]().data)
    code, out, _ = run("inspect", *refused, *accepted, folder, folder / "gone.jpg", "--models", tiny_product, "--json")
    lines = {line["photo"]: line for line in map(json.loads, out.splitlines())}
    assert code == 1 and len(lines) == len(refused) + len(accepted) + 2
    for photo, says in refused.items():
        assert set(lines[photo]) == {"photo", "error"} and says in lines[photo]["error"].lower()
    assert all("verdict" in lines[str(photo)] for photo in accepted)
    assert "folder" in lines[str(folder)]["error"] and set(lines[str(folder / "gone.jpg")]) == {"photo", "error"}


def test_demo_says_so(run: Run, tmp_path: Path, tiny_data: Path) -> None:
    photo = next((tiny_data / "test").rglob("*.jpg"))
    code, out, _ = run("inspect", photo, "--models", tmp_path, "--demo", "--json")
    again = run("inspect", photo, "--models", tmp_path, "--demo", "--json")[1]
    line, twin = json.loads(out), json.loads(again)
    assert code == 0 and line["demo"] is True
    assert [vote["score"] for vote in line["votes"]] == [vote["score"] for vote in twin["votes"]]
    assert run("inspect", photo, "--models", tmp_path, "--demo")[1].rstrip().endswith("DEMO")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("inspect", "a.jpg", "--models", "{empty}"), "manifest.json is missing. Train one, or use demo mode"),
        (("inspect", "a.jpg", "--models", "{product}", "--policy", "LUCKY"), "No policy is called 'LUCKY'"),
        (("train", "--data", "{empty}/gone", "--models", "{empty}"), "does not exist"),
        (
            ("train", "--data", "{data}", "--models", "{empty}", "--members", "oracle"),
            "No member kind is called 'oracle'",
        ),
        (("train", "--data", "{data}", "--models", "{empty}", "--backbone", "lenet"), "No backbone is called 'lenet'"),
        (("train", "--data", "{data}", "--models", "{empty}", "--classes", "x"), "--classes names at least two"),
        (("train", "--data", "{data}", "--models", "{empty}", "--pooling", "max"), "Pooling must be one of"),
        (("evaluate", "--data", "{empty}", "--models", "{product}"), "is not laid out in any way that is known"),
        (("trust", "svm_nothing", "--models", "{product}"), "svm_nothing.pkl is missing"),
        (("trust", "--models", "{empty}/[/gone]"), "[/gone] does not exist"),
        (("sample", "{data}", "--photos", "20"), "A sample needs a folder without photos"),
    ],
)
def test_errors_are_one_sentence_and_exit_code_2(
    run: Run, tmp_path: Path, tiny_product: Path, tiny_data: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    places = {"empty": tmp_path, "product": tiny_product, "data": tiny_data}
    code, out, said = run(*(argument.format(**places) for argument in arguments))
    assert code == 2 and sentence in said and "Traceback" not in said + out
    assert list(tmp_path.iterdir()) == []


TWICE = {
    "inspect a.jpg --policy A --policy B": "--policy is given 2 times. Give it once.",
    "inspect --policy=A a.jpg --models x --policy A --policy=": "--policy is given 3 times. Give it once.",
    "train --data a --data b": "--data is given 2 times. Give it once.",
    "train --data a --seed 1 --seed 1 --members svm --members rf": "--seed is given 2 times. Give it once.",
    "data clean a --labels --no-labels": "--labels is given 2 times. Give it once.",
    "data import a --collection b --collection c": "--collection is given 2 times. Give it once.",
    "mvtec table a --output b --output c": "--output is given 2 times. Give it once.",
    "versions --models a --models b": "--models is given 2 times. Give it once.",
    "versions publish 1 --author a --author b": "--author is given 2 times. Give it once.",
}


@pytest.mark.parametrize(("line", "sentence"), TWICE.items())
def test_an_option_of_one_value_is_given_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*line.split()) == (2, "", sentence)


def test_every_command_takes_an_option_of_one_value_once() -> None:
    def kinds(command: TyperCommand | TyperGroup) -> list[TyperCommand | TyperGroup]:
        inner = getattr(command, "commands", {}).values()
        return [command, *(found for each in inner for found in kinds(each))]

    found = kinds(typer.main.get_command(commands))
    assert len(found) > 15 and {type(each) for each in found} == {OnceCommand, OnceGroup}


def test_an_option_that_may_be_repeated_and_an_argument_like_one_are_taken(run: Run, tmp_path: Path) -> None:
    train = ("train", "--data", tmp_path, "--models", tmp_path, "--backbone", "a", "--backbone", "b")
    assert "Give it once" not in run(*train)[2]
    assert "Give it once" not in run("inspect", "--models", tmp_path, "--", "--json", "--json")[2]


def test_trust_with_nothing_to_do(run: Run, tiny_product: Path) -> None:
    code, _, said = run("trust", "--models", tiny_product)
    assert code == 0 and said == "There is no new pair of model files to trust."


def test_a_pair_that_is_refused_does_not_hold_up_the_others(run: Run, tiny_product: Path, tmp_path: Path) -> None:
    models = Path(shutil.copytree(tiny_product, tmp_path / "models"))
    manifest = json.loads((models / "manifest.json").read_text())
    del manifest["members"][f"svm_{TINY_BACKBONE}"]
    (models / "manifest.json").write_text(json.dumps(manifest))
    (models / "rf_lenet.pkl").write_bytes(b"nonsense")
    (models / "rf_lenet_scaler.pkl").write_bytes(b"nonsense")
    code, _, said = run("trust", "--models", models)
    assert code == 2 and f"Trusted svm_{TINY_BACKBONE}.pkl" in said and "No backbone is called 'lenet'" in said
    assert f"svm_{TINY_BACKBONE}" in json.loads((models / "manifest.json").read_text())["members"]


def test_training_for_other_classes_says_what_it_replaces(
    run: Run, tiny_product: Path, tiny_data: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    models = Path(shutil.copytree(tiny_product, tmp_path / "models"))
    options = ("--members", "svm", "--backbone", TINY_BACKBONE, "--weights", tiny_weights, "--pooling", "average")
    code, _, said = run(
        "train", "--data", tiny_data, "--models", models, "--classes", "non_defective=fine,defective=odd", *options
    )
    assert code == 0 and "models for OK, NOK: this training replaces them" in said
    (models / "manifest.json").write_text("{")
    code, _, said = run("train", "--data", tiny_data, "--models", models, *options)
    assert code == 2 and "cannot be read" in said and (models / "manifest.json").read_text() == "{"
