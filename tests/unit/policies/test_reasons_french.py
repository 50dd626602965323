"""A verdict that was judged in English is read in French by whoever reads French."""

import json

import pytest

from ensemble.policies import Policy, Stage
from ensemble.policies.reasons import headline
from ensemble.values.language import FRENCH, Message, speaking, worded
from ensemble.values.results import OK_NOK, Absence, Classes, Score, Verdict

CLOTHES = Classes(("bottomwear", "shoes", "topwear"))
MAJORITY, MEAN = Policy("MAJORITY", "majority"), Policy("BALANCED", "mean", reject=0.5)
GONE = Absence("svm_resnet18", "Its file is missing.")
UNASKED = Absence("rf_vgg16", "Not asked.", asked=False)


def judged(policy: Policy, said: tuple[float, ...], *absent: Absence, doubt: str = "") -> Verdict:
    scores = [Score(f"m{i}", {"non_defective": 1 - p, "defective": p}, 0.0) for i, p in enumerate(said)]
    return policy.decide(scores, absent, OK_NOK, doubt)


def sorted_out(policy: Policy, *said: tuple[float, float, float]) -> Verdict:
    scores = [Score(f"m{i}", dict(zip(CLOTHES.names, row, strict=True)), 0.0) for i, row in enumerate(said)]
    return policy.decide(scores, (), CLOTHES)


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (
            judged(MAJORITY, (0.9, 0.9, 0.1)),
            "2 modèles sur 3 disent NOK (m0 et m1) ; NOK à partir de la moitié. "
            "OK si le seuil de m0 était 0,91 au lieu de 0,50.",
        ),
        (
            judged(Policy("ANY", "any"), (0.9, 0.1)),
            "1 modèle sur 2 dit NOK (m0) ; NOK dès un seul. OK si le seuil de m0 était 0,91 au lieu de 0,50.",
        ),
        (
            judged(MEAN, (0.9, 0.4, 0.2)),
            "Score de défaut 0,50 ; NOK à partir de 0,50. Les plus hauts : m0 0,90, m1 0,40. "
            "OK si le seuil était 0,51 au lieu de 0,50.",
        ),
        (
            judged(Policy("W", "weighted"), (0.9, 0.1)),
            "1 modèle sur 2 dit NOK (m0), 50\u202f% du poids ; NOK à partir de 50\u202f%. "
            "OK si le seuil de m0 était 0,91 au lieu de 0,50.",
        ),
        (
            judged(Policy("EARLY", "majority", cascade=(Stage(("m0", "m1"), ok_below=0.5),)), (0.1, 0.1, 0.9)),
            "0 modèle sur 2 dit NOK, 0\u202f% ; OK en dessous de 50\u202f%. "
            "Décidé par m0 et m1 : aucun autre modèle n’était nécessaire.",
        ),
        (judged(MEAN, ()), "Aucun modèle n’a pu voter : une personne doit regarder."),
        (
            judged(MEAN, (0.2,), GONE),
            "Score de défaut 0,20 ; NOK à partir de 0,50. "
            "Sans le vote de SVM · resnet18, la réponse n’est pas sûre : une personne doit regarder.",
        ),
        (
            judged(MEAN, (0.2,), UNASKED),
            "Score de défaut 0,20 ; NOK à partir de 0,50. Sans le vote de Forêt aléatoire · vgg16, non interrogé, la "
            "réponse n’est pas sûre : une personne doit regarder.",
        ),
        (
            judged(MAJORITY, (0.1, 0.1), doubt=Message("it is almost black")),  # as verdicts of before say it
            "Cette photo ne montre peut-être pas cette pièce : elle est presque noire. "
            "D’après les seuls votes, ce serait OK.",
        ),
        (
            judged(MAJORITY, (0.9, 0.9), doubt=Message("it is blurred", todo=Message("Check focus and the lens."))),
            "Cette photo ne montre peut-être pas cette pièce : elle est floue. "
            "Vérifier la mise au point et l’objectif. D’après les seuls votes, ce serait NOK.",
        ),
        (
            judged(Policy("FIVE", "majority", quorum=3), (0.9, 0.9)),
            "2 modèles sur 2 disent NOK ; NOK à partir de la moitié. "
            "Votes exprimés : 2 sur les 3 que demande FIVE ; une personne doit regarder.",
        ),
        (
            sorted_out(MAJORITY, (0.1, 0.8, 0.1), (0.1, 0.3, 0.6)),
            "1 modèle sur 2 dit shoes, égalité ; la plus haute probabilité moyenne décide : shoes 0,55, topwear 0,35. "
            "topwear si m0 avait dit bottomwear.",
        ),
        (
            sorted_out(Policy("CAREFUL", "majority", margin=0.3), (0.1, 0.8, 0.1), (0.1, 0.3, 0.6)),
            "1 modèle sur 2 dit shoes ; sa probabilité moyenne n’est en tête que de 0,20, moins de 0,30 : "
            "une personne doit regarder.",
        ),
    ],
)
def test_reasons(verdict: Verdict, reason: str) -> None:
    stored = json.loads(json.dumps(verdict.as_json()))
    with speaking(FRENCH):
        assert worded(verdict.reason).replace("\u00a0", " ") == reason
        assert worded(Message.from_json(stored["reason_code"])).replace("\u00a0", " ") == reason
        assert verdict.as_json()["reason"] == stored["reason"] == str(verdict.reason)  # files stay English


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        (judged(MAJORITY, (0.9, 0.9, 0.1)), "2 sur 3 modèles : NOK"),
        (judged(MAJORITY, (0.1,), GONE), "Seul 1 modèle sur 2 a pu voter : une personne doit regarder."),
        (judged(MEAN, (0.9, 0.4, 0.2)), "Score de défaut 0,50 ; NOK à partir de 0,50"),
        (judged(MEAN, (), GONE), "Aucun modèle n’a pu voter."),
        (
            judged(MEAN, (0.9,), doubt=Message("it is blurred", todo=Message("Check focus and the lens."))),
            "Cette photo ne montre peut-être pas cette pièce. Vérifier la mise au point et l’objectif.",
        ),
    ],
)
def test_one_line(verdict: Verdict, line: str) -> None:
    with speaking(FRENCH):
        assert worded(headline(verdict)).replace("\u00a0", " ") == line
