"""Composes a review with its true labels from a verdict."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from recipe.grammar.aspects import BANK
from recipe.grammar.lexicon import LEAD_INS, NEUTRAL
from recipe.grammar.phrase import split_slots
from recipe.grammar.review import DEPARTMENT_OF, VERDICTS, Review
from recipe.grammar.scene import Scene
from recipe.grammar.surface import as_sentence, roughen
from recipe.grammar.trades import TRADES

_JOINERS = (", but ", ", but ", ", but ", ", yet ", "; however, ", ". But ", ". However, ")
MILD_ASPECTS = ("staff", "speed", "price", "quality", "communication")
PLACE_ASPECTS = ("booking", "facilities", "atmosphere", "location", "cleanliness")
_PRICE = re.compile(
    r"\$|\b(pric|cost|fees?\b|bills?\b|billed|cheap|expensive|charg|refund|discount|money|afford"
    r"|overpriced|penny|cent\b|value|bargain|rip-off|invoice|deposit|pay\b|paid|tip\b|fare\b)",
    re.IGNORECASE,
)
_WAIT = re.compile(
    r"\b(wait|late\b|delay|slow|prompt|punctual|on time|quick|fast\b|early\b)", re.IGNORECASE
)
_NEUTRAL = tuple(split_slots(line) for line in NEUTRAL)


def _end(scene: Scene) -> str:
    return "!" if scene.rng.random() < 0.12 else "."


def _sentence(scene: Scene, clause: str) -> str:
    return as_sentence(clause, _end(scene))


def _on(scene: Scene, aspect: str) -> str:
    """A clause on ``aspect``; if it is about quality, a story of this kind of business."""
    rng = scene.rng
    if aspect == "quality" and rng.random() < 0.7:
        return scene.own_story()
    return scene.draw(aspect, "clause")


def _supporting(scene: Scene, aspect: str) -> str:
    """Like `_on`, but sometimes only a mild remark, for the clauses that do not decide."""
    if (aspect, scene.positive, "mild") in BANK and scene.rng.random() < 0.2:
        return scene.draw(aspect, "mild")
    return _on(scene, aspect)


def _fragment(scene: Scene, aspect: str) -> str:
    if aspect == "quality" and scene.rng.random() < 0.5:
        return scene.own_story("fragment")
    return scene.draw(aspect, "fragment")


def _neutral(scene: Scene) -> str:
    own = scene.trade.neutral
    if own and scene.rng.random() < 0.35:
        return as_sentence(scene.fill(split_slots(scene.rng.choice(own))))
    return as_sentence(scene.fill(scene.rng.choice(_NEUTRAL)))


def _background(scene: Scene) -> list[str]:
    """One or two sentences without polarity, never the same twice."""
    return list(dict.fromkeys(_neutral(scene) for _ in range(scene.rng.randint(1, 2))))


def _verdict(scene: Scene) -> str:
    rng = scene.rng
    kind = rng.choice(VERDICTS)
    if rng.random() < 0.3:
        return _sentence(scene, scene.draw(kind, "fragment"))
    lead = rng.choice(LEAD_INS) if kind in {"overall", "feeling"} and rng.random() < 0.3 else ""
    return _sentence(scene, lead + scene.draw(kind, "clause"))


def _contrary(scene: Scene) -> str:
    """A mild remark against the verdict."""
    fitting = MILD_ASPECTS + tuple(a for a in PLACE_ASPECTS if a in scene.trade.aspects)
    return scene.draw(scene.rng.choice(fitting), "mild", not scene.positive)


def terse(scene: Scene, aspect: str) -> list[str]:
    """One or two fragments of two to six words."""
    rng = scene.rng
    first = _fragment(scene, aspect)
    if rng.random() < 0.65:
        return [_sentence(scene, first)]
    second = _fragment(scene, rng.choice((*scene.trade.aspects, *VERDICTS)))
    if rng.random() < 0.3 and first[-1].isalpha():
        return [_sentence(scene, f"{first}, {second}")]
    return [_sentence(scene, first), _sentence(scene, second)]


def single(scene: Scene, aspect: str) -> list[str]:
    """One clause."""
    return [_sentence(scene, _on(scene, aspect))]


def stacked(scene: Scene, aspect: str) -> list[str]:
    """Several clauses of one polarity. The dominant aspect comes first and most often."""
    rng = scene.rng
    lines = [_on(scene, aspect)]
    if rng.random() < 0.4:
        lines.append(_on(scene, aspect))
    lines += [_supporting(scene, rng.choice(scene.trade.aspects)) for _ in range(rng.randint(0, 2))]
    if len(lines) > 1 and rng.random() < 0.2 and lines[0][-1].isalpha():
        lines[:2] = [f"{lines[0]} and {lines[1]}"]
    sentences = [_sentence(scene, line) for line in lines]
    return sentences + ([_verdict(scene)] if rng.random() < 0.45 else [])


def narrative(scene: Scene, aspect: str) -> list[str]:
    """Background first, then the events, then the writer's verdict."""
    rng = scene.rng
    event = scene.draw_story() if rng.random() < 0.3 else _on(scene, aspect)
    sentences = [*_background(scene), _sentence(scene, event)]
    sentences += [
        _sentence(scene, _supporting(scene, rng.choice((aspect, *scene.trade.aspects))))
        for _ in range(rng.randint(0, 3))
    ]
    return sentences + [_verdict(scene) for _ in range(rng.randint(0, 2))]


