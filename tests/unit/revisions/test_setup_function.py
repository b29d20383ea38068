"""A setup function that chooses the folders of the revisions is seen without being run."""

from __future__ import annotations

import pytest

from ci_migrate.revisions.setup_function import read_setup

CHOOSES = """
raise RuntimeError("this module must not be imported")

def configure(config):
    config.set_main_option("version_locations", "a:b")
"""


@pytest.mark.parametrize(
    ("file", "setup"),
    [
        ("settings.py", "settings:configure"),
        ("shop/settings.py", "shop.settings:configure"),
        ("shop/__init__.py", "shop:configure"),
        ("deep/er/__init__.py", "deep.er:configure"),
    ],
)
def test_sees_the_choice(tmp_path, file, setup):
    path = tmp_path / "folder" / file
    path.parent.mkdir(parents=True)
    path.write_text(CHOOSES, encoding="utf-8")
    reason = read_setup(setup, [tmp_path, tmp_path / "folder"])
    module = setup.partition(":")[0]
    assert reason == f"{module} chooses the folders of the revisions when it runs (line 5)"


@pytest.mark.parametrize(
    "text", ["def configure(config):\n    config.attributes['a'] = 1\n", "def broken(:\n"]
)
def test_says_nothing_of_others(tmp_path, text):
    (tmp_path / "settings.py").write_text(text, encoding="utf-8")
    assert read_setup("settings:configure", [tmp_path]) is None


def test_says_nothing_of_a_module_that_is_not_found(tmp_path):
    assert read_setup("no_such_module.here:configure", [tmp_path]) is None
