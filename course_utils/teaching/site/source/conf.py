"""Sphinx's configuration for the site; ``course book`` copies it next to the pages and sets the environment."""

import os

project = "Attention for Vision"
author = ""
copyright = ""
html_title = project
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosectionlabel",
    "sphinx.ext.viewcode",
    "sphinxcontrib.bibtex",
    "course_utils.teaching.site.linking",
]
exclude_patterns = ["_build"]

nb_execution_mode = "off"  # the pages are already executed and contain the state of their widgets
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {
    name: {} for name in ("abort-signal.js", "require.js", "anywidget-path.js", "embed-amd.js", "light.js")
}
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
mathjax_path = "tex-svg-full.js"  # one file, so there are no fonts to fetch
mathjax3_config = {"options": {"enableMenu": False}}

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as the source has them, not as this machine does
autodoc_typehints_format = "short"
autosectionlabel_prefix_document = True
suppress_warnings = ["autosectionlabel.*"]  # two sections of one name: links go to the last of them
add_module_names = False
default_role = "py:obj"  # a name between backticks in a docstring
python_maximum_signature_line_length = 88
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "course"
bibtex_cite_id = "{key}"

html_theme = "sphinx_book_theme"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_extra_path = ["_extra"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_context = {"default_mode": "auto"}
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "use_download_button": False,
    "navbar_persistent": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_content_items": ["report.html"],
}
if repository := os.environ.get("COURSE_REPOSITORY"):
    html_theme_options |= {
        "repository_url": f"https://github.com/{repository}",
        "repository_branch": "main",
        "path_to_docs": "notebooks",
        "repository_provider": "github",
        "launch_buttons": {"colab_url": "https://colab.research.google.com", "notebook_interface": "jupyterlab"},
    }
