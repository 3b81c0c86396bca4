"""The page of `pfscim plan --html`, in a real browser: what it shows, what it hides, and that nothing in the data can
act on it."""

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
    """The page as the browser has it: what is shown of it, outcome by outcome."""

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


def browse(page, folder, query="") -> Page:
    """Lets a browser load the page and run its script, and reads what then is there."""
    done = subprocess.run(
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
            page.as_uri() + query,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0 and "</html>" in done.stdout, done.stderr
    return Page(done.stdout)


@pytest.fixture
def report(running, tmp_path):
    """Ways to the report of a plan in which something of everything happens."""
    running.hold([])
    with Recorder(running) as wire:
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
                environment={"TARGET_TOKEN": running.token},
            )

        before = population.ldif(tmp_path / "a.ldif", range(30))
        assert run("sync", before).status == 0
        yield run


def changed(folder, numbers=range(2, 31)):
    """Two left, one is new, one is there twice, one has a hostile title, one another masked value."""
    after = population.ldif(folder / "b.ldif", [*numbers, 99])
    entries = after.read_text().split("\n\n")
    for index, entry in enumerate(entries):
        if "user000004" in entry:
            entries[index] = entry.replace("title: Engineer", f"title: {HOSTILE}")
        if "user000006" in entry:
            entries[index] = entry.replace("employeeNumber: 6", f"employeeNumber: {SECRET}")
        if "user000099" in entry:
            entries[index] = entry.replace(population.name(99), population.name(8))
    after.write_text("\n\n".join(entries))
    return after


def test_the_page_shows_every_changed_record_and_its_changes(report, tmp_path):
    page = tmp_path / "plan.html"
    plan = report("plan", changed(tmp_path), "--html", page)
    assert plan.status == 1, plan
    assert SECRET not in page.read_text()
    shown = browse(page, tmp_path)
    # What is on the page is what the plan tells.
    expected = {}
    for line in plan.lines:
        if line["outcome"] != "unchanged":
            expected.setdefault(line["outcome"], []).append(line["identifier"])
    assert {word: [text.split()[0] for text in texts] for word, texts in shown.sections.items()} == {
        word: sorted(names) for word, names in expected.items()
    }
    assert sorted(shown.tiles) == sorted(count for count in plan.summary.values() if count)
    assert {word: len(names) for word, names in expected.items()} == {
        "created": 1,
        "disabled": 2,
        "updated": 2,
        "failed": 1,
    }
    assert shown.output == f"{sum(map(len, expected.values()))} of {sum(map(len, expected.values()))} shown"
    (hostile,) = [text for text in shown.sections["updated"] if population.name(4) in text]
    assert "title" in hostile and "Engineer" in hostile and HOSTILE in hostile
    (masked,) = [text for text in shown.sections["updated"] if population.name(6) in text]
    assert "employeeNumber" in masked and "***" in masked


def test_data_cannot_run_a_script_on_the_page(report, tmp_path):
    page = tmp_path / "plan.html"
    report("plan", changed(tmp_path), "--html", page)
    shown = browse(page, tmp_path)
    assert shown.title == f"Provisioning plan: {HOSTILE}"
    assert shown.tags.count("script") == shown.tags.count("style") == 1 and "img" not in shown.tags


def test_the_content_security_policy_blocks_an_injected_script(report, tmp_path):
    page = tmp_path / "plan.html"
    report("plan", changed(tmp_path), "--html", page)
    # Were something not escaped, the browser would still refuse it.
    injected = tmp_path / "injected.html"
    injected.write_text(page.read_text().replace("<main>", f"{HOSTILE}<main>"))
    shown = browse(injected, tmp_path)
    assert "img" in shown.tags and shown.title == f"Provisioning plan: {HOSTILE}"
    assert "shown" in shown.output, "the script of the page itself runs"


def test_the_search_finds_records_by_words(report, tmp_path):
    page = tmp_path / "plan.html"
    report("plan", changed(tmp_path), "--html", page)
    shown = browse(page, tmp_path, "#q=engineer%20USER000004")
    assert {word: len(texts) for word, texts in shown.sections.items()} == {"updated": 1}
    assert shown.output.startswith("1 of ")


def test_the_page_of_a_plan_that_the_guard_refuses_has_a_banner(report, tmp_path):
    page = tmp_path / "plan.html"
    plan = report("plan", population.ldif(tmp_path / "few.ldif", range(5)), "--html", page)
    assert plan.status == 2
    shown = browse(page, tmp_path)
    assert "removal guard stops" in shown.banner and "--max-removals 25" in shown.banner
    assert all(population.name(n) in shown.banner for n in range(5, 30))
    assert len(shown.sections["disabled"]) == 25
