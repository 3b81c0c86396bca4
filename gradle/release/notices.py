"""Writes the licences of every crate that ends up in the native library or the program into one text file.

Reads what Cargo knows about the builds for this machine and for every platform that the jar has a library for
(`cargo metadata`); the licence texts come from the crates themselves. Usage: notices.py FILE
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
    third = sorted((packages[i] for i in shipped if packages[i]["source"]), key=lambda p: (p["name"], p["version"]))

    texts: dict[str, list[str]] = {}
    lines = ["pfscim contains these crates, each under the licence that is named beside it.", ""]
    for package in third:
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
    """What Cargo knows about the packages of a build for these targets."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    for triple in sorted(triples):
        command += ["--filter-platform", triple]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def reachable(metadata: dict, start: list[str]) -> set[str]:
    """The crates that are linked: ordinary dependencies, without build scripts' and tests' own."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    seen: set[str] = set()
    open_ids = list(start)
    while open_ids:
        current = open_ids.pop()
        if current in seen:
            continue
        seen.add(current)
        for dependency in nodes[current]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                open_ids.append(dependency["pkg"])
    return seen


if __name__ == "__main__":
    main(Path(sys.argv[1]))
