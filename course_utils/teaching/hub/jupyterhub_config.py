"""JupyterHub for a class, run as root: ``.venv/bin/jupyterhub -f course_utils/teaching/hub/jupyterhub_config.py``.

Every system user may log in with their password. Each gets the notebooks in a folder of their own, and progress in
``~/.course``. Where another way to log in or to start servers is wanted, load this file from yours with
``load_subconfig`` and change that. Memory and CPU limits take effect with spawners that can set them (systemd,
Docker, Kubernetes); ``notebooks/INSTRUCTOR.md`` says what a student needs.
"""

import sys
from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (JupyterHub gives it)
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
    "COURSE_STATE": "~/.course",  # each student's own
    "JUPYTER_CONFIG_PATH": str(Path(__file__).resolve().parent),  # JupyterLab asks nobody about news
    "OMP_NUM_THREADS": "1",  # many kernels on few cores: threads of one would wait for those of another
}
c.Spawner.args = ["--MappingKernelManager.cull_idle_timeout=3600"]  # a forgotten kernel gives its memory back
c.Spawner.mem_limit = "3G"
c.Spawner.cpu_limit = 1
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
