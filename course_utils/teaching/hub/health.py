"""Whether the JupyterLab in this container answers: the image's health check.
Exits with 1 and the reason if it does not."""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit


def address() -> str:
    """Where it answers without a login: below the address that a hub gave it, or at JupyterLab's own port."""
    hub = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
    return f"http://127.0.0.1:{hub.port or 8888}{hub.path or '/'}api"


def main() -> None:
    """Ask it for its version."""
    try:
        with urllib.request.urlopen(address(), timeout=5):
            pass
    except OSError as error:
        sys.exit(f"{address()} does not answer ({error}): look into the container's log.")


if __name__ == "__main__":
    main()
