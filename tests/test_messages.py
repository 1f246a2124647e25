"""Errors that are the user's to mend become one line; defects of ours do not."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from mer.errors import MerError
from mer.hydra_app import conf_dir
from mer.messages import user_message


def caught(action: Any, *arguments: Any) -> Exception:
    """The exception that ``action`` ends in."""
    with pytest.raises(Exception) as info:  # noqa: PT011
        action(*arguments)
    return info.value


def compose_train(*overrides: str) -> Any:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", list(overrides))


def wrap(cause: Exception) -> None:
    try:
        raise cause
    except Exception as error:
        raise RuntimeError("a worker failed") from error


def test_mer_error_says_itself() -> None:
    assert user_message(MerError("a face", "none", "try on")) == "expected a face; got none; try on"


def test_mer_error_is_found_below_the_error_of_a_worker() -> None:
    error = caught(wrap, MerError("a face", "none", "try on"))
    assert user_message(error) == "expected a face; got none; try on"


def test_mer_error_of_a_part_is_found_below_hydras() -> None:
    error = caught(instantiate, {"_target_": "mer.align.NoCrop", "size_px": 1})
    assert not isinstance(error, MerError)
    message = user_message(error)
    assert message is not None
    assert message.startswith("expected align.size_px to be a number in [16, 4096]; got 1")


@pytest.mark.parametrize(
    ("override", "part"),
    [("align=absent", "align/absent"), ("no.such.key=1", "no.such.key"), ("align=[", "align=[")],
)
def test_override_that_hydra_refuses_is_one_line(override: str, part: str) -> None:
    message = user_message(caught(compose_train, override))
    assert message is not None
    assert "\n" not in message
    assert part in message
    assert message.startswith("expected a valid configuration; got an error in ")
    assert message.endswith("; see `mer VERB --help`")


def test_interpolation_of_a_missing_value_is_one_line() -> None:
    message = user_message(caught(lambda: OmegaConf.create({"seed": "${absent}"}).seed))
    assert message is not None
    assert "absent" in message
    assert "\n" not in message


def test_argument_that_a_part_does_not_take_is_one_line() -> None:
    message = user_message(caught(instantiate, {"_target_": "mer.align.NoCrop", "side_px": 64}))
    assert message is not None
    assert "side_px" in message
    assert "\n" not in message


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError("x"), OSError("x")])
def test_defect_of_ours_is_left_to_its_traceback(error: Exception) -> None:
    assert user_message(error) is None
    assert user_message(caught(wrap, error)) is None


def test_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as caught:
        (tmp_path / "file" / "folder").mkdir()
    message = user_message(caught.value)
    assert message is not None
    assert message.startswith(f"expected access to {tmp_path / 'file' / 'folder'}; got Not a directory;")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "got MemoryError; start"),
        (MemoryError("Unable to allocate 7 TiB"), "got MemoryError: Unable to allocate 7 TiB;"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
            "alloc_cpu",
        ),
        (RuntimeError("could not create a primitive"), "a primitive"),
        (RuntimeError("CUDA out of memory.\nTried to allocate 20 MiB. " + "x" * 999), "CUDA out of memory. Tried"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate"),
    ],
)
def test_lack_of_memory_is_one_line_that_says_how_to_go_on(error: Exception, says: str) -> None:
    for found in (error, caught(wrap, error)):
        message = user_message(found)
        assert message is not None
        assert message.startswith("expected enough memory; got ")
        assert says in message
        assert message.endswith("what is complete is kept")
        assert "\n" not in message
        assert len(message) < 500


def test_torch_and_numpy_say_what_is_taken_for_lack_of_memory() -> None:
    for allocate in (torch.empty, np.empty):
        assert str(user_message(caught(allocate, 2**57))).startswith("expected enough memory")


def test_full_disk_is_one_line_where_no_file_is_named() -> None:
    says = "expected room on the disk; got No space left on device; free disk space or choose another folder"
    assert user_message(OSError(errno.ENOSPC, "No space left on device")) == says
    assert user_message(OSError(errno.EBADF, "Bad file descriptor")) is None
