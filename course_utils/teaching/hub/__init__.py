"""The course on a JupyterHub: its configuration, and what a student's server does before it starts."""
