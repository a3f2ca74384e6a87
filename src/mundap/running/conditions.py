"""The conditions under which snippets run: the same for a record, a live cell and a test."""

import os
from pathlib import Path

FIXED = {
    "OMP_NUM_THREADS": "1",  # more threads add up in another order, and other runs share the cores
    "MKL_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",  # a run leaves nothing beside the snippets
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else ipykernel warns of frozen modules
}


def environment(full: bool = False, backend: str | None = "agg") -> dict[str, str]:
    """The environment variables of a run: this process's own with the conditions in place.

    full: the run is of full length (FULL_RUN), as records are. backend: matplotlib's; None leaves the choice to
    the kernel, whose `plt.show()` then shows the figure.
    """
    variables = {name: value for name, value in os.environ.items() if name not in ("FULL_RUN", "MPLBACKEND")}
    variables |= FIXED
    if full:
        variables["FULL_RUN"] = "1"
    if backend is not None:
        variables["MPLBACKEND"] = backend
    return variables


def private_settings(folder: Path | str) -> dict[str, str]:
    """The variables that keep a person's own IPython and Jupyter settings, and what kernels leave, in a folder."""
    return {"IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder)}
