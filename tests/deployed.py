"""What is deployed: the instructions of the image's Dockerfile, and the values for Zero to JupyterHub."""

import re

import yaml

from course_utils.paths import ROOT

VALUES = yaml.safe_load((ROOT / "deploy" / "values.yaml").read_text(encoding="utf-8"))
DOCKERFILE = re.sub(r"\\\n\s*|^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
IMAGE = dict(re.findall(r"^([A-Z]+) (.*)$", DOCKERFILE.rpartition("FROM ")[2], re.MULTILINE))  # of the last stage
