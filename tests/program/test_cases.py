"""Runs the cases of tests/cases: targets that depart from the RFCs, through core and through the jar.

After each step, what the case expects holds, what the program printed as done is so, and every request is valid.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kit.program import DEPLOY, Run, pfscim
from kit.stand_in import StandIn, with_text_ids
from kit.target_cases import CONNECTION, NAMES, Case, Seen, failures, ldif, read_case
from kit.validation import problems
from kit.zoo_connection import JVM_OPTIONS
from zoo.recorder import RawRequest, Recorder
from zoo.server import parse_request

TOKEN = "a-token-of-the-cases"
WAYS = ("direct", "jar")


def write_connection(folder: Path, url: str, settings: dict[str, str]) -> Path:
    """Writes the connection of all cases, with a target and the settings of one case."""
    document: dict[str, Any] = json.loads(CONNECTION.read_text(encoding="utf-8"))
    changes = {"SCIM_URL": url} | settings
    provision = document["outboundProvision"]
    rows = [row for row in provision["targetSettings"] if row["name"] not in changes]
    provision["targetSettings"] = rows + [{"name": name, "value": value} for name, value in changes.items()]
    path = folder / "connection.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def sync(connection: Path, source: Path, state: Path, way: str) -> Run:
    """Runs a cycle."""
    arguments = ["sync", connection, "--source", f"ldif:{source}", "--state", state, "--json"]
    arguments += ["--secret", "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN"]
    if way == "jar":
        arguments += ["--plugin", DEPLOY]
    environment = {"TARGET_TOKEN": TOKEN, "JAVA_TOOL_OPTIONS": " ".join(JVM_OPTIONS)}
    run = pfscim(*arguments, environment=environment)
    assert TOKEN not in run.out + run.err, "the program prints a secret"
    return run


def faults(request: RawRequest, target: StandIn) -> list[str]:
    """Returns what is not valid SCIM 2.0 in a request. A target that shows ids as numbers may get them as numbers."""
    parsed = parse_request(request)
    if "ids_shown" in target.quirks:
        parsed = replace(parsed, body=with_text_ids(parsed.body))
    return problems(parsed, "2.0")


def play(case: Case, way: str, folder: Path) -> None:
    """Runs the steps of a case, and checks each one."""
    target = StandIn(case.quirks, case.users)
    source, state = folder / "directory.ldif", folder / "state.sqlite"
    with Recorder(override=target.respond) as recorder:
        connection = write_connection(folder, recorder.url, case.settings)
        for number, step in enumerate(case.steps, 1):
            if step.new_state:
                state.unlink()
            for uid in step.signs_in:
                target.sign_in(step.names[uid])
            target.quirks |= step.quirks
            source.write_text(ldif(step.people, step.groups), encoding="utf-8")
            recorder.clear_requests()
            run = sync(connection, source, state, way)
            requests = list(recorder.raw_requests)
            found = failures(Seen(step, run, target.accounts, target.groups, requests))
            found += [problem for request in requests for problem in faults(request, target)]
            sent = "\n".join(map(str, requests))
            assert found == [], f"step {number}: {found}\n{run}\n--- requests\n{sent}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_after_each_step_of_a_case_the_target_is_right(name, way, tmp_path):
    play(read_case(name), way, tmp_path)
