"""Where a failure happened, as people are told: in their own code, not in a library below it."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

from ci_migrate.worker.capture import describe_exception, format_traceback

MODULE = """
import contextlib
import json

@contextlib.contextmanager
def opened():
    raise RuntimeError("no secret key")
    yield

def load():
    with opened():
        pass

def parse():
    json.loads("{")

proxy = {}
exec("def call(work): work()", proxy)

def through_a_proxy():
    proxy["call"](parse)
"""


@pytest.fixture
def load_module(tmp_path):
    def load(folder):
        path = tmp_path / folder / "settings.py"
        path.parent.mkdir(parents=True)
        path.write_text(MODULE, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("settings_of_a_test", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.parametrize("folder", ["shop", "lib/python3/site-packages/shop"])
@pytest.mark.parametrize(("name", "line"), [("load", 7), ("parse", 15), ("through_a_proxy", 15)])
def test_names_the_projects_own_line(load_module, folder, name, line):
    module = load_module(folder)
    with pytest.raises((RuntimeError, ValueError)) as caught:
        getattr(module, name)()
    # The frames of this test stand for nothing that a worker has: cut them off.
    error = caught.value.with_traceback(caught.value.__traceback__.tb_next)
    place = describe_exception(error, None)
    assert (place["file"], place["line"]) == (module.__file__, line)
    text = format_traceback(error)
    assert f'settings.py", line {line}' in text
    assert "contextlib.py" not in text
    assert "<string>" not in text
    assert "json/decoder.py" not in text


def test_says_nothing_where_only_libraries_ran():
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("no_such_module_anywhere")
    error = caught.value.with_traceback(caught.value.__traceback__.tb_next)
    assert describe_exception(error, None)["file"] is None
    assert "ModuleNotFoundError" in format_traceback(error)
    assert "no_such_module_anywhere" not in sys.modules
