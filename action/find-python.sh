#!/usr/bin/env bash
# Prints the path of the Python in which the caller's project is installed; says on stderr how it was found.
# Reads CI_MIGRATE_PYTHON and CI_MIGRATE_WORKING_DIRECTORY. Exit code 2 when there is none.
set -euo pipefail

fail() {
  local message="${1//'%'/%25}"
  message="${message//$'\r'/ }"
  printf '::error title=ci-migrate::%s\n' "${message//$'\n'/ }" >&2
  exit 2
}

found() {
  printf 'Python of the project: %s (%s)\n' "$1" "$2" >&2
  printf '%s\n' "$1"
  exit 0
}

# A path, the folder of a virtual environment, or a name on PATH.
resolve_asked() {
  local asked="$1" path
  for path in "$asked/bin/python" "$asked"; do
    if [[ "$path" == */* && -f "$path" && -x "$path" ]]; then
      [[ "$path" == /* ]] || path="$PWD/$path"
      found "$path" "input python"
    fi
  done
  if [[ "$asked" != */* ]] && path="$(type -P -- "$asked")"; then
    found "$path" "input python"
  fi
  fail "the input python is '$asked', which is no executable file, no virtual environment and no command: give the path of the interpreter that has your project's requirements"
}

# This folder and those above it, up to the root of the repository.
folders_up() {
  local folder="$PWD" top="${GITHUB_WORKSPACE:-/}"
  while true; do
    printf '%s\n' "$folder"
    if [[ "$folder" == "$top" || "$folder" == / ]]; then
      return
    fi
    folder="$(dirname -- "$folder")"
  done
}

# The environment of uv, poetry or a plain venv may lie beside the root of the repository.
find_environment_folder() {
  local folder name
  while IFS= read -r folder; do
    for name in "${UV_PROJECT_ENVIRONMENT:-.venv}" .venv; do
      [[ "$name" == /* ]] || name="$folder/$name"
      if [[ -x "$name/bin/python" ]]; then
        found "$name/bin/python" "virtual environment of the project"
      fi
    done
  done < <(folders_up)
}

# A file of this folder, or of one above it up to the root of the repository; their tools look there themselves.
has_above() {
  local folder
  while IFS= read -r folder; do
    [[ ! -f "$folder/$1" ]] || return 0
  done < <(folders_up)
  return 1
}

cd -- "${CI_MIGRATE_WORKING_DIRECTORY:-.}" 2>/dev/null ||
  fail "the input working-directory is '${CI_MIGRATE_WORKING_DIRECTORY:-}', which is not a folder here: give it relative to the root of the repository, and check out the repository first"

if [[ -n "${CI_MIGRATE_PYTHON:-}" ]]; then
  resolve_asked "$CI_MIGRATE_PYTHON"
fi
if [[ -n "${VIRTUAL_ENV:-}" && -x "$VIRTUAL_ENV/bin/python" ]]; then
  found "$VIRTUAL_ENV/bin/python" "VIRTUAL_ENV"
fi
find_environment_folder
if has_above poetry.lock && type -P poetry >/dev/null; then
  folder="$(poetry env info --path 2>/dev/null </dev/null || true)"
  if [[ -n "$folder" && -x "$folder/bin/python" ]]; then
    found "$folder/bin/python" "environment of poetry"
  fi
fi
if has_above Pipfile && type -P pipenv >/dev/null; then
  path="$(pipenv --py 2>/dev/null </dev/null | tail -n 1 || true)"
  if [[ -n "$path" && -x "$path" ]]; then
    found "$path" "environment of pipenv"
  fi
fi
for name in python3 python; do
  if path="$(type -P "$name")"; then
    found "$path" "on PATH"
  fi
done
fail "no Python was found: use actions/setup-python before this action, or name the interpreter in the input python"
