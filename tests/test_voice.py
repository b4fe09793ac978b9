"""What the style sheet of CONTRIBUTING.md forbids in so many words is nowhere in what a student or a teacher reads."""

import re

import pytest

from course_utils.paths import ROOT

COUNTED = (
    "bits? nats? labels? numbers? vectors? tokens? images pictures steps seconds minutes ms µs s MiB GiB "
    "bytes FLOPs? draws"
)
EACH = "pixel image picture patch token step head layer second minute epoch class channel student batch dataset row"
FORBIDDEN = {
    rf"\b({'|'.join(COUNTED.split())}) an? ({'|'.join(EACH.split())})\b": "write “per” for rates: “bits per pixel”",
    r"\b(be had|as ever|for ever|whoever|kept beside)\b": "say it in today's words",
    r"\b(is|are) told (what|so|which|that|of)\b": "say what the check or the message says, and to whom",
}
READ = [
    path
    for pattern in ("course_utils/**/*", "notebooks/*", "docs/*", "README.md")
    for path in sorted(ROOT.glob(pattern))
    if path.suffix in (".py", ".md", ".ipynb", ".json", ".js", ".toml") and "node_modules" not in path.parts
]


@pytest.mark.parametrize("pattern", FORBIDDEN, ids=FORBIDDEN.get)
def test_no_text_has_a_turn_of_phrase_that_makes_readers_stumble(pattern):
    assert len(READ) > 200
    found = [
        f"{path.relative_to(ROOT)}: “… {text[max(0, match.start() - 30) : match.end() + 20]} …”"
        for path in READ
        for text in [" ".join(path.read_text(encoding="utf-8").split())]
        for match in re.finditer(pattern, text)
    ]
    assert not found, f"{FORBIDDEN[pattern]}:\n" + "\n".join(found)
