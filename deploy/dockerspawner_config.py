"""The class's hub with a container per student, as root: ``jupyterhub -f deploy/dockerspawner_config.py``.

It is ``course_utils/teaching/hub/jupyterhub_config.py`` with another spawner, so all of its variables hold. It needs
Docker, and ``pip install dockerspawner jupyterhub-idle-culler`` beside the course. Each student's home is a volume.

=====================  ==========================================================================================
``COURSE_HUB_IMAGE``   the image, by default this version's; ``docker build --tag NAME .`` makes one of your own
``COURSE_HUB_INSIDE``  the address of Docker's bridge on this machine, by default 172.17.0.1
=====================  ==========================================================================================
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path

from course_utils.paths import NAME
from course_utils.teaching.hub import hand_out

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (JupyterHub defines it)
HOME = "/home/jovyan"  # of the image
ONLY_HERE = ("PYTHONPATH", "COURSE_UMASK")  # of a server that is a process of this machine

os.environ.setdefault("COURSE_HUB_INSIDE", "172.17.0.1")
hub = Path(hand_out.__file__).with_name("jupyterhub_config.py")
load_subconfig(str(hub))  # type: ignore[name-defined]  # noqa: F821  (JupyterHub defines it)

c.JupyterHub.cleanup_servers = False  # containers go on while the hub restarts
c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.Spawner.cmd = [hand_out.SERVER]  # the image's entry point does the rest
c.Spawner.environment = {name: value for name, value in c.Spawner.environment.items() if name not in ONLY_HERE}
c.DockerSpawner.image = os.environ.get("COURSE_HUB_IMAGE", f"ghcr.io/owner/attention-for-vision:{version(NAME)}")
c.DockerSpawner.volumes = {"attention-for-vision-{username}": HOME}
c.DockerSpawner.remove = True  # a new container at each start, so from the newest image
c.DockerSpawner.extra_host_config = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"]}

# As on Kubernetes: servers that nobody has used for an hour end.
culler = [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600", "--cull-every=600"]
c.JupyterHub.services.append({"name": "jupyterhub-idle-culler", "command": culler})
c.JupyterHub.load_roles.append(
    {
        "name": "jupyterhub-idle-culler",
        "services": ["jupyterhub-idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
)
