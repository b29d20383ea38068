"""Started with closed standard streams, as some daemons do: nothing fails, and nothing is written into a database."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.promote.shop import build_shop
from tests.promotion import environment, tool

pytestmark = pytest.mark.newest


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_promotion_without_streams(closed: str, tmp_path: Path) -> None:
    shop = build_shop(tmp_path / "shop")
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *tool(), "promote", "--environment", "dev", "--json", "r.json"],
        cwd=shop.path, env=environment(shop.env), stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((shop.path / "r.json").read_text("utf-8"))
    assert result["outcome"] == "promoted"
    assert shop.rows("dev") == list(shop.project.situation.heads)
