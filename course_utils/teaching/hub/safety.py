"""What the hub listens on, where it keeps its secrets and who may log in.
Each refusal is one sentence, a ValueError."""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from course_utils import files
from course_utils.paths import ROOT

CERT, KEY, BIND, CLEAR = "COURSE_HUB_CERT", "COURSE_HUB_KEY", "COURSE_HUB_BIND", "COURSE_HUB_CLEAR_TEXT"
INSIDE = "COURSE_HUB_INSIDE"
STATE = "COURSE_HUB_STATE"
SECRETS = ("jupyterhub.sqlite", "jupyterhub_cookie_secret")
REFUSING = ("nologin", "false", "sync", "shutdown", "halt")  # shells of accounts in which nobody logs in


@dataclass(frozen=True)
class Listening:
    """JupyterHub's ``bind_url``, and the files for TLS; without TLS these are empty."""

    url: str
    certificate: str = ""
    key: str = ""


def listening(environment: Mapping[str, str]) -> Listening:
    """Loopback in clear text, or any address with a certificate;
    in clear text elsewhere only if that is said explicitly."""
    certificate, key = environment.get(CERT, ""), environment.get(KEY, "")
    if bool(certificate) != bool(key):
        one, other = (CERT, KEY) if certificate else (KEY, CERT)
        raise ValueError(f"{one} is set, but {other} is not: set both, or neither and use a proxy or a tunnel.")
    if certificate:
        _check_pair(certificate, key)
    scheme = "https" if certificate else "http"
    address = environment.get(BIND) or (":8000" if certificate else "127.0.0.1:8000")
    host, rest = _parsed(address, scheme)
    if not certificate and not _is_loopback(host) and environment.get(CLEAR) != "yes":
        raise ValueError(
            f"{BIND} is {address}, so passwords would cross the network in clear text: set {CERT} and {KEY}, or bind "
            f"to 127.0.0.1 behind a proxy with TLS, or set {CLEAR}=yes if nobody else is on this network."
        )
    return Listening(f"{scheme}://{rest}", *(os.path.abspath(file) for file in (certificate, key) if file))


def _parsed(address: str, scheme: str) -> tuple[str, str]:
    """The host without brackets, and HOST:PORT with the path that the hub may have."""
    wanted = f"{BIND} is {address!r}, but must be ADDRESS:PORT, such as 127.0.0.1:8000"
    said, _, rest = address.rpartition("://")
    if said not in ("", scheme):
        raise ValueError(
            f"{wanted}; it begins with {said}://, and the hub speaks {scheme}: {CERT} and {KEY} decide that."
        )
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{wanted}.") from None
    if (
        not port
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not re.fullmatch(r"[\w.:%-]*", host)
    ):
        raise ValueError(f"{wanted}.")
    return host, parts.netloc + parts.path


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_pair(certificate: str, key: str) -> None:
    for name, path in ((CERT, certificate), (KEY, key)):
        try:
            with files.opened(Path(path)):
                pass
        except OSError as error:
            raise ValueError(
                f"{name} is {path}, which cannot be read ({files.reason(error)}): correct it."
            ) from error
    if os.name == "posix" and os.stat(key).st_mode & 0o007:
        raise ValueError(f"{KEY} is {key}, which everybody on this machine may use: run `chmod o= {key}` first.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(
            f"{CERT} {certificate} and {KEY} {key} are no certificate with its key, both PEM and without a password "
            f"({files.reason(error)}): correct them."
        ) from error


def state_folder(environment: Mapping[str, str]) -> Path:
    """The folder of the hub's database and cookie secret, which this account alone can enter; it is made if missing.

    An existing folder that others can enter is refused, not changed: it may be somebody's home.
    """
    said = environment.get(STATE) or "/var/lib/attention-for-vision"
    folder = Path(os.path.expanduser(said)).resolve()
    if folder.is_relative_to(ROOT):
        raise ValueError(f"{STATE} is {said}, which is in the course's own folder {ROOT}: name one outside it.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.stat()
        loose = [folder / name for name in SECRETS if (folder / name).exists()]
        if about.st_uid == os.geteuid() and not about.st_mode & 0o077:
            for file in loose:
                file.chmod(0o600)
            return folder
    except OSError as error:
        raise ValueError(
            f"The hub's database and secret cannot be in {folder} ({files.reason(error)}): set {STATE} to another "
            "folder."
        ) from error
    raise ValueError(
        f"The hub's database and secret cannot be in {folder}, which others can enter: run `chmod 700 {folder}` as its "
        f"owner, or set {STATE} to another folder."
    )


def system_accounts() -> set[str]:
    """Accounts of the machine in which no person works: root, services, *nobody*, and those whose shell refuses.

    The smallest number of a person's account is UID_MIN of /etc/login.defs, or 1000.
    """
    import pwd  # only here: Windows has none

    least = _uid_min()
    accounts = (
        a for a in pwd.getpwall() if a.pw_uid < least or a.pw_uid == 65534 or Path(a.pw_shell).name in REFUSING
    )
    return {account.pw_name.lower() for account in accounts}


def _uid_min() -> int:
    try:
        definitions = Path("/etc/login.defs").read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^UID_MIN\s+(\d+)", definitions, re.MULTILINE)
    except OSError:
        found = None
    return int(found[1]) if found else 1000


def inside(environment: Mapping[str, str]) -> str:
    """The address of this machine at which students' servers reach the hub: loopback,
    or that of a bridge to containers.

    Raises ValueError for all addresses and for public ones: the servers' tokens go there in clear text.
    """
    said = environment.get(INSIDE) or "127.0.0.1"
    try:
        address = IPv4Address(said)
    except ValueError:
        address = IPv4Address(0)
    if not address.is_private or address.is_unspecified:
        raise ValueError(
            f"{INSIDE} is {said!r}, but must be an address inside this machine, such as 172.17.0.1 of Docker's bridge."
        )
    return said


def class_port(environment: Mapping[str, str]) -> int:
    """The port of the class view on loopback."""
    said = environment.get("COURSE_HUB_CLASS_PORT") or "8082"
    if not re.fullmatch("[0-9]{1,5}", said) or not 1 <= int(said) <= 65535:
        raise ValueError(f"COURSE_HUB_CLASS_PORT is {said!r}, but must be a port, such as 8082.")
    return int(said)


def names(environment: Mapping[str, str], variable: str) -> list[str]:
    """The names in a variable, between commas or spaces."""
    return [name for name in re.split(r"[,\s]+", environment.get(variable, "")) if name]


def existing_group(name: str) -> str:
    """The name of a group of this machine. Raises ValueError if there is none."""
    import grp

    try:
        return grp.getgrnam(name).gr_name
    except KeyError:
        raise ValueError(
            f"COURSE_HUB_GROUP is {name}, but this machine has no such group: make it, or correct the name."
        ) from None
