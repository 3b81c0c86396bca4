"""Tests the workflows and docs/releasing.md: their commands exist, and a linter reports no finding."""

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


def matches(pattern: str, file: Path) -> list[str]:
    return re.findall(pattern, file.read_text(encoding="utf-8"))


def tasks() -> Iterator[str]:
    yield from ("check", "assemble", "build", "tasks")
    for folder in (".", "gradle", "java/*", "tests/*"):
        # The pattern excludes the folder `.gradle`.
        for file in ROOT.glob(f"{folder}/[!.]*.gradle"):
            yield from matches(r"(?m)^task (\w+)\(", file)


def named_tasks(file: Path) -> set[str]:
    """Returns the tasks in every command line of gradlew."""
    words = " ".join(matches(r"\./gradlew((?: +[^\s`#|;&]+)+)", file)).split()
    return {word.rpartition(":")[2] for word in words if not word.startswith("-")}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_to_a_commit_with_its_version(file: Path) -> None:
    actions = matches(r"(?m)^[ -]*uses: *(.*)$", file)
    assert actions
    assert [action for action in actions if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_has_read_permission_only_and_every_job_has_a_timeout(file: Path) -> None:
    (top,) = matches(r"(?m)^permissions:\n((?:  .*\n)+)", file)
    assert top == "  contents: read\n"
    assert len(matches(r"(?m)^    runs-on:", file)) == len(matches(r"(?m)^    timeout-minutes: \d+$", file))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_task_and_script_that_is_called_exists(file: Path) -> None:
    assert named_tasks(file) - set(tasks()) == set()
    for script in [*matches(r"python3? +(gradle/\S+?\.py)", file), *matches(r"(?<![\w/])\.ci/\w+", file)]:
        assert (ROOT / script).is_file(), script


def test_the_release_runs_the_commands_of_the_dry_run_in_their_order() -> None:
    """Without one of these commands, the workflow would release a zip that is not tested."""
    (dry_run,) = matches(r"(?s)### 2\. Dry run\n.*?```\n(.*?)```", ROOT / "docs" / "releasing.md")
    release = ROOT / ".github" / "workflows" / "release.yml"
    runs = [
        command.replace(" --no-daemon --console=plain", "")
        for command in matches(r"(?m)^ +(?:- )?run: ([^>|].*)$", release)
    ]
    assert [command for command in runs if command in dry_run.splitlines()] == dry_run.splitlines()
    checks = ["python3 gradle/release/draft.py check", 'python3 gradle/release/draft.py check "$GITHUB_REF_NAME"']
    assert [command for command in runs if command in checks] == checks
    assert max(map(runs.index, checks)) < runs.index(".ci/run")


def test_zizmor_reports_no_finding() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    result = subprocess.run(
        [zizmor, "--offline", "--no-progress", *WORKFLOWS], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_check_and_workflows_use_the_same_version_of_cargo_deny() -> None:
    (version,) = matches(r"(?s)task denyTool.*?def version = '([\d.]+)'", ROOT / "gradle" / "checks.gradle")
    versions = [matches(r"cargo install --locked cargo-deny(?: --version ([\d.]+))?", file) for file in DOCUMENTS]
    assert {number for numbers in versions for number in numbers} == {version}
