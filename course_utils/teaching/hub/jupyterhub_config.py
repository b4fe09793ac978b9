"""JupyterHub for a class, run as root: ``.venv/bin/jupyterhub -f course_utils/teaching/hub/jupyterhub_config.py``.

It listens on this machine alone until there is a certificate, and keeps its database and secret in a folder of its own.
Every person with an account logs in with their password. Each gets the notebooks in their own folder, and their
progress in ``~/.course``. For another authenticator or spawner, load this file from yours with ``load_subconfig`` and
change the settings there, as ``deploy/dockerspawner_config.py`` does; ``deploy/values.yaml`` says the same to
Kubernetes, and a test compares the two. Memory and CPU limits work only with spawners that can set them (systemd,
Docker, Kubernetes). ``notebooks/INSTRUCTOR.md`` lists the variables below and what a student needs.
"""

import os
import sys
from pathlib import Path

from course_utils.teaching import capacity
from course_utils.teaching.hub import class_view, hand_out, safety

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (JupyterHub defines it)
COURSE = Path(__file__).resolve().parents[3]
PROXY = COURSE / ".venv" / "web" / "node_modules" / ".bin" / "configurable-http-proxy"

try:
    listening = safety.listening(os.environ)
    state = safety.state_folder(os.environ)
    groups = {safety.existing_group(name) for name in safety.names(os.environ, "COURSE_HUB_GROUP")}
    instructors = safety.names(os.environ, "COURSE_HUB_INSTRUCTORS")
    inside = safety.inside(os.environ)
    class_url = f"http://{inside}:{safety.class_port(os.environ)}"
except ValueError as error:
    sys.exit(
        f"jupyterhub: {error}"
    )  # an error of another kind would be logged, and the hub would start without all this

c.JupyterHub.bind_url = listening.url
c.JupyterHub.hub_ip = inside
c.JupyterHub.ssl_cert = listening.certificate
c.JupyterHub.ssl_key = listening.key
c.ConfigurableHTTPProxy.command = [str(PROXY)] if PROXY.exists() else ["configurable-http-proxy"]
c.JupyterHub.db_url = f"sqlite:///{state / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(state / "jupyterhub_cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(state / "jupyterhub-proxy.pid")
umask = os.umask(0o077)  # of the hub: what it writes is for this account alone; students' servers put theirs back

c.Authenticator.allow_all = not groups
c.Authenticator.allowed_users = set(instructors)
c.Authenticator.allow_existing_users = False  # who has left the group has left the hub
c.LocalAuthenticator.allowed_groups = groups
c.Authenticator.blocked_users = safety.system_accounts()

c.JupyterHub.custom_scopes = class_view.SCOPES
c.JupyterHub.load_roles = class_view.roles(instructors)
c.JupyterHub.services = [class_view.service(class_url, str(COURSE), os.environ.get("COURSE_HUB_NAMES") == "yes")]
c.Spawner.server_token_scopes = class_view.SERVER_SCOPES

c.Spawner.cmd = [sys.executable, "-P", "-m", hand_out.__name__, hand_out.SERVER]
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab/tree/attention-for-vision/00_attention_recap.ipynb"
c.Spawner.environment = {
    "PYTHONPATH": str(COURSE),
    "COURSE_STATE": "~/.course",  # for each student
    "COURSE_CLASS": f"{class_url}/services/class/",
    "COURSE_UMASK": f"{umask:o}",
    "OMP_NUM_THREADS": "1",  # many kernels share few cores, so their threads would wait for each other
}
c.Spawner.args = ["--MappingKernelManager.cull_idle_timeout=3600"]  # frees the memory of forgotten kernels
c.Spawner.mem_guarantee, c.Spawner.mem_limit = capacity.memory(), capacity.MEMORY_LIMIT
c.Spawner.cpu_guarantee, c.Spawner.cpu_limit = 1 / capacity.STUDENTS_PER_CORE, 1
c.Spawner.start_timeout = 300  # seconds; the first student on a machine waits for the image there
c.Spawner.http_timeout = 120
