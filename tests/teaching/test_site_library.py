"""What the site adds to the notebooks: the pages of the library, the glossary, and the references."""

import ast
import re

import pytest

pytest.importorskip("pybtex", reason="the extra `teach` is not installed")

from course_utils.lab import notebooks
from course_utils.paths import ROOT
from course_utils.teaching.site import api, glossary, references

PAGES = {number: notebooks.read(notebooks.find(number)) for number in notebooks.numbers()}
READ = ("course_utils/**/*", "data/*/*", "data/*.toml", "notebooks/*", "docs/*", "README.md")
TEXTS = (".py", ".toml", ".md", ".csv", ".json", ".js", ".css")
NO_AXES = {"model", "labels"}  # of "(model, images, labels)", the arguments of a loss


@pytest.mark.slow  # imports every experiment
def test_every_name_of_a_notebook_has_an_entry_that_says_what_it_is():
    names = api.names_in(PAGES)
    for number, page in PAGES.items():
        for written, dotted in api.written_in(page).items():
            assert number in names[dotted].uses, f"{written} in notebook {number}"
    wordless = {
        dotted: name.imports
        for dotted, name in names.items()
        if not (api.comment_on(name.home, name.name) if api.is_constant(name.thing) else name.thing.__doc__)
    }
    assert not wordless, "give each a docstring, or a constant a comment above it or behind it"
    headings = {number: {each for cell in page.cells for each in headings_of(cell)} for number, page in PAGES.items()}
    assert all(name.uses[number] in headings[number] for name in names.values() for number in name.uses)


def headings_of(cell) -> list[str]:
    return notebooks.headings(cell) if cell.cell_type == "markdown" else []


def test_a_name_is_found_however_it_is_imported_and_one_that_only_looks_like_it_is_not():
    page = notebook(
        "# Title\n\n## Look",
        "from course_utils import costs, data as sets\nfrom course_utils.attention import attend",
        "## Build",
        "costs.attention_bytes(4, 1, 1)\nsets.load('digits')\nsets.nothing\nother.photo('cat')\nsets = 3",
    )
    assert api.written_in(page) == {
        "costs": "course_utils.costs",
        "costs.attention_bytes": "course_utils.costs.attention_bytes",
        "sets": "course_utils.data",
        "sets.load": "course_utils.data.registry.load",
        "attend": "course_utils.attention.core.attend",
    }
    names = api.names_in({"00": page})
    assert names["course_utils.data.registry.load"].uses == {"00": "Build"}
    assert names["course_utils.attention.core.attend"].uses == {"00": "Title"}  # imported only
    assert names["course_utils.data.registry.load"].imports == ["from course_utils.data import load"]


def notebook(*sources: str):
    import nbformat

    kinds = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    return nbformat.v4.new_notebook(cells=[kinds[place % 2](source) for place, source in enumerate(sources)])


def test_a_constant_is_explained_by_its_comments():
    assert api.comment_on("course_utils.teaching.site.api", "SHORT") == [
        "characters of a constant that its entry shows"
    ]
    above = api.comment_on("course_utils.training.rand_augment", "EITHER_WAY")
    assert above[0].startswith("The effect of each transform")
    assert len(above) == 2


@pytest.mark.parametrize("term", glossary.terms(), ids=lambda term: term.name)
def test_every_term_is_introduced_in_a_section_that_is_there(term):
    headings = [each for cell in PAGES[term.notebook].cells for each in headings_of(cell)]
    assert term.section in headings, (
        f"{term.name} in {glossary.GLOSSARY.name}: name a heading of notebook {term.notebook}"
    )


def axes_in(docstring: str) -> list[set[str]]:
    """The words of each shape in a docstring, such as {"batch", "patches", "dim"}."""
    tuples = re.findall(r"(?:→|[\w\]]|^|:)\s*\(([^()]*,[^()]*)\)", docstring)
    parts = [[part.strip() for part in each.split(",") if part.strip()] for each in tuples]
    shape = re.compile(r"(?:[a-z_]+[²]?|\d+|\.\.\.|…)(?: [·+/] (?:[a-z_]+[²]?|\d+))*")
    return [set(re.findall("[a-z_]{2,}", " ".join(each))) for each in parts if all(map(shape.fullmatch, each))]


def test_every_axis_that_a_docstring_names_is_in_the_glossary():
    known = {axis for term in glossary.terms() for axis in term.axes}
    seen = set()
    for number, page in PAGES.items():
        for cell in page.cells:
            if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", ()):
                for node in ast.walk(ast.parse(cell.source)):
                    said = ast.get_docstring(node) if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else None
                    for axes in axes_in(said or ""):
                        unknown = axes - known - NO_AXES if axes & known else set()
                        assert not unknown, (
                            f"{number}, {cell.id}: add the axes {unknown} to a term of notebooks/glossary.toml"
                        )
                        seen |= axes
    assert known <= seen | {"number", "runs"}, f"no docstring has the axes {known - seen}"


def test_the_first_use_of_a_term_is_found_and_the_longer_of_two_wins():
    text = "Queries meet a mask; the causal mask hides, and the query asks heads for the distillation token."
    found = [(text[begin:end], term) for begin, end, term in glossary.uses(text, glossary.words())]
    assert found == [
        ("Queries", "query"),
        ("causal mask", "causal mask"),
        ("heads", "attention head"),
        ("distillation token", "distillation token"),
    ]
    assert not list(glossary.uses("the arrow keys and a value", glossary.words())), "everyday words do not link"


def citations() -> dict[str, set[str]]:
    """Label or number of arXiv → where it is cited: in files of the course, and in the cells of the notebooks."""
    paths = [path for pattern in READ for path in ROOT.glob(pattern) if path.suffix in TEXTS]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    texts |= {f"notebook {n}": "\n".join(cell.source for cell in page.cells) for n, page in PAGES.items()}
    found: dict[str, set[str]] = {}
    for path, text in texts.items():
        for _, _, label in references.cited(text):
            found.setdefault(label, set()).add(path)
        for number in references.arxiv(text):
            found.setdefault(number, set()).add(path)
    return found


def test_every_citation_has_its_entry_and_every_entry_is_cited():
    from pybtex.database import parse_file

    entries = parse_file(str(references.BIBLIOGRAPHY)).entries
    numbers = {entry.fields.get("eprint"): key for key, entry in entries.items()}
    cited = citations()
    keys = {each: references.labels().get(each) or numbers.get(each) for each in cited}
    lacking = {each: sorted(cited[each]) for each, key in keys.items() if key is None}
    assert not lacking, "add these works to notebooks/references.bib"
    uncited = set(entries) - set(keys.values())
    assert not uncited, "no text cites these works: take them out of notebooks/references.bib"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (
            "as Vaswani et al. 2017, eq. 1, and Abnar & Zuidema 2020 say",
            ["Vaswani et al. 2017", "Abnar & Zuidema 2020"],
        ),
        ("(Student 1908); van den Oord et\n    al. 2018", ["Student 1908", "van den Oord et al. 2018"]),
        ("LayerScale, Touvron et al. 2021b", ["Touvron et al. 2021b"]),
        ("*mixup*, ICLR 2018; in November 2026", []),
    ],
)
def test_citations_are_found_across_lines_and_venues_and_dates_are_none(text, labels):
    assert [label for _, _, label in references.cited(text)] == labels
