"""What the workflows to copy offer is what the commands take."""

from __future__ import annotations

import re

import yaml

from ci_migrate.cli.recover_command import recover_command
from tests.contract.source import ROOT


def test_each_choice_of_the_recover_button_is_an_option_of_the_command() -> None:
    text = (ROOT / "workflows" / "recover.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    what = workflow[True]["workflow_dispatch"]["inputs"]["what"]  # YAML takes `on` for true
    chosen = dict(re.findall(r"inputs\.what == '([a-z-]+)' && '(--[a-z-]+)'", text))
    assert chosen == {"show": "--dry-run", "undo": "--undo", "finish": "--finish"}
    assert set(what["options"]) == {*chosen, "take-back"}, "that is the command without an option"
    assert what["default"] == "show"
    known = {name for option in recover_command.params for name in option.opts}
    assert set(chosen.values()) <= known
