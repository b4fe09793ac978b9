"""Sphinx's configuration for the site; ``course book`` copies it next to the pages and sets the environment."""

import os

project = "Attention for Vision"
author = ""
copyright = ""
html_title = project
extensions = ["myst_nb"]
exclude_patterns = ["_build"]

nb_execution_mode = "off"  # the pages are already executed and contain the state of their widgets
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {
    name: {} for name in ("any-signal.js", "require.js", "anywidget-path.js", "embed-amd.js")
}
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
mathjax_path = "tex-svg-full.js"  # one file, so there are no fonts to fetch
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "sphinx_book_theme"
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
    "extra_footer": "",
}
if repository := os.environ.get("COURSE_REPOSITORY"):
    html_theme_options |= {
        "repository_url": f"https://github.com/{repository}",
        "repository_branch": "main",
        "path_to_docs": "notebooks",
        "repository_provider": "github",
        "launch_buttons": {"colab_url": "https://colab.research.google.com", "notebook_interface": "jupyterlab"},
    }
