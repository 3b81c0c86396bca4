"""The list of programs, and its three readers: the script that installs them, the tests, and Gradle's tasks."""

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
        # A library that starts programs is used by these programs.
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        assert name.startswith("/lib/ld-") or any(word.search(text) for text in texts), name


# A list with a program for every task, one for the tests, one for another platform.
LIST = """
# a comment
build   compiler,headers  all
server  server            check
other   other:arm64       distAll
"""
Look = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def look(tmp_path: Path, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Runs programs.sh with the list above, on a Debian whose apt-get and dpkg write their calls to the file `calls`."""
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
    # The package "compiler" brings the program build.
    brings = (
        f'case " $* " in *" compiler "*) : > "{tmp_path}/programs/build"; chmod +x "{tmp_path}/programs/build" ;; esac'
    )
    add_program(
        "apt-get", f'echo "apt-get $*" >> "{tmp_path}/calls"\n[ -x "{tmp_path}/policy-rc.d" ] || exit 1\n{brings}'
    )

    # The tests themselves run with CI=true on a build server.
    monkeypatch.delenv("CI", raising=False)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", tmp_path / "programs.sh", *arguments], capture_output=True, text=True, check=False
        )

    return run


def installed(tmp_path: Path) -> list[str]:
    """What apt-get had to install."""
    calls = (tmp_path / "calls").read_text(encoding="utf-8")
    return re.findall(r"apt-get install .*--no-remove (.*)", calls)


def test_packages_of_the_tasks_are_installed_and_no_service_starts(look: Look, tmp_path: Path) -> None:
    ended = look("--console=plain", ":check")
    assert installed(tmp_path) == ["compiler headers server"]
    assert ended.returncode == 0
    assert "  * server, for check: server\n" in ended.stderr, "the package did not bring it"
    assert "  * build" not in ended.stderr
    assert not (tmp_path / "policy-rc.d").exists()


def test_a_program_for_every_task_that_is_still_missing_is_a_failure(look: Look, add_program: AddProgram) -> None:
    add_program("apt-get", "echo no such package >&2; exit 100")
    ended = look("help")
    assert ended.returncode == 1
    assert "no such package" in ended.stderr
    assert "  * build, for all: compiler,headers\n" in ended.stderr
    assert "server" not in ended.stderr


def test_nothing_is_installed_if_the_user_is_not_root(look: Look, tmp_path: Path, add_program: AddProgram) -> None:
    add_program("id", "echo 1000")
    add_program("build", "exit 0")
    ended = look("check")
    assert ended.returncode == 0
    assert "  * server, for check: server\n" in ended.stderr
    assert "goes on; a test or check without its program is not run" in ended.stderr
    assert installed(tmp_path) == []


def test_in_ci_a_missing_program_stops_the_build(
    look: Look, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_program("id", "echo 1000")
    add_program("build", "exit 0")
    monkeypatch.setenv("CI", "true")
    ended = look("check")
    assert ended.returncode == 1
    assert "stopped, because CI=true is set" in ended.stderr


def test_a_task_that_is_left_out_needs_no_programs_and_build_is_check(look: Look, add_program: AddProgram) -> None:
    add_program("id", "echo 1000")
    add_program("build", "exit 0")
    assert look("dist", "-x", "check").stderr == ""
    assert "  * server, for check: server\n" in look("build").stderr


def test_programs_for_other_platforms_are_installed_if_asked_for(
    look: Look, tmp_path: Path, add_program: AddProgram
) -> None:
    add_program("build", "exit 0")
    ended = look("distAll")
    assert (ended.returncode, ended.stderr, installed(tmp_path)) == (0, "", [])
    look("distAll", "-Pinstall")
    assert installed(tmp_path) == ["other:arm64"]
    assert (tmp_path / "calls").read_text(encoding="utf-8").startswith("dpkg --add-architecture arm64\n")


def test_a_test_without_its_program_is_skipped_and_fails_in_ci(
    tmp_path: Path, add_program: AddProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "LIST", tmp_path / "programs.txt")
    programs.LIST.write_text(LIST, encoding="utf-8")
    for ci, outcome in ((None, pytest.skip.Exception), ("true", pytest.fail.Exception)):
        monkeypatch.setenv("CI", ci) if ci else monkeypatch.delenv("CI", raising=False)
        with pytest.raises((pytest.skip.Exception, pytest.fail.Exception)) as ended:
            programs.require("build")
        assert ended.type is outcome
        assert str(ended.value) == "not run, missing: build (package of Debian: compiler headers)"
    build = add_program("build", "exit 0")
    assert programs.require("build") == build
