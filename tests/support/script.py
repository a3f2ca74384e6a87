"""A snippet run as a script, in a process of its own."""

import json
import os
import runpy
import sys


def run(path, folder, log, result):
    """Run a Python file as `python PATH` would in a folder. What it prints goes to log, what it binds to result.

    path, folder, log, result: Paths. result is JSON: {"evidence": {name: value}, "tolerance": {name: value}}. Raises
    what the file raises.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(folder)
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    names = runpy.run_path(str(path), run_name="__main__")
    bound = {
        kind: {name: _plain(value) for name, value in names.get(kind, {}).items()} for kind in ("evidence", "tolerance")
    }
    bound["null"] = {
        world: {name: _plain(value) for name, value in values.items()}
        for world, values in names.get("null", {}).items()
    }
    result.write_text(json.dumps(bound), encoding="utf-8")


def _plain(value):
    value = value.tolist() if hasattr(value, "tolist") else value
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
