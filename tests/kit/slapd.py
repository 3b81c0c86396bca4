"""Starts a directory for tests: Debian's slapd on a free loopback port, with its data in a folder of the test.

If slapd is not installed, the test is skipped. If it is installed and does not start, the test fails.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from zoo.process import LOOPBACK, Process, require, start_on_free_port

BASE = "dc=example,dc=com"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ADMIN = f"cn=admin,{BASE}"
READER = f"cn=reader,{BASE}"
# May read all entries, but a search returns at most SEARCH_ENTRIES_MAX of them.
LIMITED_READER = f"cn=small,{BASE}"
SEARCH_ENTRIES_MAX = 5
PASSWORD = "directory-password"

CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/pid
argsfile {folder}/args
loglevel stats
logfile {folder}/log
sizelimit unlimited
{tls}
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {folder}/data
index objectClass,entryUUID eq
overlay memberof
access to attrs=userPassword by anonymous auth
access to * by users read by anonymous read
limits dn.exact="{limited_reader}" size={entries_max}
"""

FIRST_ENTRIES = f"""
dn: {BASE}
objectClass: domain
dc: example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups
""" + "".join(
    f"""
dn: {name}
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: {name.split(",")[0][3:]}
userPassword: {PASSWORD}
"""
    for name in (READER, LIMITED_READER)
)


@dataclass
class Search:
    """One search, from the log of the directory."""

    base: str
    filter: str
    attributes: list[str]
    entries: int


class Slapd:
    """A running slapd. slapadd writes its first entries, ldapmodify changes them."""

    def __init__(self, folder: Path, ldif: str, certificates: Path | None = None, scheme: str = "") -> None:
        self.folder = folder
        self.scheme = scheme or ("ldap" if certificates is None else "ldaps")
        (folder / "data").mkdir(parents=True)
        tls = ""
        if certificates is not None:
            tls = f"TLSCertificateFile {certificates}/good.pem\nTLSCertificateKeyFile {certificates}/good.key"
        values = {"base": BASE, "admin": ADMIN, "password": PASSWORD}
        values |= {"limited_reader": LIMITED_READER, "entries_max": SEARCH_ENTRIES_MAX}
        self.configuration = folder / "slapd.conf"
        self.configuration.write_text(CONFIGURATION.format(folder=folder, tls=tls, **values), encoding="utf-8")
        self._run([require("slapadd"), "-q", "-f", self.configuration], FIRST_ENTRIES + ldif)
        self._process: Process | None = None
        self._log_lines_read = 0

    def __enter__(self) -> "Slapd":
        slapd = require("slapd")

        def command(port: int) -> list[str | Path]:
            # With -d, slapd does not detach, so it can be stopped by the id of this child process.
            return [slapd, "-f", self.configuration, "-h", f"{self.scheme}://{LOOPBACK}:{port}/", "-d", "stats"]

        self._process, self.port = start_on_free_port(command)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port}"

    def change(self, ldif: str) -> None:
        """Adds, modifies and deletes entries. `ldif` is input of `ldapmodify -a`."""
        address = f"ldap://{LOOPBACK}:{self.port}"
        self._run([require("ldapmodify"), "-a", "-x", "-H", address, "-D", ADMIN, "-w", PASSWORD], ldif)

    def searches(self) -> list[Search]:
        """Returns the searches since the last call of this method."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        new_lines, self._log_lines_read = lines[self._log_lines_read :], len(lines)
        searches: dict[str, Search] = {}
        for line in new_lines:
            operation = re.search(r"(conn=\d+ op=\d+) (SRCH base=|SRCH attr=|SEARCH RESULT)", line)
            if operation is None:
                continue
            if request := re.search(r'SRCH base="(.*)" scope=.* filter="(.*)"$', line):
                searches[operation[1]] = Search(request[1], request[2], [], 0)
            elif attributes := re.search(r"SRCH attr=(.*)$", line):
                searches[operation[1]].attributes = attributes[1].split()
            elif result := re.search(r"nentries=(\d+)", line):
                searches[operation[1]].entries = int(result[1])
        return list(searches.values())

    @staticmethod
    def _run(command: list[str | Path], ldif: str) -> None:
        result = subprocess.run(
            [str(c) for c in command], input=ldif, capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode == 0, f"{command[0]}: {result.stderr}"


def person(number: int, **more: str) -> str:
    """Returns the LDIF entry of a user, with an old modifyTimestamp."""
    values = {
        "objectClass": "inetOrgPerson",
        "uid": f"user{number}",
        "cn": f"User {number}",
        "givenName": "User",
        "sn": f"Number {number}",
        "mail": f"user{number}@example.com",
        "title": "Engineer",
        "entryUUID": guid(number),
        "modifyTimestamp": "20240102030405Z",
    } | more
    return f"\ndn: uid=user{number},{PEOPLE}\n" + "".join(f"{name}: {value}\n" for name, value in values.items())


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def group(name: str, *members: str) -> str:
    """Returns the LDIF entry of a `groupOfNames`."""
    return f"\ndn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n" + "".join(
        f"member: {member}\n" for member in members
    )


def member(number: int) -> str:
    return f"uid=user{number},{PEOPLE}"
