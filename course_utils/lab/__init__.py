"""Around the notebooks: JupyterLab's server, a browser, notebook files, and a check of the machine."""
