"""How the documentation is built: Sphinx with Markdown pages, nothing from the network."""

from __future__ import annotations

from pathlib import Path
import sys


sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from optuna_xmcnas import __version__  # noqa: E402


project = "optuna-xmcnas"
author = "The optuna_xmcnas authors"
copyright = f"2026, {author}"  # noqa: A001
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "command_reference",
    "constants",
    "field_comments",
    "public_names",
]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
smartquotes = False  # what is quoted is often typed

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
add_module_names = False
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True

nitpicky = True
nitpick_ignore_regex = [
    # Names of other projects have no page here, and finding theirs would want the network.
    (r"py:.*", r"(collections|datetime|numpy|np|npt|optuna|pathlib|plotly|scipy|torch)\..*"),
    (
        r"py:class",
        r"(Base(Distribution|Sampler|Storage|Trial)|FrozenTrial|Study|Trial|TrialState)",
    ),
    (r"py:class", r"(AbstractContextManager|Callable\[\[\]|JSONSerializable|Path|datetime)"),
    (r"py:class", r"(Figure|Tensor|csr_array)"),
    (r"py:obj", r"True"),  # in docstrings that are inherited from Optuna
    # What a part uses and does not offer.
    (r"py:class", r"optuna_xmcnas(\.\w+){3,}|Objective|ParameterCount|Standing"),
]

html_theme = "furo"
html_title = f"optuna-xmcnas {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
