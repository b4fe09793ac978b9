"""Around the notebooks: JupyterLab's server, a browser, notebook files, a student's copy of them,
and a check of the machine."""

import os

# Jupyter's kernels and extensions are those of this environment, even if an account has others in ~/.local.
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
