"""Writes the licences of every crate in the native library or the program into one text file. Usage: notices.py FILE

The crates are those of `cargo metadata` for this machine and for every platform of the jar. The licence texts are files of
the crates.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from tools import TRIPLES

SHIPPED = ("pfscim-bridge", "pfscim-cli")
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def main(out: Path) -> None:
    compiler = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    host = re.search(r"^host: (\S+)", compiler, re.MULTILINE).group(1)
    metadata = read_metadata({host, *TRIPLES.values()})
    packages = {package["id"]: package for package in metadata["packages"]}
    shipped = reachable(metadata, [i for i, package in packages.items() if package["name"] in SHIPPED])
    third_party = [packages[i] for i in shipped if packages[i]["source"]]

    texts: dict[str, list[str]] = {}
    lines = ["pfscim contains these crates, each under the licence next to its name.", ""]
    for package in sorted(third_party, key=lambda p: (p["name"], p["version"])):
        name = f"{package['name']} {package['version']}"
        lines.append(f"  {name}: {package['license'] or 'see the texts below'}")
        for file in sorted(Path(package["manifest_path"]).parent.iterdir()):
            if file.is_file() and LICENCE_FILE.match(file.name) and file.suffix not in (".rs", ".toml"):
                text = file.read_text(encoding="utf-8", errors="replace").strip()
                texts.setdefault(text, []).append(name)
    for text, names in texts.items():
        lines += ["", "=" * 100, *names, "=" * 100, "", text]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_metadata(triples: set[str]) -> dict:
    """Returns the metadata of the packages in a build for these targets."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    for triple in sorted(triples):
        command += ["--filter-platform", triple]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def reachable(metadata: dict, start: list[str]) -> set[str]:
    """Returns the ids of the linked crates: normal dependencies, without those of build scripts and tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    linked: set[str] = set()
    pending = list(start)
    while pending:
        current = pending.pop()
        if current in linked:
            continue
        linked.add(current)
        for dependency in nodes[current]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                pending.append(dependency["pkg"])
    return linked


if __name__ == "__main__":
    main(Path(sys.argv[1]))
