"""A model file that predicts nothing in particular."""

from pathlib import Path

import pytest

from mer.export import ReleasedModel, write_model
from mer.trained import load_run
from tests.fakes.trained import write_trained_run


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_model(ReleasedModel.from_run(load_run(write_trained_run(folder / "run"))), folder / "model.safetensors")
    return folder / "model.safetensors"
