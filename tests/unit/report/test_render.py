"""The pages: what they hold, that they need nothing else, that text from users does nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fairsweep.config.space import LAYER_RATES, Dimension
from fairsweep.config.stored_space import plain
from fairsweep.importances import Importances
from fairsweep.records import Champion
from fairsweep.report.analysis.luck import Difference
from fairsweep.report.analysis.select import select
from fairsweep.report.analysis.statistics import Comparison, Verdict
from fairsweep.report.render import build, write
from fairsweep.report.text import tables, terms
from fairsweep.report.text.escape import markdown_text

from .builders import (
    ACCURACY,
    BATCH,
    LOSS,
    RATE,
    WIDTHS,
    confirm,
    confirmed,
    finished,
    important,
    realistic,
    search,
    sweep,
)

ROOT = Path(__file__).parents[3]
EVIL = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'


class Page(HTMLParser):
    """The elements of a page, and its text outside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._skip = False
        self.feed(html)

    def handle_starttag(self, tag: Any, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        self._skip = tag in ("script", "style")

    def handle_endtag(self, tag: Any) -> None:
        self._skip = self._skip and tag not in ("script", "style")

    def handle_data(self, data: Any) -> None:
        if not self._skip:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def _figures(report: Any) -> Any:
    """What the page hands to plotly."""
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', report.html)
    return json.loads(found[1]) if found else []


@pytest.fixture(scope="module")
def rich() -> Any:
    return realistic(trials=8)


@pytest.fixture(scope="module")
def report(rich: Any) -> Any:
    return build(rich, ui="http://127.0.0.1:5000/", importances=important(rich.arms))


def test_the_page_loads_nothing(report: Any) -> None:
    page = Page(report.html)
    assert not page.all("link")
    assert not page.all("iframe")
    for tag, attrs in page.elements:
        assert not (attrs.get("src") or "data:").startswith(("http", "//")), tag
    assert all("src" not in attrs for attrs in page.all("script"))
    style = report.html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_without_scripts_the_page_shows_the_same_pictures(report: Any) -> None:
    hidden = re.findall(r"<noscript>(.*?)</noscript>", report.html)
    shown = [str(attrs["src"]) for part in hidden for attrs in Page(part).all("img")]
    start = "data:image/svg+xml;base64,"
    assert [base64.b64decode(src.removeprefix(start)) for src in shown] == [
        *report.pictures.values()
    ]


def test_the_page_links_to_papers_and_to_mlflow_only(report: Any) -> None:
    links = {attrs["href"] for attrs in Page(report.html).all("a")}
    assert links == {
        "#best",
        "https://arxiv.org/abs/2103.03098",
        "https://arxiv.org/abs/1910.05446",
        "https://arxiv.org/abs/1910.11758",
        "https://arxiv.org/abs/2007.01547",
        "https://arxiv.org/abs/0712.1111",
        f"http://127.0.0.1:5000/#/experiments/7/runs/{report.best_run}",
    }


def test_our_script_stores_nothing(report: Any) -> None:
    ours = report.html.rsplit("<script>", 1)[1]
    assert "localStorage" not in ours
    assert "Plotly.newPlot" in ours


def test_plotly_is_there_once_and_only_when_needed(report: Any) -> None:
    assert report.html.count("plotly.js v") == 1
    assert "plotly.js v" not in build(sweep()).html


def test_the_page_holds_what_a_reader_needs(report: Any, rich: Any) -> None:
    text = re.sub(r"\s+", " ", Page(report.html).text)
    for part in (
        report.result.headline,
        report.result.details,
        rich.name,
        "fairsweep train ",
        "The arms side by side",
        "Learning curves",
        "Class by class",
        "What each parameter does",
        "How this was judged",
        "optimizer.learning_rate",
        rich.data_sha256[:12],
        "Holm 1979",
    ):
        assert part in text


def test_markdown_holds_the_same(report: Any, rich: Any) -> None:
    for part in (report.command, "arXiv 2103.03098", rich.data_sha256[:12]):
        assert part in report.markdown
    figures = _figures(report)
    assert re.findall(r"^!\[.*\]\((.*)\)$", report.markdown, re.MULTILINE) == [
        f"{figure['name']}.svg" for figure in figures
    ]
    for figure in figures:
        assert f"({figure['name']}.svg)\n\n{markdown_text(figure['caption'])}\n" in report.markdown
    assert f"(http://127.0.0.1:5000/#/experiments/7/runs/{report.best_run})" in report.markdown


@pytest.mark.usefixtures("without_pictures")
def test_links_are_relative_to_the_ui_without_its_address(rich: Any) -> None:
    report = build(rich)
    assert f"](#/experiments/7/runs/{report.best_run})" in report.markdown
    assert f"#/experiments/7/runs/{report.best_run}" in Page(report.html).text


def test_an_address_that_is_none_is_refused(rich: Any) -> None:
    with pytest.raises(ValueError, match="http://"):
        build(rich, ui="javascript:alert(1)")


@pytest.mark.usefixtures("without_pictures")
def test_the_runs_own_overrides_come_before_the_arms() -> None:
    runs = finished({"adam": [0.9, 0.91]}).runs
    arm = {"adam": ("optimizer=adam",)}
    own = {**arm, "adam-1-search-1": ("optimizer=adam", "optimizer.params.learning_rate=0.1")}
    exact = build(sweep(*runs, arms=["adam"], commands=own))
    assert exact.command == ("fairsweep train optimizer=adam optimizer.params.learning_rate=0.1")
    assert "To train it again:" in exact.markdown
    rough = build(sweep(*runs, arms=["adam"], commands=arm))
    assert rough.command == "fairsweep train optimizer=adam"
    assert "To train it again, add the searched values below to this command:" in rough.markdown
    none = build(sweep(*runs, arms=["adam"], commands={}))
    assert (none.command, "train it again" in none.markdown) == ("", False)


@pytest.mark.usefixtures("without_pictures")
def test_searched_parameters_come_first_with_their_default() -> None:
    runs = [
        search("adam", 0, 0.9, params={"optimizer": "adam", "optimizer.learning_rate": "0.001"}),
        search("adam", 1, 0.95, params={
            "optimizer": "adam", "optimizer.learning_rate": "0.0123456789"}),
    ]  # fmt: skip
    markdown = build(sweep(*runs, arms=["adam"])).markdown
    searched = "| `optimizer.learning_rate` | `0.001` | `0.01235` |"
    fixed = "| `optimizer` | `adam` |"
    assert markdown.index(searched) < markdown.index(fixed)


@pytest.mark.usefixtures("without_pictures")
def test_the_seed_of_a_trial_is_not_what_was_searched() -> None:
    runs = [
        search("adam", i, 0.9, seed=70 + i, params={"seed": str(70 + i), "rate": f"0.{i}"})
        for i in range(3)
    ]
    markdown = build(sweep(*runs, arms=["adam"])).markdown
    assert markdown.index("| `rate` |") < markdown.index("| fixed | value |")
    assert markdown.index("| `seed` | `70` |") > markdown.index("| fixed | value |")


@pytest.mark.usefixtures("without_pictures")
def test_what_was_searched_is_not_fixed_though_every_trial_drew_it_alike() -> None:
    dimensions = [
        *(Dimension(f"model.{LAYER_RATES}.{layer}", "float", 1.0) for layer in ("a", "b")),
        *WIDTHS, RATE, BATCH,
    ]  # fmt: skip
    params = {
        f"model.{LAYER_RATES}": '{"a": 1.0, "b": 1.0}',
        "model.hidden_units": "[32, 32]",
        "model.units": "[16]",
        RATE.name: "0.0123",
        BATCH.name: "32",
    }
    runs = [search("adam", i, 0.9, params=params) for i in range(2)]
    spaces = {"adam": plain(dimensions)}
    markdown = build(sweep(*runs, arms=["adam"], spaces=spaces)).markdown
    fixed = markdown.index("| fixed | value |")
    below = {name for name in params if markdown.index(f"| `{name}` |") > fixed}
    assert below == {"model.units"}


@pytest.mark.usefixtures("without_pictures")
def test_the_arms_table_by_hand() -> None:
    runs = [
        search("adam", 0, 0.9, epochs=10), search("adam", 1, 0.98, epochs=10),
        search("adam", 2, 0.7, "pruned", epochs=3), search("adam", 3, None, "diverged", epochs=1),
        search("adam", 4, None, "failed", epochs=0),
    ]  # fmt: skip
    runs += [
        confirm("adam", 1, i, value, test={"test_accuracy": value - 0.01, "test_loss": 1.0})
        for i, value in enumerate((0.96, 0.97, 0.98))
    ]
    table = build(sweep(*runs, arms=["adam"], trials=5)).table
    # mean 0.97, sd 0.01, half an interval 4.302653 x 0.01 / sqrt(3) = 0.0248
    assert table.rows == (
        ("adam", "0.9000", "0.9800", "0.9700 ± 0.0100 (3)", "0.9452 to 0.9948",
         "+0.0100", "0.9600 ± 0.0100", "2 / 1 / 1 / 1"),
    )  # fmt: skip
    assert len(table.header) == len(table.rows[0])
    assert table.header[0] == "optimizer"


@pytest.mark.usefixtures("without_pictures")
def test_the_table_of_costs_by_hand() -> None:
    curve = {"val_accuracy": [0.5, 0.961, 0.97]}
    runs = [
        search("adam", 0, 0.9, epochs=10, seconds=100),
        search("adam", 1, 0.98, epochs=10, seconds=50),
        search("adam", 2, 0.7, "pruned", epochs=3), search("adam", 3, None, "diverged", epochs=1),
        confirm("adam", 1, 0, 0.97, curves=curve), confirm("adam", 1, 1, 0.97, curves=curve),
        confirm("adam", 1, 2, 0.97, curves={"val_accuracy": [0.9, 0.9]}),
        search("sgd", 0, 0.5), confirm("sgd", 0, 0, 0.5, curves={"val_accuracy": [0.4]}),
    ]  # fmt: skip
    markdown = build(sweep(*runs, trials=4)).markdown
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown.splitlines()]
    header = rows.index([
        "optimizer", "stopped early", "diverged", "epochs trained", "training time",
        "epochs to val_accuracy 0.9603",
    ])  # fmt: skip
    assert rows[header + 2] == ["adam", "25%", "25%", "24", "3 min", "2 (2 of 3 trainings)"]
    assert rows[header + 3] == ["sgd", "0%", "0%", "10", "1 s", "never"]


