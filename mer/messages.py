"""Turns an exception into the one line a user reads, or says that it is a defect of ours."""

import re
from collections.abc import Iterator

from hydra.errors import HydraException, InstantiationException
from omegaconf.errors import OmegaConfBaseException

from mer.errors import MerError
from mer.launching import launcher_message

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
        if isinstance(cause, (HydraException, OmegaConfBaseException)) and not isinstance(
            cause, InstantiationException
        ):
            return _one_line(cause)
    root = chain[-1]
    if isinstance(root, OSError) and root.filename is not None:
        return str(MerError(f"access to {root.filename}", root.strerror or "none", "check path and permissions"))
    return _one_line(root) if isinstance(error, InstantiationException) else None


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
