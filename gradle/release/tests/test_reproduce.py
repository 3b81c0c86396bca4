"""Tests `reproduce.sh`: equal bytes pass, a difference fails. A small repository replaces pfscim."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from programs import require

SCRIPT = Path(__file__).resolve().parents[1] / "reproduce.sh"


@dataclass
class Repository:
    """A repository whose `./gradlew distAll` writes the output of a shell command into dist/a.zip."""

    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        author = {
            f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        environment = os.environ | author | {"GIT_CONFIG_GLOBAL": "/dev/null", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command, cwd=self.folder, env=environment, umask=0o022, capture_output=True, text=True, check=False
        )

    def commit(self, content: str) -> None:
        self.folder.mkdir()
        gradlew = self.folder / "gradlew"
        script = f'for task; do :; done\n[ "$task" = distAll ] || exit 1\nmkdir -p dist\n{content} > dist/a.zip'
        gradlew.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        gradlew.chmod(0o755)
        (self.folder / ".gitignore").write_text("/dist/\n/build/\n", encoding="utf-8")
        for command in ("init -q", "add .", "commit -q -m first"):
            self.run("git", *command.split()).check_returncode()
        self.run("./gradlew", "distAll").check_returncode()

    def reproduce(self) -> subprocess.CompletedProcess[str]:
        return self.run("sh", str(SCRIPT), "dist/a.zip", "build/reproduce")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    require("git")
    return Repository(tmp_path / "repository")


def test_equal_bytes_pass_and_the_second_build_is_removed(repository: Repository) -> None:
    repository.commit("echo always the same")
    result = repository.reproduce()
    assert result.returncode == 0, result.stderr
    assert "has the same bytes from both builds" in result.stdout
    assert not (repository.folder / "build" / "reproduce").exists()


@pytest.mark.parametrize("content", ["pwd", 'echo "$TZ"', 'echo "$LC_ALL"', "umask"])
def test_a_zip_that_depends_on_the_place_of_the_build_fails(repository: Repository, content: str) -> None:
    repository.commit(content)
    result = repository.reproduce()
    assert result.returncode == 1
    assert "the zips differ" in result.stderr
    first = repository.folder / "dist" / "a.zip"
    second = repository.folder / "build" / "reproduce" / "another-place" / "dist" / "a.zip"
    assert first.read_bytes() != second.read_bytes()


def test_uncommitted_changes_stop_the_script_before_the_build(repository: Repository) -> None:
    repository.commit("echo always the same")
    (repository.folder / "new").touch()
    result = repository.reproduce()
    assert result.returncode == 1
    assert "commit them first" in result.stderr
    assert not (repository.folder / "build").exists()


def test_the_script_fails_if_the_second_build_fails(repository: Repository) -> None:
    repository.commit('[ "$TZ" = UTC ] && echo built')
    result = repository.reproduce()
    assert result.returncode != 0
    assert "same bytes" not in result.stdout
