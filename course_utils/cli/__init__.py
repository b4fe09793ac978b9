"""The command line, ``course``. Each module is a family of commands, such as train; ``program`` puts them together."""

import sys

try:
    from course_utils.cli.program import app as app
except KeyboardInterrupt:  # while the imports run
    print("course: stopped by Ctrl-C.", file=sys.stderr)
    sys.exit(130)