def test_html_from_users_is_text() -> None:
    runs = [
        search(EVIL, 0, 0.9, params={EVIL: "1"}),
        search(EVIL, 1, 0.95, params={EVIL: EVIL}),
        *[confirm(EVIL, 1, i, 0.9 + i / 50, curves={"loss": [1.0, 0.5]}) for i in range(3)],
    ]
    record = sweep(*runs, arms=[EVIL], name=EVIL, group=EVIL, data={EVIL: EVIL},
                   commands={EVIL: (EVIL,)})  # fmt: skip
    report = build(record)
    page = Page(report.html)
    assert len(page.all("script")) == 3
    assert all(attrs.keys() <= {"alt", "src"} for attrs in page.all("img"))
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    assert page.text.count(EVIL) > 5
    names = [figure["name"] for figure in _figures(report)]
    assert names == ["confirmed", "curves-loss", "best-by-trials", "best-by-epochs"]


@pytest.mark.usefixtures("without_pictures")
def test_pipes_and_line_breaks_do_not_break_markdown_tables() -> None:
    params = {"a|b": "1|2\n3", "c`d": "`x|`"}
    runs = [search("x|y", 0, 0.9, params=params), confirm("x|y", 0, 0, 0.9)]
    markdown = build(sweep(*runs, arms=["x|y"], data={"p|q": "r|s"}, confirm_seeds=1)).markdown
    tables = re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)
    assert len(tables) == 4
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert "| `a\\|b` | `1\\|2 3` |" in markdown


