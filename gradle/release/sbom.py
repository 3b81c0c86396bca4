"""Writes the bill of materials of the jar as CycloneDX JSON. Usage: sbom.py VERSION FILE

It lists every crate in the native libraries, with its licence, its checksum in the registry and its dependencies. For one
commit, the file always has the same bytes.
"""

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import tomli
from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from notices import reachable, read_metadata
from packageurl import PackageURL
from tools import TRIPLES, compiler

ROOT = Path(__file__).resolve().parents[2]
# The crate of the native libraries.
LIBRARY_CRATE = "pfscim-bridge"


def main(version: str, out: Path) -> None:
    metadata = read_metadata(set(TRIPLES.values()))
    packages = {package["id"]: package for package in metadata["packages"]}
    (start,) = (i for i, package in packages.items() if package["name"] == LIBRARY_CRATE)
    checksums = read_checksums()
    shipped = reachable(metadata, [start])
    components = {i: crate(packages[i], checksums) for i in sorted(shipped)}

    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"pkg:maven/org.pfscim/pfscim-connector@{version}"))
    bom.metadata.timestamp = datetime.fromtimestamp(commit_time(), timezone.utc)
    jar = Component(
        type=ComponentType.LIBRARY,
        group="org.pfscim",
        name="pfscim-connector",
        version=version,
        bom_ref="pfscim-connector",
        purl=PackageURL("maven", "org.pfscim", "pfscim-connector", version),
        licenses=[licence("MIT OR Apache-2.0")],
    )
    bom.metadata.component = jar
    rust = standard_library()
    for component in [*components.values(), rust]:
        bom.components.add(component)
    bom.register_dependency(jar, [components[start], rust])
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    for i, component in components.items():
        dependencies = {d["pkg"] for d in nodes[i]["deps"] if any(kind["kind"] is None for kind in d["dep_kinds"])}
        bom.register_dependency(component, [components[d] for d in sorted(dependencies)])
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n", encoding="utf-8")


def crate(package: dict, checksums: dict[tuple[str, str], str]) -> Component:
    name, version = package["name"], package["version"]
    checksum = checksums.get((name, version))
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        description=package["description"],
        bom_ref=f"{name}@{version}",
        purl=PackageURL("cargo", None, name, version) if package["source"] else None,
        # Old crates write OR as a slash, which is not an SPDX expression.
        licenses=[licence(package["license"].replace("/", " OR "))] if package["license"] else [],
        hashes=[HashTypeFactory().from_composite_str(f"sha256:{checksum}")] if checksum else [],
    )


def standard_library() -> Component:
    version = subprocess.run([compiler().rustc, "-V"], check=True, capture_output=True, text=True).stdout.split()[1]
    return Component(
        type=ComponentType.LIBRARY,
        name="std",
        version=version,
        description="The Rust standard library",
        bom_ref=f"rust-std@{version}",
        licenses=[licence("MIT OR Apache-2.0")],
    )


def licence(expression: str):
    return LicenseFactory().make_from_string(expression)


def read_checksums() -> dict[tuple[str, str], str]:
    lock = tomli.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(p["name"], p["version"]): p["checksum"] for p in lock["package"] if "checksum" in p}


def commit_time() -> int:
    """Returns SOURCE_DATE_EPOCH, otherwise the time of the commit, otherwise 0 (1970), in seconds."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return 0


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
