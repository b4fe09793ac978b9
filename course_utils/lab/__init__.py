"""The lab around the notebooks: JupyterLab's server, a browser, notebooks as files, the machine's health."""
