"""``mer VERB ...``: lists the verbs, runs one, and turns bad input into one line and exit code 2."""

import importlib
import os
import signal
import sys
from collections.abc import Sequence

from mer.errors import FailedJobsError, MerError, one_line

VERBS = {
    "synth": "write synthetic micro-expression clips in a dataset's true layout",
    "check": "read a dataset; say what it holds and every row repaired or refused",
    "prepare": "aligned key frames and flow into the store; goes on where it stopped",
    "train": "run a protocol: all folds, pooled metrics, artifacts; -m +sweep=NAME sweeps",
    "score": "pooled scores of a predictions.csv, with intervals",
    "compare": "table and figures of runs and sweeps, with paired tests",
    "report": "self-contained HTML report of runs and sweeps",
    "dashboard": "the W&B workspace and report that compare a project's runs",
    "export": "a run's model as one file that is safe to load, with its card; onnx=true",
    "explain": "Grad-CAM of a run over its clips, and how much of it is in the expected regions",
    "magnify": "the magnified video beside the original",
    "predict": "spot and label the movements of a face in videos; JSON lines, annotated video, timeline",
    "bench": "mer's speed beside what a user would use instead, and the error of landmarks",
}
BAD_INPUT = 2
_PIPE_CLOSED = 1  # as rich has it
_HELP = {"-h", "--help", "--hydra-help"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``mer`` with ``arguments`` (default: the command line's). Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _main(words, is_process=arguments is None)
        sys.stdout.flush()
    except BrokenPipeError:  # `mer score FILE | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains as it ends
        return _PIPE_CLOSED
    return code


def _main(words: list[str], is_process: bool) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    verb, *rest = words
    if verb not in VERBS:
        return _complain(str(MerError(f"a verb ({', '.join(VERBS)})", repr(verb), "run `mer` for what each does")))
    try:
        _run(verb, rest)
    except FailedJobsError as failed:
        print(*(f"mer: {one_line(line)}" for line in failed.lines), sep="\n", file=sys.stderr)
        return failed.code
    except KeyboardInterrupt:
        if is_process:  # the process ends: Ctrl-C once more ends it at once, with no word of what it was at
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        print("stopped; start the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:
        message = None if os.environ.get("MER_DEBUG") else _message(error)
        if message is None:
            raise
        return _complain(message)
    return 0


def _run(verb: str, words: list[str]) -> None:
    # Hydra's help is of the configuration alone: it need not wait for torch, which most verbs import.
    if words and _HELP.issuperset(words):
        from mer.hydra_app import conf_dir, show_help

        if (conf_dir() / f"{verb}.yaml").is_file():
            return show_help(verb, words)
    importlib.import_module(f"mer.verbs.{verb}").main(words)
    return None


def _message(error: Exception) -> str | None:
    from mer.messages import user_message  # imports Hydra, which a list of verbs does not need

    return user_message(error)


def usage() -> str:
    """The verbs, a line each."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {does}" for verb, does in VERBS.items()]
    return "\n".join(["usage: mer VERB [overrides]", "", *lines, "", "mer VERB --help says more of one"])


def _complain(message: str) -> int:
    print(f"mer: {one_line(message)}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
