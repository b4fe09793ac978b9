"""Where ``make teach`` installs npm's packages for the site, the slides and the hub."""

from course_utils.paths import ROOT

WEB = ROOT / ".venv" / "web" / "node_modules"
