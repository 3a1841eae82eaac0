"""``python -m labellerr_ds``: the command line."""

from labellerr_ds.cli import app

if __name__ == "__main__":
    app(prog_name="labellerr-ds")
