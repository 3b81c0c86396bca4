"""Writes a small tree of crates for the tests: folders with licence texts, and the output of `cargo metadata`.

pfscim-bridge  needs alpha, which needs beta; needs build-tool for its build script and test-tool for its tests
pfscim-cli     needs alpha and gamma
"""

import json
import shlex
from pathlib import Path

DEPENDENCIES = {
    "pfscim-bridge": {"alpha": [None], "build-tool": ["build"], "test-tool": ["dev"]},
    "pfscim-cli": {"alpha": [None, "build"], "gamma": [None]},
    "alpha": {"beta": [None]},
    "beta": {},
    "gamma": {},
    "build-tool": {},
    "test-tool": {},
}
VERSIONS = {"alpha": "1.2.3", "beta": "0.4.0", "gamma": "2.0.0", "build-tool": "7.0.0", "test-tool": "8.0.0"}
LICENCES = {"alpha": "MIT/Apache-2.0", "beta": None, "gamma": "ISC"}
FILES = {
    "alpha": {"LICENSE-MIT": "MIT text of alpha", "LICENSE-APACHE": "Apache text", "README.md": "readme of alpha"},
    "beta": {"COPYING": "\nApache text\n\n", "NOTICE.txt": "notice of beta"},
    "gamma": {"Licence": "text of gamma", "license.rs": "code of gamma", "LICENSE.toml": "table of gamma"},
    "build-tool": {"LICENSE": "text of build-tool"},
    "test-tool": {"LICENSE": "text of test-tool"},
    "pfscim-bridge": {"LICENSE": "text of pfscim"},
}
CHECKSUMS = {"alpha": "a1" * 32, "beta": "b2" * 32, "gamma": "c3" * 32}


def write_crates(folder: Path) -> dict:
    """Writes the folders of the crates. Returns their metadata."""
    packages, nodes = [], []
    for name, dependencies in DEPENDENCIES.items():
        crate = folder / name
        crate.mkdir(parents=True)
        (crate / "Cargo.toml").write_text("", encoding="utf-8")
        for file, text in FILES.get(name, {}).items():
            (crate / file).write_text(text, encoding="utf-8")
        packages.append(
            {
                "id": f"id of {name}",
                "name": name,
                "version": VERSIONS.get(name, "0.1.0"),
                "source": None if name.startswith("pfscim-") else "registry+https://registry.example",
                "license": LICENCES.get(name, "MIT"),
                "description": f"about {name}",
                "manifest_path": str(crate / "Cargo.toml"),
            }
        )
        deps = [{"pkg": f"id of {d}", "dep_kinds": [{"kind": k} for k in kinds]} for d, kinds in dependencies.items()]
        nodes.append({"id": f"id of {name}", "deps": deps})
    # A folder with the name of a licence file is not a licence text.
    (folder / "gamma" / "LICENSES").mkdir()
    return {"packages": packages, "resolve": {"nodes": nodes}}


def cargo_that_prints(metadata: dict, arguments: Path) -> str:
    """Returns a script for `cargo` that prints the metadata, and writes its own arguments to a file."""
    return f'echo "$@" > {shlex.quote(str(arguments))}\nprintf %s {shlex.quote(json.dumps(metadata))}'


def lock_file() -> str:
    """Returns the text of Cargo.lock. Only crates from a registry have a checksum in it."""
    lines = ["version = 4"]
    for name in DEPENDENCIES:
        lines += ["", "[[package]]", f'name = "{name}"', f'version = "{VERSIONS.get(name, "0.1.0")}"']
        if name in CHECKSUMS:
            lines.append(f'checksum = "{CHECKSUMS[name]}"')
    return "\n".join(lines) + "\n"
