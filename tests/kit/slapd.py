"""A real directory for tests: Debian's slapd as a process of its own, on a free loopback port, with its data in a
folder of the test.

If slapd is not installed, the test is not run. If it is installed and does not start, that is an error.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from zoo.process import LOOPBACK, Process, on_free_port, require

BASE = "dc=example,dc=com"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ADMIN = f"cn=admin,{BASE}"
READER = f"cn=reader,{BASE}"
# May read everything, but not more than so many entries at a time.
SMALL = f"cn=small,{BASE}"
LIMIT = 5
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
limits dn.exact="{small}" size={limit}
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
    for name in (READER, SMALL)
)


@dataclass
class Found:
    """One search as the directory's log has it."""

    base: str
    filter: str
    attributes: list[str]
    entries: int


class Slapd:
    """slapd, filled by its own slapadd and changed by ldapmodify."""

    def __init__(self, folder: Path, ldif: str, certificates: Path | None = None, scheme: str = "") -> None:
        self.folder = folder
        self.scheme = scheme or ("ldap" if certificates is None else "ldaps")
        (folder / "data").mkdir(parents=True)
        tls = ""
        if certificates is not None:
            tls = f"TLSCertificateFile {certificates}/good.pem\nTLSCertificateKeyFile {certificates}/good.key"
        values = {"base": BASE, "admin": ADMIN, "password": PASSWORD, "small": SMALL, "limit": LIMIT}
        self.configuration = folder / "slapd.conf"
        self.configuration.write_text(CONFIGURATION.format(folder=folder, tls=tls, **values), encoding="utf-8")
        self._run([require("slapadd"), "-q", "-f", self.configuration], FIRST_ENTRIES + ldif)
        self._process: Process | None = None
        self._read = 0

    def __enter__(self) -> "Slapd":
        slapd = require("slapd")

        def command(port: int) -> list[str | Path]:
            # Told what to log, it stays a child of this process.
            return [slapd, "-f", self.configuration, "-h", f"{self.scheme}://{LOOPBACK}:{port}/", "-d", "stats"]

        self._process, self.port = on_free_port(command)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    @property
    def url(self) -> str:
        return f"{self.scheme}://{LOOPBACK}:{self.port}"

    def change(self, ldif: str) -> None:
        """Adds, modifies and deletes entries, as `ldapmodify -a` reads it."""
        address = f"ldap://{LOOPBACK}:{self.port}"
        self._run([require("ldapmodify"), "-a", "-x", "-H", address, "-D", ADMIN, "-w", PASSWORD], ldif)

    def searches(self) -> list[Found]:
        """What was looked for since this was last asked."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        fresh, self._read = lines[self._read :], len(lines)
        asked: dict[str, Found] = {}
        for line in fresh:
            about = re.search(r"(conn=\d+ op=\d+) (SRCH base=|SRCH attr=|SEARCH RESULT)", line)
            if about is None:
                continue
            if begun := re.search(r'SRCH base="(.*)" scope=.* filter="(.*)"$', line):
                asked[about[1]] = Found(begun[1], begun[2], [], 0)
            elif attributes := re.search(r"SRCH attr=(.*)$", line):
                asked[about[1]].attributes = attributes[1].split()
            elif ended := re.search(r"nentries=(\d+)", line):
                asked[about[1]].entries = int(ended[1])
        return list(asked.values())

    @staticmethod
    def _run(command: list[str | Path], ldif: str) -> None:
        done = subprocess.run(
            [str(c) for c in command], input=ldif, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command[0]}: {done.stderr}"


def person(number: int, **more: str) -> str:
    """A user who was last changed long ago."""
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
    """A group of names."""
    return f"\ndn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n" + "".join(
        f"member: {member}\n" for member in members
    )


def member(number: int) -> str:
    return f"uid=user{number},{PEOPLE}"
