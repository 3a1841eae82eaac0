"""``python -m labellerr_ds``, and ``labellerr-ds``: the command line."""

import sys

from labellerr_ds.cli.exit_codes import STOPPED


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, also while it is still being loaded."""
    try:
        from labellerr_ds.cli.app import app

        app(prog_name="labellerr-ds")
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
