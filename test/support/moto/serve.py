"""Serves moto on a free port until standard input is closed, so that it never outlives the tests that started it."""

import os
import sys
import threading

from moto.server import main


def end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
main(["--host", sys.argv[1], "--port", "0"])
