"""The workflows of the forge, and docs/releasing.md: their commands exist, and a linter finds no weakness."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
DOCUMENTS = [*WORKFLOWS, ROOT / "docs" / "releasing.md"]
# The commit that a tag named when it was pinned, with the tag.
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def found(pattern: str, file: Path) -> list[str]:
    return re.findall(pattern, file.read_text(encoding="utf-8"))


def tasks() -> Iterator[str]:
    yield from ("check", "assemble", "build", "tasks")
    for folder in (".", "gradle", "java/*", "tests/*"):
        # Not the folder `.gradle`.
        for file in ROOT.glob(f"{folder}/[!.]*.gradle"):
            yield from found(r"(?m)^task (\w+)\(", file)


def named_tasks(file: Path) -> set[str]:
    """The tasks of every call of gradlew."""
    words = " ".join(found(r"\./gradlew((?: +[^\s`#|;&]+)+)", file)).split()
    return {word.rpartition(":")[2] for word in words if not word.startswith("-")}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_with_its_version(file: Path) -> None:
    actions = found(r"(?m)^[ -]*uses: *(.*)$", file)
    assert actions
    assert [action for action in actions if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_reads_only_unless_a_job_says_more_and_every_job_ends(file: Path) -> None:
    (top,) = found(r"(?m)^permissions:\n((?:  .*\n)+)", file)
    assert top == "  contents: read\n"
    assert len(found(r"(?m)^    runs-on:", file)) == len(found(r"(?m)^    timeout-minutes: \d+$", file))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_task_and_script_that_is_called_exists(file: Path) -> None:
    assert named_tasks(file) - set(tasks()) == set()
    for script in [*found(r"python3? +(gradle/\S+?\.py)", file), *found(r"(?<![\w/])\.ci/\w+", file)]:
        assert (ROOT / script).is_file(), script


def test_the_release_runs_the_commands_of_the_dry_run_in_their_order() -> None:
    """A workflow that leaves one out would release what was not tested."""
    (dry_run,) = found(r"(?s)### 2\. Dry run\n.*?```\n(.*?)```", ROOT / "docs" / "releasing.md")
    release = ROOT / ".github" / "workflows" / "release.yml"
    runs = [
        command.replace(" --no-daemon --console=plain", "")
        for command in found(r"(?m)^ +(?:- )?run: ([^>|].*)$", release)
    ]
    assert [command for command in runs if command in dry_run.splitlines()] == dry_run.splitlines()
    checks = ["python3 gradle/release/draft.py check", 'python3 gradle/release/draft.py check "$GITHUB_REF_NAME"']
    assert [command for command in runs if command in checks] == checks
    assert max(map(runs.index, checks)) < runs.index(".ci/run")


def test_the_linter_of_workflows_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    ended = subprocess.run(
        [zizmor, "--offline", "--no-progress", *WORKFLOWS], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_check_and_workflows_use_one_version_of_cargo_deny() -> None:
    (version,) = found(r"(?s)task denyTool.*?def version = '([\d.]+)'", ROOT / "gradle" / "checks.gradle")
    named = [found(r"cargo install --locked cargo-deny(?: --version ([\d.]+))?", file) for file in DOCUMENTS]
    assert {number for numbers in named for number in numbers} == {version}
