"""The course on a JupyterHub: its configuration, and the copying of notebooks for each student."""
