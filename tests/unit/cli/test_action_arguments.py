import pytest

from ci_migrate.cli.action import action_arguments
from ci_migrate.errors import ExitCode, UsageError


def arguments(**inputs):
    return action_arguments({f"CI_MIGRATE_{name.upper()}": value for name, value in inputs.items()})


def test_a_command_alone():
    assert arguments(command="promote", environment="", config="", args="") == ["promote"]


def test_inputs_become_options_of_one_word_each():
    assert arguments(command="promote", environment="prod eu", config="a/ci.yml") == [
        "promote",
        "--environment=prod eu",
        "--config=a/ci.yml",
    ]


def test_a_value_cannot_be_an_option():
    assert arguments(command="plan", environment="--json") == ["plan", "--environment=--json"]


def test_args_are_split_once_like_a_shell_and_expanded_never():
    assert arguments(command="plan", args="--json 'a b.json'\n--branch \"$HOME\" '' '*' # x") == [
        "plan", "--json", "a b.json", "--branch", "$HOME", "", "*", "#", "x",
    ]  # fmt: skip


def test_a_command_of_two_words():
    assert arguments(command=" config check ") == ["config", "check"]


def test_quotes_left_open_are_a_usage_error():
    with pytest.raises(UsageError, match='no closing quotation in "--json \'a"') as error:
        arguments(command="plan", args="--json 'a")
    assert error.value.exit_code is ExitCode.USAGE
    assert error.value.next_step


@pytest.mark.parametrize("command", ["", "  ", "--version", "-h"])
def test_an_empty_expression_is_not_taken_for_promote(command):
    with pytest.raises(UsageError, match="`command`"):
        arguments(command=command)
