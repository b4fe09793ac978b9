"""The page of the lecture's demos, each a static page that is built beside it."""

from course_utils.lab.course import markdown_table
from course_utils.teaching.demo import script

HEAD = """# Demos

The demos of the lecture, in its order. Each fills the screen: a question with options to vote on, then the widget and
the answer. **Page Down** shows the answer and then goes on to the next demo; **?** lists the other keys. They need no
kernel and no network. <a href="demos/index.html">Begin with the first one</a>, or choose:

"""


def demos_page() -> str:
    """The page in Markdown; the demos' own pages are in the folder ``demos``."""
    rows = [("demo", "asks", "notebook")]
    rows += [
        (f'<a href="demos/{demo.name}.html">{demo.name}</a>', demo.question, demo.notebook) for demo in script.demos()
    ]
    return HEAD + markdown_table(rows)
