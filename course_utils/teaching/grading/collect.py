"""``nbgrader collect`` without links: a student's link in the exchange must not fetch one of the instructor's files."""

import os
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect

from course_utils.console import first_line
from course_utils.teaching.grading.intake import shown


class CollectWithoutLinks(ExchangeCollect):
    """nbgrader's, but a submission with a link or a pipe is not collected, and no submission's error ends the loop."""

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy one submission, or say why not."""
        try:
            inside = (Path(folder, name) for folder, *names in os.walk(src) for name in chain(*names))
            for path in (Path(src), *inside):
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    raise OSError(f"{shown(path.name)} is a link or not a plain file")
            super().do_copy(src, dest, log)
        except Exception as error:
            self.log.error("%s was not collected: %s.", shown(Path(src).name), first_line(error))
            shutil.rmtree(dest, ignore_errors=True)
