"""Tests programs.txt, and its readers: the script that installs the programs, the tests, and Gradle's tasks."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import programs
import pytest
from conftest import AddProgram

GRADLE = Path(programs.__file__).parent
ROOT = GRADLE.parent


def test_each_line_has_packages_and_tasks_that_exist() -> None:
    lines = [line for line in programs.LIST.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    scripts = [ROOT / "build.gradle", *GRADLE.glob("*.gradle"), *ROOT.glob("tests/*/build.gradle")]
    tasks = {"all", "check"}
    for script in scripts:
        folder = script.parent.relative_to(ROOT).parts if script.parent != GRADLE else ()
        names = re.findall(r"^task (\w+)", script.read_text(encoding="utf-8"), re.MULTILINE)
        tasks |= {":".join([*folder, name]) for name in names}
    for line in lines:
        _name, packages, needed_by = line.split()
        assert all(re.fullmatch(r"[a-z0-9.+-]+(:arm64)?", package) for package in packages.split(",")), line
        assert set(needed_by.split(",")) <= tasks, line
    assert len(programs.read()) == len(lines), "a program is in two lines"


def test_each_program_is_used() -> None:
    files = [ROOT / "gradlew", ROOT / "build.gradle", *GRADLE.glob("*.gradle"), *GRADLE.glob("*.sh")]
    files += [*GRADLE.glob("release/*.*"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("tests/*/build.gradle")]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for name in programs.read():
        # /lib/ld-* starts other programs; no file here names it.
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        assert name.startswith("/lib/ld-") or any(word.search(text) for text in texts), name


# A list with a program for every task, one for the tests, one for another platform.
LIST = """
# a comment
build   compiler,headers  all
server  server            check
other   other:arm64       distAll
"""
RunScript = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_script(tmp_path: Path, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> RunScript:
    """Runs programs.sh with the list above, on a Debian whose apt-get and dpkg write their arguments to `calls`."""
    script = (GRADLE / "programs.sh").read_text(encoding="utf-8")
    for path in ("/etc/debian_version", "/usr/sbin/policy-rc.d"):
        assert path in script
        script = script.replace(path, str(tmp_path / Path(path).name))
    (tmp_path / "programs.sh").write_text(script, encoding="utf-8")
    (tmp_path / "programs.txt").write_text(LIST, encoding="utf-8")
    (tmp_path / "debian_version").touch()
    (tmp_path / "calls").touch()
    for name in ("dirname", "sed", "cut", "tr", "sort", "grep", "rm", "chmod"):
        (tmp_path / "programs" / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))
    add_program("id", "echo 0")
    add_program("dpkg", f'echo "dpkg $*" >> "{tmp_path}/calls"')
    # The package "compiler" contains the program build.
    install_build = (
        f'case " $* " in *" compiler "*) : > "{tmp_path}/programs/build"; chmod +x "{tmp_path}/programs/build" ;; esac'
    )
    add_program(
        "apt-get",
        f'echo "apt-get $*" >> "{tmp_path}/calls"\n[ -x "{tmp_path}/policy-rc.d" ] || exit 1\n{install_build}',
    )

    # On a build server, CI=true is set for the tests themselves.
    monkeypatch.delenv("CI", raising=False)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", tmp_path / "programs.sh", *arguments], capture_output=True, text=True, check=False
        )

    return run


def installed(tmp_path: Path) -> list[str]:
    """Returns the packages that apt-get installed."""
    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    return re.findall(r"apt-get install .*--no-remove (.*)", calls)


def test_packages_of_the_tasks_are_installed_and_no_service_starts(run_script: RunScript, tmp_path: Path) -> None:
    result = run_script("--console=plain", ":check")
    assert installed(tmp_path) == ["compiler headers server"]
    assert result.returncode == 0
    assert "  * server, for check: server\n" in result.stderr, "the package does not contain the program"
    assert "  * build" not in result.stderr
    assert not (tmp_path / "policy-rc.d").exists()


def test_a_missing_program_of_all_tasks_fails_the_build(run_script: RunScript, add_program: AddProgram) -> None:
    add_program("apt-get", "echo no such package >&2; exit 100")
    result = run_script("help")
    assert result.returncode == 1
    assert "no such package" in result.stderr
    assert "  * build, for all: compiler,headers\n" in result.stderr
    assert "server" not in result.stderr


def test_nothing_is_installed_if_the_user_is_not_root(
    run_script: RunScript, tmp_path: Path, add_program: AddProgram
) -> None:
    add_program("id", "echo 1000")
    add_program("build", "exit 0")
    result = run_script("check")
    assert result.returncode == 0
    assert "  * server, for check: server\n" in result.stderr
    assert "continues; each test or check without its program is skipped" in result.stderr
    assert installed(tmp_path) == []


def test_in_ci_a_missing_program_stops_the_build(
    run_script: RunScript, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_program("id", "echo 1000")
    add_program("build", "exit 0")
    monkeypatch.setenv("CI", "true")
    result = run_script("check")
    assert result.returncode == 1
    assert "stopped, because CI=true is set" in result.stderr


def test_an_excluded_task_needs_no_programs_and_build_includes_check(
    run_script: RunScript, add_program: AddProgram
) -> None:
    add_program("id", "echo 1000")
    add_program("build", "exit 0")
    assert run_script("dist", "-x", "check").stderr == ""
    assert "  * server, for check: server\n" in run_script("build").stderr


def test_programs_for_other_platforms_are_installed_only_with_the_property(
    run_script: RunScript, tmp_path: Path, add_program: AddProgram
) -> None:
    add_program("build", "exit 0")
    result = run_script("distAll")
    assert (result.returncode, result.stderr, installed(tmp_path)) == (0, "", [])
    run_script("distAll", "-Pinstall")
    assert installed(tmp_path) == ["other:arm64"]
    assert (tmp_path / "calls").read_text(encoding="utf-8").startswith("dpkg --add-architecture arm64\n")


def test_a_test_without_its_program_is_skipped_but_fails_in_ci(
    tmp_path: Path, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "LIST", tmp_path / "programs.txt")
    programs.LIST.write_text(LIST, encoding="utf-8")
    for ci, outcome in ((None, pytest.skip.Exception), ("true", pytest.fail.Exception)):
        monkeypatch.setenv("CI", ci) if ci else monkeypatch.delenv("CI", raising=False)
        with pytest.raises((pytest.skip.Exception, pytest.fail.Exception)) as result:
            programs.require("build")
        assert result.type is outcome
        assert str(result.value) == "missing program: build (Debian package: compiler headers)"
    build = add_program("build", "exit 0")
    assert programs.require("build") == build
