"""What the tests of the tools share."""

import importlib.metadata
import os
import zipfile

import pytest
import setup_env


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """This environment's pip as a wheel in a folder: the only place that pip looks for packages."""
    distribution = importlib.metadata.distribution("pip")
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / f"pip-{distribution.version}-py3-none-any.whl", "w") as archive:
        for file in distribution.files:
            if not file.as_posix().startswith("..") and file.suffix != ".pyc":
                archive.write(distribution.locate_file(file), file.as_posix())
    monkeypatch.setattr(setup_env, "PIP", f"pip=={distribution.version}")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    return folder