def test_same_record_same_bytes(rich: Any, report: Any) -> None:
    reversed_ = replace(rich, runs=tuple(reversed(rich.runs)))
    again = build(reversed_, ui="http://127.0.0.1:5000/", importances=important(rich.arms))
    assert again == report


def test_same_bytes_in_another_process(report: Any) -> None:
    program = (
        "import hashlib; from report.builders import important, realistic\n"
        "from fairsweep.report.render import build\n"
        "made = realistic(trials=8)\n"
        "made = build(made, 'http://127.0.0.1:5000/', important(made.arms))\n"
        "pages = made.markdown.encode(), made.html.encode(), *made.pictures.values()\n"
        "print(*(hashlib.sha256(page).hexdigest() for page in pages))"
    )
    path = os.pathsep.join([str(ROOT / "pipeline"), str(ROOT / "tests" / "unit")])
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "7"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    pages = (report.markdown.encode(), report.html.encode(), *report.pictures.values())
    assert ran.stdout.split() == [hashlib.sha256(page).hexdigest() for page in pages]


def test_write_makes_the_pages_and_their_pictures_and_nothing_else(
    report: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "report"
    paths = write(report, folder)
    assert [path.name for path in paths] == ["report.md", "report.html", *report.pictures]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert paths[0].read_text(encoding="utf-8") == report.markdown
    assert paths[1].read_text(encoding="utf-8") == report.html
    for path in paths[2:]:
        assert path.read_bytes() == report.pictures[path.name]


def test_a_write_that_fails_leaves_the_old_file_whole(
    report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.md").write_text("old")

    def full(_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(report, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "old"


@pytest.mark.usefixtures("without_pictures")
def test_slices_are_folded_away_where_there_are_many(rich: Any) -> None:
    few = build(rich)
    assert "<details open>\n<summary>Every trial against each parameter: 3 pictures" in few.html
    space = rich.spaces["adam"]
    many = [{**space[1], "name": f"training.p{i}"} for i in range(7)]
    runs = [replace(run, params={**run.params, **{own["name"]: "32" for own in many}})
            for run in rich.runs]  # fmt: skip
    crowded = replace(rich, runs=tuple(runs), spaces={"adam": [*space, *many]})
    html = build(crowded).html
    assert "<details>\n<summary>Every trial against each parameter: 10 pictures" in html


@pytest.mark.usefixtures("without_pictures")
def test_too_few_trials_for_an_importance_are_said_on_both_pages(rich: Any) -> None:
    few = {"adam": Importances((), "needs 20 finished trials, has 8")}
    line = "It is too early to say which of them mattered (adam: needs 20 finished trials, has 8)."
    told = build(rich, importances=few)
    assert line in Page(told.html).text.replace("&#39;", "'")
    assert markdown_text(line) in told.markdown
    assert "too early to say" not in build(rich).markdown


@pytest.mark.usefixtures("without_pictures")
def test_the_published_model_is_told_with_its_run_and_its_command() -> None:
    record = finished({"adam": [0.9, 0.91, 0.92], "sgd": [0.8, 0.81, 0.82]})
    run = next(r for r in record.runs if r.key.stage == "confirm" and r.best_value == 0.92)
    champion = Champion(record.name, "3", run.run_id, 0.91, record.data_sha256)
    report = build(replace(record, champion=champion))
    for page in (report.html, report.markdown):
        assert "Version 3 of digits-mlp-0a1b" in page
        assert "adam/1/seed-2" in page
        assert "fairsweep predict model=digits-mlp-0a1b" in page
        assert "returns a class and a probability for each class" in page
    own = replace(champion, asked=("input=rows.csv", "delimiter=';'"))
    for task, output in {"classes": "classes.csv", "own": "own.npz"}.items():
        asked = build(replace(record, champion=own, data={"name": "fruit", task: "a, b"})).predict
        words = shlex.split(asked)[2:]
        assert words == ["model=digits-mlp-0a1b", *own.asked, f"output={output}"]
    without = build(record)
    assert "fairsweep predict" not in without.html
    assert "fairsweep predict" not in without.markdown
    several = replace(record, champion=champion, data={"name": "fruit", "labels": "red, round"})
    for page in (build(several).html, build(several).markdown):
        assert "returns labels and a probability for each label" in page


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize(("objective", "found"), [(ACCURACY, 0.92), (LOSS, 0.88)])
def test_a_search_that_flattered_has_a_gap_above_zero(objective: Any, found: Any) -> None:
    default = 0.85 if objective is ACCURACY else 0.95
    runs = [search("adam", 0, default), search("adam", 1, found)]
    runs += confirmed("adam", 1, [0.9, 0.9, 0.9])
    table = build(sweep(*runs, arms=("adam",), objective=objective)).table
    (row,) = table.rows
    assert row[table.header.index("optimism gap")] == "+0.0200"


def test_a_small_p_that_is_too_large_for_a_tie_is_told_with_its_limit() -> None:
    """Four arms: left out of the tie below 0.05 * 2 / 4, so 0.04 is not enough."""
    item = Comparison("sgd", Difference(3, 0.02), "crossed", 0.02, corrected=0.04)
    verdict = Verdict("tie", "adam", ("adam", "sgd"), (item,), limit=0.025)
    selection = select(finished({"adam": [0.9, 0.91, 0.92], "sgd": [0.89, 0.89, 0.89]}))
    (row,) = tables.comparisons_table(selection, verdict).rows
    assert row[-1] == "no clear difference (p ≥ 0.025)"
    threshold = dict(terms.comparison_terms(verdict))["threshold"]
    assert "below 0.05 against every other arm" in threshold


def _judged(**values: Any) -> Any:
    """The rows of the comparisons, and what is said of them, of arms with these values."""
    selection = select(finished(values))
    verdict = selection.verdict
    table = tables.comparisons_table(selection, verdict)
    said = dict(terms.comparison_terms(verdict))
    return [row[-1] for row in table.rows], said


def test_each_comparison_says_which_threshold_its_p_was_compared_with() -> None:
    adam, close, far = [0.90, 0.912, 0.905], [0.90, 0.911, 0.906], [0.501, 0.49, 0.511]
    won, said = _judged(adam=adam, sgd=far, lion=[v - 0.001 for v in far])
    assert won == ["adam is better (p < 0.05)"] * 2
    assert "is a tie" not in said["threshold"]
    tied, said = _judged(adam=adam, adamw=close, sgd=far)
    # Three arms: 0.05 * 2 / 3.
    assert tied == ["no clear difference (p ≥ 0.0333)", "adam is better (p < 0.0333)"]
    assert (
        "left out of the tie only if its corrected p is below 0.0333 (0.05 × 2 / 3 arms)"
        in (said["threshold"])
    )
    assert "the smallest p times 2, the next one times 1" in said["p, corrected"]
    two, said = _judged(adam=adam, adamw=close)
    assert two == ["no clear difference (p ≥ 0.05)"]
    assert "it equals p" in said["p, corrected"]


def test_words_are_explained_on_both_pages_where_they_first_stand(report: Any, rich: Any) -> None:
    text = re.sub(r"\s+", " ", Page(report.html).text)
    selection = select(rich)
    said = terms.comparison_terms(selection.verdict)
    assert {word for word, _ in terms.arm_terms(rich)} >= {"arm", "confirmed mean", "optimism gap"}
    assert {word for word, _ in said} >= {"p", "p, corrected", "threshold"}
    for own, before in (
        (terms.arm_terms(rich), "Is the difference real?"),
        (said, "Best run: "),
    ):
        for word, meaning in own:
            assert text.index(f"{word} {meaning}.") < text.index(before)
            line = f"\n- **{word}**: {markdown_text(meaning)}.\n"
            assert report.markdown.index(line) < report.markdown.index(f"## {before}")


@pytest.mark.parametrize(
    ("objective", "gap"),
    [
        (ACCURACY, "the tuned value minus the confirmed mean"),
        (LOSS, "the confirmed mean minus the tuned value"),
    ],
)
def test_the_optimism_gap_is_explained_above_and_below_zero(
    rich: Any, objective: Any, gap: Any
) -> None:
    said = dict(terms.arm_terms(replace(rich, objective=objective)))["optimism gap"]
    assert said.startswith(gap)
    assert "negative where the confirmations happened to do better" in said


@pytest.mark.usefixtures("without_pictures")
def test_what_was_not_confirmed_is_not_explained() -> None:
    said = build(sweep(search("adam", 0, 0.9), arms=["adam"], confirm_seeds=0)).markdown
    assert "- **arm**: " in said
    assert "- **optimism gap**: " not in said


@pytest.mark.usefixtures("without_pictures")
def test_every_command_of_the_pages_finds_the_store() -> None:
    record = finished({"adam": [0.9, 0.91, 0.92]})
    run = next(r for r in record.runs if r.key.stage == "confirm")
    champion = Champion(record.name, "1", run.run_id, 0.91, record.data_sha256)
    report = build(replace(record, champion=champion), store=("tracking.root=/data/my runs",))
    place = "'tracking.root=/data/my runs'"
    assert report.command.endswith(place)
    assert report.predict.endswith(f"output=classes.csv {place}")
    for command in (report.command, report.predict):
        assert command in report.markdown
        assert command in Page(report.html).text
