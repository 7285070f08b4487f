"""The examples of the guide, run as a reader runs them: each page from top to bottom, against the demo.

Run is what stands in fences of `sh`; a number beside it is the status of an answer that is a refusal. A fence of `json` or
`text` after it is what its last commands print, with an ellipsis for what is left out or differs.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.process import COMMAND, Serve, environment

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
FENCE = re.compile(r"^```(\w+)((?: \d{3})*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
URL, KEY, LEFT_OUT = "http://127.0.0.1:8000", "sk_live_…", "…"
RUN_SECONDS = 60
FIRST_REFUSAL = 400


class Example(NamedTuple):
    """Commands, the statuses of the refusals among their answers, and what the page shows of them."""

    commands: str
    refusals: list[int]
    shown: tuple[str, str] | None


def examples_in(page: Path) -> list[Example]:
    fences = FENCE.findall(page.read_text("utf-8"))
    after = [*fences[1:], ("", "", "")]
    return [
        Example(commands, [int(one) for one in statuses.split()], (kind, text) if kind in {"json", "text"} else None)
        for (language, statuses, commands), (kind, _, text) in zip(fences, after, strict=True)
        if language == "sh"
    ]


PAGES = [page for page in sorted(GUIDE.glob("*.md")) if examples_in(page)]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with `skipcall`, and a `curl` that also writes down the head of each answer, in a folder for each example."""
    folder = tmp_path / "bin"
    folder.mkdir()
    curl = shutil.which("curl")
    assert curl is not None, "the guide needs curl, and jq"
    scripts = {
        "curl": f'exec {curl} --dump-header "$(mktemp "$HEADS/$(ls "$HEADS" | wc -l).XXXXXX")" "$@"',
        "skipcall": " ".join(["exec", *COMMAND, '"$@"']),
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run_as_printed(page: Path, served: Serve, tmp_path: Path, programs: Path) -> None:
    examples = examples_in(page)
    assert URL in examples[0].commands, "a page begins with the address"
    script = "set -euo pipefail\n"
    for number, example in enumerate(examples):
        heads, told = tmp_path / f"{number}.heads", tmp_path / f"{number}.out"
        heads.mkdir()
        commands = example.commands.replace(URL, served.url).replace(KEY, served.ready["liveKey"])
        script += f"export HEADS={heads}\nexec >{told}\necho 'example {number}' >&2\n{commands}"
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment(SKIPCALL_DATA=str(served.data), PATH=f"{programs}:{os.environ['PATH']}"),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for number, example in enumerate(examples):
        answers = sorted((tmp_path / f"{number}.heads").iterdir(), key=lambda one: int(one.name.partition(".")[0]))
        statuses = [int(one.read_text().split()[1]) for one in answers]
        printed = (tmp_path / f"{number}.out").read_text("utf-8")
        refusals = [one for one in statuses if one >= FIRST_REFUSAL]
        assert refusals == example.refusals, f"{example.commands}\n{statuses}\n{printed}"
        if example.shown is not None:
            assert is_shown(*example.shown, printed), f"{example.commands}\n{printed}"


def is_shown(kind: str, shown: str, told: str) -> bool:
    if kind == "text":
        lines = [re.escape(line).replace(LEFT_OUT, ".*") for line in shown.splitlines()]
        return all(re.search(f"^{line}\r?$", told, re.MULTILINE) for line in lines)
    expected, answers = read_all(shown), read_all(told)
    return all(map(is_like, expected, answers[-len(expected) :]))


def read_all(text: str) -> list[Any]:
    """Return the values of a text, one after the other."""
    values = []
    while text := text.strip():
        value, end = json.JSONDecoder().raw_decode(text)
        values.append(value)
        text = text[end:]
    return values


def is_like(shown: Any, told: Any) -> bool:
    """Whether a value is what is shown of it. A property or item that is an ellipsis stands for any others."""
    if isinstance(shown, dict) and isinstance(told, dict):
        names = shown.keys() - {LEFT_OUT}
        return (LEFT_OUT in shown or names == told.keys()) and all(
            name in told and is_like(shown[name], told[name]) for name in names
        )
    if isinstance(shown, list) and isinstance(told, list):
        items = [one for one in shown if one != LEFT_OUT]
        return (len(items) == len(told) or (LEFT_OUT in shown and len(items) < len(told))) and all(
            map(is_like, items, told)
        )
    if isinstance(shown, str) and LEFT_OUT in shown:
        return isinstance(told, str) and told.startswith(shown.partition(LEFT_OUT)[0])
    return bool(shown == told)
