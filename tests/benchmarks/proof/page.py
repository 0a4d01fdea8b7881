"""The page of a proof: docs/explanation/proof.md and its plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith.evaluation.comparison import format_p
from tunesmith.report import formatting as words

from . import errors_left
from .steps import EMBEDDINGS, INIT, TITLES, TUNED

ASKED = {"zero_shot", "zero_shot_chat", "zero_shot_chosen"}
"""Steps in which the untuned model decides without examples."""

_INTRO = """\
# Proof: a real model on public data

`make proof` writes this page. Do not edit it by hand. {model} in {dtype}, {size}.
Every row of the tables is an ordinary run. All methods of a data set use the same training and test
rows. *As `tunesmith init` writes it* means that no setting was written by hand: the wording, the
learning rate and the rest were chosen on training rows. The settings of the other runs were written
by hand. Those of prompt tuning (four epochs, 20 virtual tokens, learning rate 0.3, a line break
before the label) come from an earlier trial that was judged on 300 dev rows of SST-2. The answer is
a *decision*, the most probable label. The column *as text* is the accuracy of the parsed text.
"""


def write(proof: Mapping[str, Any], page: Path, image: Path) -> None:
    """Write the page and its plot."""
    image.parent.mkdir(parents=True, exist_ok=True)
    plot(proof, image)
    page.parent.mkdir(parents=True, exist_ok=True)
    shown = Path(*[".."] * len(page.parent.parts[len(_common(page, image)) :])) / Path(
        *image.parts[len(_common(page, image)) :]
    )
    page.write_text("\n".join(lines(proof, shown.as_posix())) + "\n", encoding="utf-8")


def _common(page: Path, image: Path) -> tuple[str, ...]:
    same = []
    for a, b in zip(page.parent.parts, image.parent.parts, strict=False):
        if a != b:
            break
        same.append(a)
    return tuple(same)


def lines(proof: Mapping[str, Any], image: str) -> Iterator[str]:
    """Return the lines of the page."""
    yield _INTRO.format(**proof)
    yield from _summary(proof)
    yield f"\n![Accuracy of each method on each data set]({image})"
    for found in proof["data_sets"].values():
        yield from _data_set(found)
    yield from _verdicts(proof)
    yield from _errors(proof)
    yield from _made_with(proof)


def _summary(proof: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "| data set | TF-IDF | sentence embeddings | untuned, best wording "
        "| prompt tuning, by hand | as `tunesmith init` writes it | against the first three |"
    )
    yield "|---|---|---|---|---|---|---|"
    for found in proof["data_sets"].values():
        methods, against = found["methods"], found["against"].get(INIT, {})
        asked = max(ASKED & methods.keys(), key=lambda n: methods[n]["accuracy"], default=None)
        rivals = ("tfidf_logreg", EMBEDDINGS, asked)
        cells = [_accuracy(methods.get(name)) for name in (*rivals, TUNED, INIT)]
        verdicts = {against[name]["verdict"] for name in rivals if name in against}
        yield f"| {found['title']} | {' | '.join(cells)} | {_overall(verdicts)} |"


def _accuracy(method: Mapping[str, Any] | None) -> str:
    return words.NONE if method is None else f"{method['accuracy']:.3f}"


def _overall(verdicts: set[str]) -> str:
    order = ("wrong direction", "not established", "established")
    return next((verdict for verdict in order if verdict in verdicts), words.NONE)


def _data_set(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n## {found['title']}\n"
    yield (
        f"{found['train_rows']} training rows, {words.rows(found['test_rows'])} to test on, "
        f"{len(found['labels'])} labels. {found['rule']}\n"
    )
    yield "| method | accuracy | 95 % interval | as text | seeds | time of a run |"
    yield "|---|---|---|---|---|---|"
    for name in TITLES:
        if name in found["methods"]:
            yield _row(found["methods"][name], bold=name == INIT)
    for step, error in found["failed"].items():
        yield f"\n`{step}` failed: {error}"
    for name, against in found["against"].items():
        yield from _against(TITLES[name], against)
    yield from _choice(found)
    for settings in found["settings"]:
        yield f"\n{_settings(settings)}"


def _row(method: Mapping[str, Any], *, bold: bool) -> str:
    accuracy = f"{method['accuracy']:.3f}"
    several = ", ".join(f"{a:.3f}" for a in method["accuracies"])
    low, high = method["interval"]
    one = len(method["accuracies"]) == 1
    text = method["text_accuracy"]
    return (
        f"| {method['title']} | {f'**{accuracy}**' if bold else accuracy}"
        f"{'' if one else f' ({several})'} | {f'{low:.3f} to {high:.3f}' if one else ''} "
        f"| {words.NONE if text is None else f'{text:.3f}'} "
        f"| {', '.join(map(str, method['seeds']))} | {words.duration(method['seconds'])} |"
    )


def _against(title: str, against: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"\n{title[0].upper()}{title[1:]}, against each of them (exact paired test, all seeds; "
        "Holm's p):\n"
    )
    yield "| against | difference | p | |"
    yield "|---|---|---|---|"
    for name, one in against.items():
        p = format_p(one["corrected_p"])
        yield f"| {TITLES[name]} | {words.points(one['difference'])} | {p} | {one['verdict']} |"


def _settings(found: Mapping[str, Any]) -> str:
    """Say what was chosen in one tuning, and what the search cost."""
    chosen = ", ".join(f"`{one['setting']}` {one['value']}" for one in found["choices"])
    search, whole = found["search_seconds"], found["tune_seconds"]
    share = f", {search / (whole - search):.2f} of the tuning" if whole > search else ""
    return f"Seed {found['seed']}: {chosen}; the search took {words.duration(search)}{share}."


def _choice(found: Mapping[str, Any]) -> Iterator[str]:
    choice = found["choice"]
    if not choice:
        return
    method, labels = choice["experiment"]["method"], choice["experiment"]["labels"]
    said = ", ".join(f"`{forms[0]}`" for forms in list(labels.values())[:5])
    where = " in the chat template" if method["chat"] else ""
    yield (
        f"\nOf {len(choice['tried'])} wordings, `tunesmith init` chose "
        f"`{method['template']!r}`{where} with the words {said}: right on {choice['correct']} of "
        f"{choice['rows']} training rows."
    )


def _verdicts(proof: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Headlines\n"
    yield "The first line of each report, and whether the label scores of that run contradict it.\n"
    yield "| run | headline | contradicted |"
    yield "|---|---|---|"
    for found in proof["data_sets"].values():
        for run in found["runs"]:
            yield f"| `{run['step']}` | {_cell(run['headline'])} | {run['overturned'] or 'no'} |"
    yield f"\nContradicted: {proof['overturned']}."
    yield (
        "Answers that a reader would take for a label, counted as unparsable, without a "
        f"correction in the report: {proof['not_mended']}."
    )


def _errors(proof: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Remaining errors\n"
    yield "Prompt tuning as `tunesmith init` writes it, first seed:\n"
    for found in proof["data_sets"].values():
        if found["errors_left"]:
            left = errors_left.Left(**found["errors_left"])
            yield f"- {errors_left.sentence(left, found['title'])}"
    yield "\nAnswers that a reader would take for a label although the text is not one, by run:\n"
    rest = [run for found in proof["data_sets"].values() for run in found["runs"]]
    spoken = [run for run in rest if run["labels_in_other_words"]]
    for run in spoken:
        kinds = (f"{kind}: {number}" for kind, number in run["labels_in_other_words"].items())
        correction = (
            "the report names the correction" if not run["not_mended"] else "no correction is named"
        )
        yield f"- `{run['step']}`: {', '.join(kinds)}; {correction}"
    if not spoken:
        yield "- none"


def _made_with(proof: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Environment\n"
    yield f"- {proof['machine']}; {words.duration(proof['seconds'])} in all."
    yield f"- {', '.join(f'{name} {number}' for name, number in proof['versions'].items())}."
    yield f"- Code: commit `{proof['commit']}`." if proof["commit"] else "- Code: no git checkout."
    for name, found in (("model", proof["model_checksums"]), ("data", proof["data_checksums"])):
        yield f"- SHA-256 of the {name}: {_sums(found)}."


def _sums(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} `{digest[:16]}…`" for name, digest in found.items()) or "not known"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def plot(proof: Mapping[str, Any], image: Path) -> None:
    """Draw the accuracies: a panel for each data set, a line for each method."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "tunesmith"  # the same file for the same numbers
    found = list(proof["data_sets"].values())
    names = [n for n in reversed(TITLES) if any(n in one["methods"] for one in found)]
    figure, axes = plt.subplots(1, len(found), figsize=(10, 3.6), sharey=True, squeeze=False)
    for axis, one in zip(axes[0], found, strict=True):
        _panel(axis, one, names)
    axes[0][0].set_yticks(range(len(names)), [TITLES[n].replace("`", "") for n in names])
    figure.tight_layout()
    figure.savefig(image, metadata={"Date": None})
    plt.close(figure)


def _panel(axis: Any, found: Mapping[str, Any], names: list[str]) -> None:
    for place, name in enumerate(names):
        method = found["methods"].get(name)
        if method is None:
            continue
        color = "tab:blue" if name in (TUNED, INIT) else "tab:gray"
        low, high = method["interval"]
        if len(method["accuracies"]) == 1:
            axis.plot([low, high], [place, place], color=color, linewidth=1)
        axis.plot(method["accuracies"], [place] * len(method["accuracies"]), "o", color=color)
    axis.set_xlim(0, 1)
    axis.set_title(found["title"])
    axis.set_xlabel("accuracy")
    axis.grid(axis="x", linewidth=0.4)
