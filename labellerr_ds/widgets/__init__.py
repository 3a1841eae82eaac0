"""Widgets for the notebook: pick an export, look at the labels.

What a widget shows is computed in files that know no widget (`viewer_state`, `pages`, `messages`); scripts and styles
are in `assets/`. Imports: everything but `api`, `cli` and `mirror`. A filter of the viewer is added to `pages`
(which files match) and to `assets/` (its control).
"""
