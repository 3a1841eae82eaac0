"""How the documentation site is built: Sphinx over the docstrings, MyST-NB over the executed notebooks."""

from __future__ import annotations

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))  # generate.py

import generate  # noqa: E402

import labellerr_ds  # noqa: E402

project = "labellerr_ds"
author = "The labellerr_ds maintainers"
version = release = labellerr_ds.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated", "**/.ipynb_checkpoints"]  # what is generated is included by pages

# the docstrings: numpydoc, with `name` in single backticks
default_role = "code"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_typehints = "none"  # the docstrings tell types in words
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}

# the notebooks are committed with their outputs, which nbval holds true: they are shown, not run
nb_execution_mode = "off"
smartquotes = False
nb_ipywidgets_js = {}  # nothing comes from another host; a panel's still picture stands for it
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

suppress_warnings = ["ref.python"]  # a type in words, "name", is no reference to one of several attributes

html_theme = "pydata_sphinx_theme"
html_title = "labellerr_ds"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/icon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's machine is
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "navigation_with_keys": False,
}


def setup(app):
    """Write the pages that are made from the package before the others are read."""
    app.connect("builder-inited", lambda _: generate.main(HERE / "generated"))
