"""Turns an exception into the one line a user reads, or says that it is a defect of ours."""

import errno
import re
from collections.abc import Iterator

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import OmegaConfBaseException

from mer.errors import MerError
from mer.launching import launcher_message

# As Python, torch, oneDNN, OpenCV, the C++ library and the system put it.
_NO_MEMORY = re.compile(
    r"can't allocate memory|not enough memory|out of memory|Cannot allocate memory|std::bad_alloc|Insufficient memory"
    r"|can't start new thread|could not create a (?:primitive|memory object)|failed to map segment",
    re.IGNORECASE,
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LONGEST_REASON = 200  # characters; torch tells of each pool
_PLUGIN = re.compile(r"Could not find 'hydra/(?:launcher|sweeper)/(joblib|submitit|ray|optuna)\w*'")


def user_message(error: BaseException) -> str | None:
    """The one line for an error that is the user's to mend; None for a defect of ours."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, MerError):
            return str(cause)
        told = launcher_message(cause)
        if told is not None:
            return told
    for cause in chain:
        if isinstance(cause, MemoryError) or _NO_MEMORY.search(str(cause)):
            return _no_memory(cause)
    for cause in chain:
        if isinstance(cause, (HydraException, OmegaConfBaseException)) and not isinstance(
            cause, InstantiationException
        ):
            return _one_line(cause)
    root = chain[-1]
    if isinstance(root, OSError) and root.filename is not None:
        return str(MerError(f"access to {root.filename}", root.strerror or "none", "check path and permissions"))
    if isinstance(root, OSError) and root.errno in _NO_ROOM:  # in a package's file, whose name it does not tell
        return str(MerError("room on the disk", root.strerror or "none", "free disk space or choose another folder"))
    return _one_line(root) if isinstance(error, InstantiationException) else None


def _no_memory(error: BaseException) -> str:
    reason = " ".join(str(error).split())[:_LONGEST_REASON]
    got = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    remedy = "start the same command again with less at once (batch_size=, engine.folds=, engine.workers=, jobs)"
    return str(MerError("enough memory", got, f"{remedy}: what is complete is kept"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if plugin := _PLUGIN.search(str(error)):
        extra = plugin[1]
        return str(MerError(f"Hydra's plugin for {extra}", "none installed", f"pip install 'mer[{extra}]'"))
    word = getattr(error, "override", None)  # Hydra keeps the word that it could not parse beside its message
    got = f"an error in {word}" if word else "an error in it"
    return f"expected a valid configuration; got {got}: {' '.join(lines)}; see `mer VERB --help`"
