"""Exit codes of the command line; a module of its own, since it is imported before the commands are."""

DONE, FAILED, WRONG_CALL, NOTHING = 0, 1, 2, 3
STOPPED = 130  # 128 and the number of SIGINT
