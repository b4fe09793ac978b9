"""The hub's configuration, loaded without a hub: what it listens on, where its secrets are, and who may log in."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from course_utils.paths import ROOT
from course_utils.teaching.hub import safety

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="JupyterHub needs the accounts of a POSIX system"),
    pytest.mark.usefixtures("loaded"),
]
CONFIG = ROOT / "course_utils" / "teaching" / "hub" / "jupyterhub_config.py"


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[str, str]:
    """Paths of a certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    return made(folder, "one")


def made(folder: Path, name: str) -> tuple[str, str]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub.example.org")])
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    ).sign(key, hashes.SHA256())
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[1].chmod(0o600)
    return str(paths[0]), str(paths[1])


def test_by_default_it_listens_on_this_machine_and_keeps_its_secrets_to_itself(tmp_path, loaded):
    c = loaded()
    assert (c.JupyterHub.bind_url, c.JupyterHub.hub_ip) == ("http://127.0.0.1:8000", "127.0.0.1")
    assert not c.JupyterHub.ssl_cert
    folder = tmp_path / "state"
    assert folder.stat().st_mode & 0o777 == 0o700
    places = (c.JupyterHub.db_url.removeprefix("sqlite:///"), c.JupyterHub.cookie_secret_file)
    assert {Path(place).parent for place in (*places, c.ConfigurableHTTPProxy.pid_file)} == {folder}
    assert os.umask(0o022) == 0o077, "what the hub writes is for others to read"
    assert c.Spawner.environment["COURSE_UMASK"] == "22"
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"jupyterhub.sqlite*", "jupyterhub_cookie_secret", "jupyterhub-proxy.pid"} <= set(ignored)


def test_with_a_certificate_it_speaks_tls_to_everybody(pair, monkeypatch, loaded):
    monkeypatch.setenv("COURSE_HUB_CERT", os.path.relpath(pair[0]))
    monkeypatch.setenv("COURSE_HUB_KEY", pair[1])
    c = loaded()
    assert (c.JupyterHub.bind_url, c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key) == ("https://:8000", *pair)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://127.0.0.1:9000/course/", "http://127.0.0.1:9000/course/"),
        ("localhost:8000", "http://localhost:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("127.8.8.8:8000", "http://127.8.8.8:8000"),
    ],
)
def test_behind_a_proxy_it_listens_on_loopback(address, url):
    assert safety.listening({"COURSE_HUB_BIND": address}).url == url


@pytest.mark.parametrize(
    "address", [":8000", "0.0.0.0:8000", "[::]:8000", "10.0.0.7:80", "hub.example.org:8000", "0:8000"]
)
def test_passwords_cross_no_network_in_clear_text_unless_that_is_said(address, pair):
    with pytest.raises(
        ValueError, match=r"clear text: set COURSE_HUB_CERT and COURSE_HUB_KEY, or bind to 127\.0\.0\.1"
    ):
        safety.listening({"COURSE_HUB_BIND": address})
    said = {"COURSE_HUB_BIND": address, "COURSE_HUB_CLEAR_TEXT": "yes"}
    assert safety.listening(said).url == f"http://{address}"
    with_tls = {"COURSE_HUB_BIND": address, "COURSE_HUB_CERT": pair[0], "COURSE_HUB_KEY": pair[1]}
    assert safety.listening(with_tls).url == f"https://{address}"


