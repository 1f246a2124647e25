"""Folds on several processes of one machine."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import torch
import torch.multiprocessing
from safetensors.torch import load, save

from mer.engines.sequential import SequentialEngine
from mer.engines.training import Engine, OnEpoch, TrainedFold, Training
from mer.errors import MerError, SaidError, require_integer
from mer.interrupts import without_ctrl_c
from mer.messages import user_message
from mer.protocols.folds import Fold
from mer.quiet import quiet_lightning


class ParallelEngine:
    """Trains folds on worker processes, each of which takes the next ones as soon as it is free.

    Args:
        workers: processes; ``auto`` for one a core.
        each: what trains the folds in a worker.

    Raises:
        MerError: ``workers`` is neither ``auto`` nor a number from 1.
    """

    def __init__(self, workers: int | str = "auto", each: Engine | None = None) -> None:
        self._workers = workers if workers == "auto" else require_integer("engine.workers", workers, 1, 1024)
        self._each = each or SequentialEngine()

    def next_folds(self, missing: Sequence[Fold], training: Training) -> list[Fold]:
        return list(missing)

    def train(self, folds: Sequence[Fold], training: Training, on_epoch: OnEpoch) -> Iterator[TrainedFold]:
        if training.clips.targets.device.type != "cpu":
            raise MerError("trainer.accelerator=cpu for engine=parallel", str(training.clips.targets.device),
                           "set engine=stacked")  # fmt: skip
        cores = _cores()
        workers_at_most = self._workers if isinstance(self._workers, int) else cores
        # Not by the folds left: sums' last bits depend on the threads, and a run that goes on is to be the same.
        threads = max(1, cores // workers_at_most)
        _ = training.inputs  # made once, and shared
        with _Workers(min(workers_at_most, len(folds)), threads, self._each, training) as workers:
            yield from workers.train(list(folds))


def _cores() -> int:
    """Cores that this process may use, which under a batch system are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Workers:
    """Processes that train what they are sent; ended, however the work ends, with the block."""

    def __init__(self, number: int, threads: int, engine: Engine, training: Training) -> None:
        self._number, self._threads, self._engine, self._training = number, threads, engine, training
        self._processes: dict[Connection, SpawnProcess] = {}
        self._busy: dict[Connection, list[Fold]] = {}

    def __enter__(self) -> "_Workers":
        context = multiprocessing.get_context("spawn")
        with without_ctrl_c():
            for _ in range(self._number):
                ours, theirs = context.Pipe()
                # A worker dies with the run, and leaves Ctrl-C to it.
                process = context.Process(
                    target=work, args=(theirs, self._engine, self._training, self._threads), daemon=True
                )
                process.start()
                theirs.close()
                self._processes[ours] = process
        return self

    def __exit__(self, *_: object) -> None:
        for connection, process in self._processes.items():
            process.kill()
            process.join()
            connection.close()

    def train(self, folds: list[Fold]) -> Iterator[TrainedFold]:
        for connection in self._processes:
            self._send(connection, folds)
        while self._busy:
            for ready in wait(list(self._busy)):
                if isinstance(ready, Connection):
                    yield from self._receive(ready, folds)

    def _send(self, connection: Connection, folds: list[Fold]) -> None:
        """Hand the next folds to a worker."""
        share = folds[: -(-len(folds) // self._number)]
        if not share:
            return
        chunk = self._engine.next_folds(share, self._training)
        folds[:] = [fold for fold in folds if all(fold is not one for one in chunk)]
        self._busy[connection] = chunk
        connection.send(chunk)

    def _receive(self, connection: Connection, folds: list[Fold]) -> Iterator[TrainedFold]:
        try:
            answer: Any = connection.recv()
        except (EOFError, ConnectionError) as error:
            process = self._processes[connection]
            process.join()
            names = ", ".join(fold.subject for fold in self._busy[connection])
            raise MerError(
                "worker processes that live until their folds are done",
                f"one that died (exit code {process.exitcode}) with {names} in hand",
                "start the command again to go on, with fewer engine.workers= if memory ran out",
            ) from error
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            del self._busy[connection]
            self._send(connection, folds)
        else:
            trained, weights = answer
            yield replace(trained, weights=load(weights))


def work(connection: Connection, engine: Engine, training: Training, threads: int) -> None:
    """A worker's life: folds in, trained folds out, None where a chunk is done."""
    quiet_lightning()
    torch.set_num_threads(threads)
    try:
        while True:
            for trained in engine.train(connection.recv(), training, lambda done, total: None):
                connection.send((replace(trained, weights={}), save(trained.weights)))
            connection.send(None)
    except (EOFError, ConnectionError):  # the run is gone
        return
    except Exception as error:
        message = user_message(error)
        connection.send(SaidError(message) if message else error)