def contrast(scene: Scene, aspect: str) -> list[str]:
    """A remark against, then the clause that decides."""
    joiner = scene.rng.choice(_JOINERS)
    against = _contrary(scene)
    decisive = _on(scene, aspect)
    lead = scene.rng.choice(("", "", "", "I admit ", "sure, ", "yes, ", "granted, "))
    sentences = [_sentence(scene, lead + against + joiner + decisive)]
    return sentences + ([_verdict(scene)] if scene.rng.random() < 0.5 else [])


def concession(scene: Scene, aspect: str) -> list[str]:
    """``Although`` a remark against, the clause that decides, and a verdict."""
    lead = scene.rng.choice(("although ", "even though ", "while ", "though "))
    first = f"{lead}{_contrary(scene)}, {_on(scene, aspect)}"
    return [_sentence(scene, first), _verdict(scene)]


def verdict_last(scene: Scene, aspect: str) -> list[str]:
    """Both sides in separate sentences, then an explicit verdict."""
    own, against = _on(scene, aspect), _contrary(scene)
    pair = [own, against] if scene.rng.random() < 0.5 else [against, own]
    last = scene.rng.choice(LEAD_INS) + scene.draw("overall", "clause")
    return [_sentence(scene, line) for line in (*pair, last)]


def verdict_only(scene: Scene, aspect: str) -> list[str]:
    """Nothing but a verdict, sometimes two."""
    return [_verdict(scene) for _ in range(scene.rng.choice((1, 1, 2)))]


def special(scene: Scene, aspect: str) -> list[str]:
    """Whole hand-written remarks: irony, requests, comparisons."""
    line = _sentence(scene, scene.draw("special", "clause"))
    return [line, _sentence(scene, _on(scene, aspect))] if scene.rng.random() < 0.4 else [line]


Shape = Callable[[Scene, str], list[str]]
_SHAPES: tuple[tuple[Shape, int], ...] = (
    (terse, 28),
    (single, 13),
    (stacked, 19),
    (narrative, 14),
    (contrast, 8),
    (concession, 4),
    (verdict_last, 4),
    (verdict_only, 4),
    (special, 6),
)
_SHAPE_CHOICES = tuple(shape for shape, _ in _SHAPES)
_SHAPE_WEIGHTS = tuple(weight for _, weight in _SHAPES)


def _stars(scene: Scene) -> int:
    if scene.mixed:
        return scene.rng.choice((3, 4, 4) if scene.positive else (3, 2, 2))
    if scene.positive:
        return 5 if scene.rng.random() < 0.75 else 4
    return 1 if scene.rng.random() < 0.7 else 2


def _dominant(scene: Scene, planned: str) -> str:
    """The planned aspect if a clause of the verdict's polarity is about it, else the first such."""
    own = [a for a, agrees in scene.said if agrees and a in DEPARTMENT_OF and a != "overall"]
    return planned if planned in own else next(iter(own), "overall")


def _names_staff(scene: Scene, text: str) -> bool:
    people = (*scene.trade.words["role"], *scene.people_named)
    return any(person in text for person in people)


def _label(scene: Scene, planned: str, clean: str, text: str) -> Review:
    said = {aspect for aspect, _ in scene.said}
    topics = tuple(dict.fromkeys(a for a, _ in scene.said if a in DEPARTMENT_OF))
    aspect = _dominant(scene, planned)
    return Review(
        text=text,
        positive=scene.positive,
        business=scene.trade.name,
        aspect=aspect,
        aspects=topics or ("overall",),
        department=DEPARTMENT_OF[aspect],
        stars=_stars(scene),
        has_question="?" in text,
        mixed=scene.mixed,
        recommends=scene.positive and "recommend" in said,
        warns=not scene.positive and "recommend" in said,
        would_return=scene.positive and "return" in said,
        mentions_price="price" in said or bool(_PRICE.search(clean)),
        mentions_staff=bool(said & {"staff", "care"}) or _names_staff(scene, clean),
        mentions_wait="speed" in said or bool(_WAIT.search(clean)),
    )


def sample_review(rng: random.Random) -> Review:
    """Draw one review; the same state of ``rng`` gives the same review."""
    trade = rng.choice(TRADES)
    scene = Scene(trade, rng.random() < 0.5, rng)
    aspect = rng.choice(trade.aspects)
    shape = rng.choices(_SHAPE_CHOICES, _SHAPE_WEIGHTS)[0]
    clean = " ".join(shape(scene, aspect))
    return _label(scene, aspect, clean, roughen(clean, rng))
