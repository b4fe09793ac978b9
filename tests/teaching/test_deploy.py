"""The image and where it runs: containers and Kubernetes give a student what the hub on one machine gives them."""

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import yaml
from deployed import DOCKERFILE, IMAGE, VALUES

from course_utils.paths import NAME, NOTEBOOKS, ROOT
from course_utils.teaching.hub import hand_out, health

DOCKER = "deploy/dockerspawner_config.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
UNIX = pytest.mark.skipif(os.name == "nt", reason="JupyterHub needs the accounts of a POSIX system")


def spawner(c):
    """The settings of students' servers; sizes as numbers of bytes,
    without what only a process of this machine gets.
    """
    from jupyterhub.traitlets import ByteSpecification

    settings = dict(c.Spawner)
    for size in ("mem_guarantee", "mem_limit"):
        settings[size] = ByteSpecification().validate(None, settings[size])
    settings["cmd"] = settings["cmd"][-1:]
    only_here = {"PYTHONPATH", "COURSE_UMASK"}
    settings["environment"] = {
        name: urlsplit(value).path if name == "COURSE_CLASS" else value
        for name, value in settings["environment"].items()
        if name not in only_here
    }
    return settings


def as_the_chart_reads(values):
    """What the chart's own jupyterhub_config.py makes of values.yaml (Zero to JupyterHub 4.4.0)."""
    one, hub = values["singleuser"], values["hub"]
    settings = {
        **hub["config"]["Spawner"],
        "cmd": [one["cmd"]],
        "default_url": one["defaultUrl"],
        "environment": one["extraEnv"],
        "start_timeout": one["startTimeout"],
        **{f"mem_{bound}": size for bound, size in one["memory"].items()},
        **{f"cpu_{bound}": cores for bound, cores in one["cpu"].items()},
    }
    named = [[{"name": name, **each} for name, each in hub[section].items()] for section in ("services", "loadRoles")]
    return SimpleNamespace(
        Spawner=settings,
        Authenticator=hub["config"]["Authenticator"],
        JupyterHub={**hub["config"]["JupyterHub"], "services": named[0], "load_roles": named[1]},
    )


@UNIX
def test_kubernetes_gives_a_student_what_the_hub_on_one_machine_gives(loaded):
    here, there = loaded(), as_the_chart_reads(VALUES)
    assert spawner(here) == spawner(there)
    assert here.JupyterHub.custom_scopes == there.JupyterHub["custom_scopes"]
    assert here.JupyterHub.load_roles == there.JupyterHub["load_roles"]
    (student, _) = here.JupyterHub.load_roles
    assert {*student["scopes"]} - {"self"} <= {*here.Spawner.server_token_scopes}, "a server cannot report"
    rules = {name: here.Authenticator[name] for name in ("allow_all", "allow_existing_users")}
    assert rules == there.Authenticator, "others may log in"
    assert ("admin_access" in here.JupyterHub, there.JupyterHub["admin_access"]) == (False, False)


@UNIX
def test_kubernetes_starts_the_class_view_as_the_hub_does_and_every_server_reaches_it(loaded):
    (service,) = loaded().JupyterHub.services
    (there,) = as_the_chart_reads(VALUES).JupyterHub["services"]
    (container,) = VALUES["hub"]["extraContainers"]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert container["command"][1:] == service["command"][1:]
    assert {name: there[name] for name in ("name", "oauth_no_confirm")} == {
        name: service[name] for name in ("name", "oauth_no_confirm")
    }
    assert {name: variables[name] for name in service["environment"] if name != "PYTHONPATH"} == {
        name: value for name, value in service["environment"].items() if name != "PYTHONPATH"
    }
    assert variables["JUPYTERHUB_SERVICE_NAME"] == there["name"]
    assert variables["JUPYTERHUB_SERVICE_PREFIX"] == f"/services/{there['name']}/"
    assert VALUES["singleuser"]["extraEnv"]["COURSE_CLASS"] == there["url"] + variables["JUPYTERHUB_SERVICE_PREFIX"]
    policies = VALUES["hub"]["networkPolicy"]["ingress"] + VALUES["singleuser"]["networkPolicy"]["egress"]
    ports = [rule["ports"][0]["port"] for rule in policies]
    ports += [port["targetPort"] for port in VALUES["hub"]["service"]["extraPorts"]]
    ports += [urlsplit(variables["JUPYTERHUB_SERVICE_URL"]).port]
    assert set(ports) == {urlsplit(there["url"]).port}


@UNIX
def test_docker_starts_the_same_server_in_the_image(loaded, monkeypatch):
    monkeypatch.setitem(sys.modules, "dockerspawner", None)
    here, there = loaded(), loaded(DOCKER)
    assert spawner(here) == spawner(there)
    assert there.Spawner.cmd == [VALUES["singleuser"]["cmd"]]
    assert set(there.Spawner.environment) == set(VALUES["singleuser"]["extraEnv"])
    assert there.DockerSpawner.image == "{name}:{tag}".format(**VALUES["singleuser"]["image"])
    (home,) = there.DockerSpawner.volumes.values()
    assert home == VALUES["singleuser"]["storage"]["homeMountPath"] == IMAGE["WORKDIR"]
    service, culler = there.JupyterHub.services
    assert there.JupyterHub.hub_ip == urlsplit(service["url"]).hostname == "172.17.0.1"
    assert there.Spawner.environment["COURSE_CLASS"].startswith(service["url"])
    cull = VALUES["cull"]
    assert culler["command"][3:] == [f"--timeout={cull['timeout']}", f"--cull-every={cull['every']}"]
    assert there.Authenticator == here.Authenticator
    assert there.JupyterHub.cleanup_servers is False, "a new image interrupts students"


