#!/usr/bin/env python3
"""The one entry point: `up` runs the whole product, `test` checks it, anything else is a Django command.

    python3 manage.py up [--port N] [--host H] [--empty] [--no-demo-wait]
    python3 manage.py test [unit | e2e | any pytest arguments]
    python3 manage.py simulate [--seed N] [--scenario NAME]

The first use of either builds the virtual environment; until then only the standard library is imported.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> int:
    from reviewqueue.dev import bootstrap

    command, arguments = (sys.argv[1:2] or ["help"])[0], sys.argv[2:]
    try:
        bootstrap.ensure_environment(ROOT, development=command == "test")
    except bootstrap.CannotPrepare as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit("Interrupted; the next start installs afresh.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")

    if command == "up":
        from reviewqueue.dev import up

        return up.main(ROOT, arguments)
    if command == "test":
        from reviewqueue.dev import testrun

        return testrun.main(ROOT, arguments)

    if command == "simulate":
        from reviewqueue.dev import simulate

        return simulate.main(ROOT, arguments)

    from django.core.management import execute_from_command_line

    from reviewqueue.dev import embedded

    embedded.join_running_stack(ROOT, command)
    execute_from_command_line(sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
