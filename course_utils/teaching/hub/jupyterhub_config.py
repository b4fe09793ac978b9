"""JupyterHub for a class, run as root: ``.venv/bin/jupyterhub -f course_utils/teaching/hub/jupyterhub_config.py``.

Every system user can log in with their password. Each gets the notebooks in their own folder, and their progress in
``~/.course``. For another authenticator or spawner, load this file from yours with ``load_subconfig`` and change the
settings there. Memory and CPU limits work only with spawners that can set them (systemd, Docker, Kubernetes);
``notebooks/INSTRUCTOR.md`` lists what a student needs.
"""

import sys
from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (JupyterHub defines it)
COURSE = Path(__file__).resolve().parents[3]
PROXY = COURSE / ".venv" / "web" / "node_modules" / ".bin" / "configurable-http-proxy"

c.JupyterHub.bind_url = "http://:8000"
c.ConfigurableHTTPProxy.command = [str(PROXY)] if PROXY.exists() else ["configurable-http-proxy"]
c.Authenticator.allow_all = True
c.Spawner.cmd = [sys.executable, "-m", "course_utils.teaching.hub.hand_out"]
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = "/lab/tree/attention-for-vision/00_attention_recap.ipynb"
c.Spawner.environment = {
    "PYTHONPATH": str(COURSE),
    "COURSE_STATE": "~/.course",  # for each student
    "JUPYTER_CONFIG_PATH": str(Path(__file__).resolve().parent),  # stops JupyterLab from fetching news
    "JUPYTER_PATH": str(COURSE / "course_utils" / "lab" / "jupyter"),  # what a widget says without its kernel
    "OMP_NUM_THREADS": "1",  # many kernels share few cores, so their threads would wait for each other
}
c.Spawner.args = ["--MappingKernelManager.cull_idle_timeout=3600"]  # frees the memory of forgotten kernels
c.Spawner.mem_limit = "3G"
c.Spawner.cpu_limit = 1
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