@pytest.mark.parametrize(
    "address",
    ["8000", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:x", "me@127.0.0.1:8000", "[::1:8000", "*:8000",
     "127.0.0.1:8000?x", "127.0.0.1 :8000", "https://127.0.0.1:8000", "ftp://127.0.0.1:8000"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_in_one_sentence(address):
    with pytest.raises(ValueError, match=r"must be ADDRESS:PORT, such as 127\.0\.0\.1:8000.*\.$"):
        safety.listening({"COURSE_HUB_BIND": address})


def test_a_certificate_without_its_key_is_refused_in_one_sentence(pair, tmp_path):
    certificate, key = pair
    _, other = made(tmp_path, "other")
    for given, sentence in (
        ({"COURSE_HUB_CERT": certificate}, "COURSE_HUB_CERT is set, but COURSE_HUB_KEY is not: set both"),
        ({"COURSE_HUB_KEY": key}, "COURSE_HUB_KEY is set, but COURSE_HUB_CERT is not: set both"),
        (
            {"COURSE_HUB_CERT": "/nowhere.crt", "COURSE_HUB_KEY": key},
            "/nowhere.crt, which cannot be read (No such file",
        ),
        (
            {"COURSE_HUB_CERT": certificate, "COURSE_HUB_KEY": str(tmp_path)},
            "cannot be read (it is not a plain file)",
        ),
        ({"COURSE_HUB_CERT": certificate, "COURSE_HUB_KEY": other}, "are no certificate with its key"),
        ({"COURSE_HUB_CERT": key, "COURSE_HUB_KEY": key}, "are no certificate with its key"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            safety.listening(given)
    os.chmod(other, 0o644)
    with pytest.raises(ValueError, match=rf"everybody on this machine may use: run `chmod o= {other}` first"):
        safety.listening({"COURSE_HUB_CERT": certificate, "COURSE_HUB_KEY": other})


def test_a_folder_that_others_can_enter_is_refused_and_left_as_it_is(tmp_path):
    shared = tmp_path / "home"
    shared.mkdir(mode=0o755)
    for folder, sentence in (
        (shared, "which others can enter: run `chmod 700"),
        (ROOT / "state", "which is in the course's own folder"),
        (tmp_path / "file" / "state", "cannot be in"),
    ):
        (tmp_path / "file").write_text("")
        with pytest.raises(ValueError, match=re.escape(sentence)):
            safety.state_folder({"COURSE_HUB_STATE": str(folder)})
    assert shared.stat().st_mode & 0o777 == 0o755
    assert not (ROOT / "state").exists()


def test_secrets_of_an_earlier_hub_are_closed(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    for name in safety.SECRETS:
        (folder / name).touch()
        (folder / name).chmod(0o644)
    safety.state_folder({"COURSE_HUB_STATE": str(folder)})
    assert {(folder / name).stat().st_mode & 0o777 for name in safety.SECRETS} == {0o600}


@pytest.mark.slow
def test_a_wrong_setting_ends_the_hub_instead_of_starting_it_without_its_settings(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "jupyterhub", f"--config={CONFIG}"],
        cwd=tmp_path,
        env={**os.environ, "COURSE_HUB_BIND": "0.0.0.0:8000"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "jupyterhub: COURSE_HUB_BIND is 0.0.0.0:8000, so passwords would cross the network" in result.stderr
    assert "Traceback" not in result.stderr
    assert os.listdir(tmp_path) == []


def test_people_log_in_and_system_accounts_do_not(monkeypatch, loaded):
    accounts = [
        SimpleNamespace(pw_name=name, pw_uid=uid, pw_shell=shell)
        for name, uid, shell in (
            ("root", 0, "/bin/bash"),
            ("toor", 0, "/bin/sh"),
            ("Postgres", 115, "/bin/bash"),
            ("nobody", 65534, "/bin/sh"),
            ("kiosk", 1001, "/usr/sbin/nologin"),
            ("ada", 1000, "/bin/bash"),
            ("ldap-user", 5_000_001, "/bin/zsh"),
        )
    ]
    import pwd

    monkeypatch.setattr(pwd, "getpwall", lambda: accounts)
    assert safety.system_accounts() == {"root", "toor", "postgres", "nobody", "kiosk"}
    c = loaded()
    assert c.Authenticator.allow_all is True
    assert "root" in c.Authenticator.blocked_users
    assert "ada" not in c.Authenticator.blocked_users


@pytest.mark.parametrize("port", ["0", "65536", "x", "80 82", "-1"])
def test_a_port_of_the_class_view_that_is_none_is_one_sentence(port, monkeypatch, loaded):
    monkeypatch.setenv("COURSE_HUB_CLASS_PORT", port)
    with pytest.raises(SystemExit, match=f"jupyterhub: COURSE_HUB_CLASS_PORT is '{port}', but must be a port"):
        loaded()


@pytest.mark.parametrize("address", ["docker0", "8.8.8.8", "0.0.0.0", "172.17.0.1:8081", "::1"])
def test_tokens_of_servers_stay_inside_this_machine(address, monkeypatch, loaded):
    monkeypatch.setenv("COURSE_HUB_INSIDE", address)
    with pytest.raises(SystemExit, match=f"COURSE_HUB_INSIDE is '{address}', but must be an address inside"):
        loaded()


def test_a_group_and_the_instructors_can_be_named(monkeypatch, loaded):
    import grp

    group = grp.getgrall()[0].gr_name
    monkeypatch.setenv("COURSE_HUB_GROUP", group)
    monkeypatch.setenv("COURSE_HUB_INSTRUCTORS", "anna, bert")
    c = loaded()
    assert (c.Authenticator.allow_all, c.LocalAuthenticator.allowed_groups) == (False, {group})
    assert (c.Authenticator.allowed_users, c.Authenticator.allow_existing_users) == ({"anna", "bert"}, False)
    (instructor,) = [role for role in c.JupyterHub.load_roles if role["name"] == "instructor"]
    assert instructor == {
        "name": "instructor",
        "users": ["anna", "bert"],
        "scopes": ["access:services!service=class"],
    }
    monkeypatch.setenv("COURSE_HUB_GROUP", "no-such-group")
    with pytest.raises(SystemExit, match="COURSE_HUB_GROUP is no-such-group, but this machine has no such group"):
        loaded()
