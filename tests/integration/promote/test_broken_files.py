"""Revision files that are broken or strange: told before they block an environment, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.promote.shop import Shop, build_shop, gates, message
from tests.projects_builder import Project, commit, copy_project, find_revision
from tests.projects_changes import add_revision
from tests.promotion import promote, run_tool

pytestmark = pytest.mark.newest
ONE = "bad0bad0bad0"
BROKEN = {
    "bracket": 'op.add_column("users", sa.Column("x", sa.Integer()',
    "indent": "if True:\nop.execute('SELECT 1')",
    "nul": "op.execute('\0')",
    "number": f"op.execute({'9' * 10_000})",
}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = build_shop(tmp_path / "shop", settings={"backup": "none"})
    commit(shop.project, "Add the configuration")
    return shop


@pytest.mark.parametrize("fault", BROKEN)
def test_check_tells_a_file_that_python_would_not_take(shop: Shop, fault: str) -> None:
    file = add_revision(shop.project, ONE)
    text = file.read_text("utf-8")
    begin = text.index("def upgrade")
    broken = f"def upgrade():\n    {BROKEN[fault]}\n\n\ndef downgrade():\n    pass\n"
    file.write_text(text[:begin] + broken, "utf-8")
    ran = shop.run("check", "--base", "HEAD")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output
    assert gates(ran)["history"] == "failed"
    shown = file.relative_to(shop.path).as_posix()
    assert f"{shown} " in message(ran, "history")
    commit(shop.project, "Break it")
    for arguments in ((), ("--against", "HEAD~1")):
        ran = shop.run("heads", *arguments)
        assert (ran.exit_code, shown in ran.output) == (3, True), ran.output


def test_latin_one_without_a_word_about_it(shop: Shop) -> None:
    file = add_revision(shop.project, ONE)
    file.write_bytes(
        file.read_bytes().replace(b"def upgrade", "# \u00e9\ndef upgrade".encode("latin-1"))
    )
    ran = shop.run("check", "--base", "HEAD")
    assert (ran.outcome, ran.exit_code) == ("blocked", 3), ran.output


def test_a_head_whose_id_is_computed_is_not_left_out(shop: Shop) -> None:
    file = add_revision(shop.project, ONE, after="8f67280c2894")
    text = file.read_text("utf-8")
    file.write_text(text.replace(f"'{ONE}'", "'bad0' + ''.join(['bad0bad0'])"), "utf-8")
    for command in ("heads", "check"):
        ran = run_tool(shop.path, command)
        assert ran.exit_code == 2, ran.output
        assert "`revision` is computed when the file runs" in ran.output
        assert "Write ids and parents as plain texts" in ran.output


def test_a_link_that_leads_in_a_circle(shop: Shop) -> None:
    folder = find_revision(shop.project, shop.project.situation.heads[0]).parent
    (folder / "circle.py").symlink_to("circle.py")
    for command in ("heads", "check", "plan"):
        arguments = ("--environment", "dev") if command == "plan" else ()
        ran = shop.run(command, *arguments)
        assert ran.exit_code == 3, ran.output
        assert "circle.py is not a readable file" in ran.output
        assert "Traceback" not in ran.output


@pytest.mark.slow_on("postgres", "mariadb")
@pytest.mark.parametrize("sign", ["\\x00", "\\udc80", "\\u202e"])
def test_a_message_that_no_database_takes(tmp_path: Path, database_url: str, sign: str) -> None:
    project: Project = copy_project("linear", tmp_path / "work")
    file = add_revision(project, ONE, message="add")
    file.write_text(file.read_text("utf-8").replace('"""add', f'"""hello {sign} world', 1), "utf-8")
    ran = promote(project, database_url)
    assert ran.outcome == "promoted", ran.output
    assert ran.result["applied"][-1]["message"] == "hello \N{REPLACEMENT CHARACTER} world"
    told = run_tool(project.path, "history", "--environment", "dev", env={"CIM_URL": database_url})
    assert "hello \N{REPLACEMENT CHARACTER} world" in told.output


def test_an_id_that_cannot_be_shown_is_a_defect(shop: Shop) -> None:
    file = add_revision(shop.project, ONE)
    file.write_text(
        file.read_text("utf-8").replace(f"revision = '{ONE}'", "revision = 'a\\udc80b'"), "utf-8"
    )
    ran = shop.run("plan", "--environment", "dev")
    assert ran.exit_code == 3, ran.output
    assert "contains characters that cannot be shown" in message(ran, "history")


def test_a_folder_without_revisions_is_not_passed_in_silence(shop: Shop) -> None:
    folder = find_revision(shop.project, shop.project.situation.heads[0]).parent
    (folder / "2026").mkdir()
    for file in folder.glob("*.py"):
        file.rename(folder / "2026" / file.name)
    for command in ("plan", "promote"):
        ran = shop.run(command, "--environment", "dev")
        told = "\n".join(ran.result["warnings"])
        assert "there is no revision file in migrations/versions" in told, ran.output
        assert "subfolders are not read: migrations/versions/2026" in told, ran.output


def test_status_tells_the_defects_on_which_a_promotion_blocks(shop: Shop) -> None:
    file = add_revision(shop.project, ONE)
    file.write_text(
        file.read_text("utf-8").replace("down_revision = ", f"down_revision = '{ONE}'  # "), "utf-8"
    )
    ran = shop.run("status", "--environment", "dev")
    assert f"defect: {ONE} " in ran.output, ran.output
    (status,) = ran.result
    assert len(status["defects"]) == 1


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (None, 2, "has no env.py"),
        ("def f(:", 3, "env.py is not valid Python"),
        ("\0", 3, "env.py is not valid Python:"),
    ],
)
def test_an_env_py_that_cannot_run_is_told_before_anything(
    shop: Shop, text: str | None, code: int, said: str
) -> None:
    env_py = shop.project.path / "migrations/env.py"
    env_py.unlink()
    if text is not None:
        env_py.write_text(text, "utf-8")
    ran = shop.run("plan", "--environment", "dev")
    assert (ran.exit_code, said in ran.output) == (code, True), ran.output
    assert "computes" not in ran.output