def test_the_image_of_this_version_is_named_everywhere():
    address = urlsplit(PROJECT["urls"]["Repository"]).path.lower()
    name, tag = f"ghcr.io{address}", PROJECT["version"]
    assert VALUES["singleuser"]["image"] == {"name": name, "tag": tag}
    assert VALUES["hub"]["extraContainers"][0]["image"] == f"{name}:{tag}"
    assert f"`{name}:VERSION`" in (NOTEBOOKS / "INSTRUCTOR.md").read_text(encoding="utf-8")


@UNIX
def test_a_release_pushes_the_image_that_the_hubs_name():
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    job = release["jobs"]["image"]
    assert job["permissions"] == {"contents": "read", "packages": "write"}
    push = 'docker() { echo "$@"; }\n' + job["steps"][-1]["run"]
    variables = {
        "GITHUB_REPOSITORY": urlsplit(PROJECT["urls"]["Repository"]).path[1:],
        "TOKEN": "-",
        "GITHUB_ACTOR": "-",
    }
    variables["GITHUB_REF_NAME"] = f"v{PROJECT['version']}"
    done = subprocess.run(
        ["bash", "-euc", push], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert "push {name}:{tag}".format(**VALUES["singleuser"]["image"]) in done.stdout.splitlines()


@UNIX
def test_the_image_becomes_the_students_server_and_not_as_root(loaded):
    entry, command = (json.loads(IMAGE[name]) for name in ("ENTRYPOINT", "CMD"))
    _, *options_and_module, server = loaded().Spawner.cmd
    assert entry == ["tini", "--", "python", *options_and_module]
    assert command == [server] == [VALUES["singleuser"]["cmd"]]
    assert IMAGE["USER"] == "1000:100", "the chart's user and group, by number"
    assert f"HOME={IMAGE['WORKDIR']}" in IMAGE["ENV"].split()
    assert (
        f"useradd --uid 1000 --gid users --create-home --shell /bin/bash {Path(IMAGE['WORKDIR']).name}" in DOCKERFILE
    )
    checked = json.loads(IMAGE["HEALTHCHECK"].partition("CMD ")[2])
    assert import_module(checked[-1]) is health
    assert re.search(r"uv==[\d.]+", DOCKERFILE)[0] in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--extra lab --extra onnx --group weights jupyterhub" in DOCKERFILE
    assert "--extra teach" not in DOCKERFILE


def test_what_the_wheel_carries_and_no_download_goes_into_the_images_build():
    taken = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    of_data = [line.replace("/", "", 1).rstrip("/") for line in ignored if re.match("!?/data/", line)]
    assert [line for line in taken if re.match("!?data/", line)] == of_data
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    named = {
        *wheel["wheel"]["only-include"],
        PROJECT["readme"],
        *PROJECT["license-files"],
        "pyproject.toml",
        "uv.lock",
    }
    assert named <= {line.removeprefix("!") for line in taken}
    assert taken[1] == "*"


def test_a_server_gets_its_notebooks_and_this_installations_settings(tmp_path, monkeypatch):
    became, handed_out = [], []
    monkeypatch.setattr(os, "execvpe", lambda *what: became.append(what))
    monkeypatch.setattr(hand_out, "hand_out", handed_out.append)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token")
    hand_out.main([hand_out.SERVER, "--debug"])
    ((file, command, environment),) = became
    assert (file, command) == ("jupyterhub-singleuser", ["jupyterhub-singleuser", "--debug"])
    assert handed_out == [tmp_path / NAME]
    assert VALUES["singleuser"]["defaultUrl"] == f"/lab/tree/{NAME}/00_attention_recap.ipynb"
    settings = environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0]
    assert (Path(settings) / "jupyter_server_config.d" / "class.json").exists()
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


@pytest.mark.parametrize("command", [[], [hand_out.SERVER]])
def test_without_a_hub_the_image_says_what_to_do(command, monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    with pytest.raises(SystemExit, match=r"is started by a JupyterHub: .* `course lab --ServerApp.ip=0.0.0.0 .*\.$"):
        hand_out.main(command)


def test_the_health_check_asks_the_server_at_the_address_that_the_hub_gave_it(monkeypatch):
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path == "/user/ada/api" else 404)
            self.end_headers()

        def log_message(self, *about):
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://0.0.0.0:{server.server_port}"
        monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", f"{address}/user/ada/")
        health.main()
        monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", f"{address}/elsewhere/")
        with pytest.raises(SystemExit, match=r"/elsewhere/api does not answer \(.*404.*\): look into"):
            health.main()
        server.shutdown()
    assert asked == ["/user/ada/api", "/elsewhere/api"]
    monkeypatch.delenv("JUPYTERHUB_SERVICE_URL")
    assert health.address() == "http://127.0.0.1:8888/api"


@UNIX
def test_the_devcontainer_installs_with_a_command_of_the_makefile():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    make, *targets = container["postCreateCommand"].split()
    assert make == "make"
    done = subprocess.run(["make", "--dry-run", "--always-make", *targets], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--torch-backend cpu" in done.stdout
    assert container["postAttachCommand"].startswith(".venv/bin/course lab --no-browser")
