"""Jobs of a sweep under a launcher: threads that do not fight, and one line where a launcher cannot do its work."""

from types import TracebackType

from hydra.errors import MissingConfigException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from mer.errors import MerError
from mer.threads import limit_threads, usable_cores

_LAUNCHERS = ("joblib", "submitit", "ray")  # the packages that run jobs
_EXTRAS = (*_LAUNCHERS, "optuna")  # of mer, each with the plugin of that name


class JobThreads(Callback):
    """Limits a job's threads, in the process that runs it: ``threads``, or the cores shared by ``jobs`` side by side.

    Args:
        jobs: how many run at once on a machine; below 0 as joblib has it, -1 for one a core.
        threads: of a job; what it was given by Slurm or Ray. None: all that the job sees.
    """

    def __init__(self, jobs: int | None = None, threads: int | None = None) -> None:
        self.jobs = jobs
        self.threads = threads

    def on_job_start(self, config: DictConfig, **_: object) -> None:
        """Set the limit; Hydra calls this in the worker."""
        threads = self.threads if self.jobs is None else threads_beside(self.jobs, usable_cores())
        if threads is not None:
            limit_threads(threads)


def threads_beside(jobs: int, cores: int) -> int:
    """Threads of one of ``jobs`` jobs that share ``cores``; ``jobs`` below 0 counts back from the cores."""
    side_by_side = jobs if jobs > 0 else max(1, cores + 1 + jobs)
    return max(1, cores // side_by_side)


def launcher_message(error: BaseException) -> str | None:
    """The one line for a launcher that is not installed or that lost a job; None for any other error."""
    if isinstance(error, MissingConfigException):
        group, _, plugin = str(error.missing_cfg_file or "").removesuffix(".yaml").rpartition("/")
        if group not in ("hydra/launcher", "hydra/sweeper"):
            return None
        extra = plugin.partition("_")[0]  # submitit_slurm comes with submitit
        if extra not in _EXTRAS:
            return None
        return str(MerError(f"Hydra's plugin for {group}={plugin}", "none installed", f"pip install 'mer[{extra}]'"))
    if _raised_in(error.__traceback__).partition(".")[0] not in _LAUNCHERS:
        return None
    lines = [line.strip() for line in str(error).partition("\n----")[0].splitlines() if line.strip()]
    got = f"{type(error).__name__}: {' '.join(lines)}"
    remedy = "when that is mended, start the same command again: what is complete is not done again"
    return str(MerError("a launcher that runs every job to its end", got, remedy))


def _raised_in(trace: TracebackType | None) -> str:
    """Module of the innermost frame."""
    name = ""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return name
