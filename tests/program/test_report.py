"""Checks the page of `pfscim plan --html` in a real browser: it shows every change, and data cannot run a script."""

import json
import subprocess
from html.parser import HTMLParser

import pytest
from kit import population
from kit.program import pfscim
from zoo.process import require
from zoo.recorder import Recorder

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
SECRET = "a-masked-value"


class Page(HTMLParser):
    """The visible content of the page after its script ran: texts by outcome, counts, title and banner."""

    VOID = frozenset({"meta", "input", "br", "img", "link"})

    def __init__(self, text):
        super().__init__()
        self.title, self.output, self.banner = "", "", ""
        self.sections: dict[str, list[str]] = {}
        self.tags: list[str] = []
        self.tiles: list[int] = []
        self._open: list[tuple[str, bool, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag in self.VOID:
            return
        hidden = "hidden" in attributes or any(hidden for _, hidden, _ in self._open)
        self._open.append((tag, hidden, attributes))
        if tag == "article" and not hidden:
            self.sections.setdefault(self._section(), []).append("")

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not self._open:
            return
        tag, hidden, _ = self._open[-1]
        inside = [open_tag for open_tag, _, _ in self._open]
        if tag == "title":
            self.title += data
        elif tag == "output" and not hidden:
            self.output += data
        elif tag == "b":
            self.tiles.append(int(data))
        elif "article" in inside and not hidden:
            self.sections[self._section()][-1] += data + " "
        elif any("refused" in (a.get("class") or "") for _, _, a in self._open):
            self.banner += data

    def _section(self):
        return next(a["data-outcome"] for tag, _, a in self._open if tag == "section")


def browse(path, folder, query="") -> Page:
    """Loads the page in a browser, which runs its script, and returns the resulting page."""
    completed = subprocess.run(
        [
            require("chromium"),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder / 'browser'}",
            "--dump-dom",
            path.as_uri() + query,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert completed.returncode == 0 and "</html>" in completed.stdout, completed.stderr
    return Page(completed.stdout)


@pytest.fixture
def report(started_server, tmp_path):
    """Runs a first cycle, and returns a function that runs further commands on its state."""
    started_server.replace_resources([])
    with Recorder(started_server) as wire:
        connection = population.connection(wire.url)
        connection["name"] = HOSTILE
        for mapping in connection["outboundProvision"]["channels"][0]["attributeMapping"]:
            if mapping["fieldName"] == "employeeNumber":
                mapping["saasFieldInfo"]["masked"] = True
        (tmp_path / "c.json").write_text(json.dumps(connection))

        def run(command, ldif, *more):
            return pfscim(
                command,
                tmp_path / "c.json",
                "--source",
                f"ldif:{ldif}",
                "--state",
                tmp_path / "x.state",
                "--json",
                "--secret",
                "OAUTH_ACCESS_TOKEN=env:TARGET_TOKEN",
                *more,
                environment={"TARGET_TOKEN": started_server.token},
            )

        directory = population.ldif(tmp_path / "a.ldif", range(30))
        assert run("sync", directory).status == 0
        yield run


def write_changed_directory(folder, numbers=range(2, 31)):
    """Writes a directory with two leavers, a newcomer with a duplicate name, a hostile title and a new masked value."""
    directory = population.ldif(folder / "b.ldif", [*numbers, 99])
    entries = directory.read_text().split("\n\n")
    for index, entry in enumerate(entries):
        if "user000004" in entry:
            entries[index] = entry.replace("title: Engineer", f"title: {HOSTILE}")
        if "user000006" in entry:
            entries[index] = entry.replace("employeeNumber: 6", f"employeeNumber: {SECRET}")
        if "user000099" in entry:
            entries[index] = entry.replace(population.name(99), population.name(8))
    directory.write_text("\n\n".join(entries))
    return directory


def test_the_page_shows_every_changed_record_and_its_changes(report, tmp_path):
    path = tmp_path / "plan.html"
    plan = report("plan", write_changed_directory(tmp_path), "--html", path)
    assert plan.status == 1, plan
    assert SECRET not in path.read_text()
    page = browse(path, tmp_path)
    # The page must show the same records as the JSON of the plan.
    expected = {}
    for line in plan.lines:
        if line["outcome"] != "unchanged":
            expected.setdefault(line["outcome"], []).append(line["identifier"])
    assert {outcome: [text.split()[0] for text in texts] for outcome, texts in page.sections.items()} == {
        outcome: sorted(names) for outcome, names in expected.items()
    }
    assert sorted(page.tiles) == sorted(count for count in plan.summary.values() if count)
    assert {outcome: len(names) for outcome, names in expected.items()} == {
        "created": 1,
        "disabled": 2,
        "updated": 2,
        "failed": 1,
    }
    assert page.output == f"{sum(map(len, expected.values()))} of {sum(map(len, expected.values()))} shown"
    (hostile_text,) = [text for text in page.sections["updated"] if population.name(4) in text]
    assert "title" in hostile_text and "Engineer" in hostile_text and HOSTILE in hostile_text
    (masked_text,) = [text for text in page.sections["updated"] if population.name(6) in text]
    assert "employeeNumber" in masked_text and "***" in masked_text


def test_data_cannot_run_a_script_on_the_page(report, tmp_path):
    path = tmp_path / "plan.html"
    report("plan", write_changed_directory(tmp_path), "--html", path)
    page = browse(path, tmp_path)
    assert page.title == f"Provisioning plan: {HOSTILE}"
    assert page.tags.count("script") == page.tags.count("style") == 1 and "img" not in page.tags


def test_the_content_security_policy_blocks_an_injected_script(report, tmp_path):
    path = tmp_path / "plan.html"
    report("plan", write_changed_directory(tmp_path), "--html", path)
    # If escaping failed, the policy must still stop the script.
    injected = tmp_path / "injected.html"
    injected.write_text(path.read_text().replace("<main>", f"{HOSTILE}<main>"))
    page = browse(injected, tmp_path)
    assert "img" in page.tags and page.title == f"Provisioning plan: {HOSTILE}"
    assert "shown" in page.output, "the script of the page did not run"


def test_the_search_finds_records_by_words(report, tmp_path):
    path = tmp_path / "plan.html"
    report("plan", write_changed_directory(tmp_path), "--html", path)
    page = browse(path, tmp_path, "#q=engineer%20USER000004")
    assert {outcome: len(texts) for outcome, texts in page.sections.items()} == {"updated": 1}
    assert page.output.startswith("1 of ")


def test_the_page_of_a_plan_that_the_guard_stops_has_a_banner(report, tmp_path):
    path = tmp_path / "plan.html"
    plan = report("plan", population.ldif(tmp_path / "five.ldif", range(5)), "--html", path)
    assert plan.status == 2
    page = browse(path, tmp_path)
    assert "removal guard stops" in page.banner and "--max-removals 25" in page.banner
    assert all(population.name(n) in page.banner for n in range(5, 30))
    assert len(page.sections["disabled"]) == 25
