"""The harness itself, with a trivial action: what it reports must come from the run."""

import pytest

from tests.action.act import NO_SHA, run_act
from tests.action.conftest import make_repository

pytestmark = [pytest.mark.action, pytest.mark.usefixtures("act")]

TOKEN = "t%st@er:/ päss \"'$x #\\"
ACTION = """\
name: Trivial
description: Says what it was given.
inputs: {who: {default: ""}}
outputs: {greeting: {value: "${{ steps.say.outputs.greeting }}"}}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      env: {WHO: "${{ inputs.who }}"}
      run: |
        printf 'greeting<<END\\nHello %s\\nEND\\n' "$WHO ${#TOKEN}" >> "$GITHUB_OUTPUT"
        echo "# Hello $WHO on $GITHUB_REF" >> "$GITHUB_STEP_SUMMARY"
        echo "::error file=a.py,line=2,title=Oh::no%0Amore"
        echo "secret $TOKEN"
        if [ "$WHO" = nobody ]; then exit 3; fi
"""
WORKFLOW = f"""\
on: {{push: {{branches: [dev]}}}}
permissions: {{}}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@{NO_SHA}
      - uses: acme/trivial@{NO_SHA}
        id: trivial
        with: {{who: "WHO"}}
        env: {{TOKEN: "${{{{ secrets.TOKEN }}}}"}}
      - id: after
        run: test -f file.txt
"""


def run_trivial(tmp_path, who, **options):
    action, repository = tmp_path / "trivial", tmp_path / "repository"
    (repository / ".github/workflows").mkdir(parents=True)
    (repository / ".github/workflows/w.yml").write_text(WORKFLOW.replace("WHO", who))
    (repository / "file.txt").write_text("x")
    action.mkdir()
    (action / "action.yml").write_text(ACTION)
    return run_act(
        make_repository(repository),
        tmp_path / "act",
        actions={f"acme/trivial@{NO_SHA}": make_repository(action)},
        secrets={"TOKEN": TOKEN},
        **options,
    )


def test_outputs_summary_annotations_and_masks_are_reported(tmp_path):
    result = run_trivial(tmp_path, "you $(id)")
    assert result.returncode == 0, result.log
    assert result.outputs == {"trivial": {"greeting": f"Hello you $(id) {len(TOKEN)}"}}
    assert result.summary == "# Hello you $(id) on refs/heads/dev\n"
    assert result.results["trivial"] == result.results["after"] == "success"
    assert result.annotations == (
        {"level": "error", "message": "no\nmore", "file": "a.py", "line": "2", "title": "Oh"},
    )
    assert "secret ***" in result.log


def test_a_failing_step_fails_the_run_and_its_outputs_stay(tmp_path):
    result = run_trivial(tmp_path, "nobody")
    assert result.returncode != 0
    assert result.results["trivial"] == "failure"
    assert result.outputs["trivial"] == {"greeting": f"Hello nobody {len(TOKEN)}"}
    assert "after" not in result.results


def test_another_event_runs_nothing(tmp_path):
    assert run_trivial(tmp_path, "you", event="release").results == {}
