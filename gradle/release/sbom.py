"""Writes the bill of materials of the jar as CycloneDX JSON: every crate in the native libraries, with its licence, its
checksum in the registry and what it depends on. Of one commit it is always the same. Usage: sbom.py VERSION FILE
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
CONTENT = "pfscim-bridge"


def main(version: str, out: Path) -> None:
    metadata = read_metadata(set(TRIPLES.values()))
    packages = {package["id"]: package for package in metadata["packages"]}
    (start,) = (i for i, package in packages.items() if package["name"] == CONTENT)
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
        below = {d["pkg"] for d in nodes[i]["deps"] if any(kind["kind"] is None for kind in d["dep_kinds"])}
        bom.register_dependency(component, [components[d] for d in sorted(below)])
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
        # An older way to write OR.
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
    """SOURCE_DATE_EPOCH, or when the commit was made; where there is neither, the beginning of time."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        return 0


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
