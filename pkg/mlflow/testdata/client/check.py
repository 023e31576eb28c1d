"""Runs the functions whose names begin with check_ and says which failed."""

import os
import sys
import time
import traceback


def run(module):
    # The first import takes seconds: it is not counted.
    failed = 0
    for name, function in list(vars(module).items()):
        if not name.startswith("check_"):
            continue
        start = time.monotonic()
        try:
            function()
            print(f"ok   {name} {time.monotonic() - start:.2f}s", flush=True)
        except Exception:  # noqa: BLE001
            failed += 1
            print(f"FAIL {name}", flush=True)
            traceback.print_exc(file=sys.stdout)
    sys.stdout.flush()
    os._exit(1 if failed else 0)  # threads of the client may wait for minutes


def raises(text, function, *args, **kwargs):
    """Calls a function that must fail with a message that has text."""
    from mlflow.exceptions import MlflowException

    start = time.monotonic()
    try:
        function(*args, **kwargs)
    except MlflowException as e:
        assert text in str(e), f"{e} does not say {text}"
        assert time.monotonic() - start < 3, "the client tried again"
        return e
    raise AssertionError(f"no error, where {text} was expected")
