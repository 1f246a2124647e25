"""The network's inputs of a dataset's clips: made in each batch anew, or once for all variants of augmentation."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from mer.features.augment import flip_maps
from mer.flow import FlowMaps

_BATCH = 64
TABLE_BYTES = 2 * 1024**3  # beyond it, inputs are made in each batch


class ClipInputs(Protocol):
    """Makes a network's inputs of clips, chosen by row number."""

    def plain(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Inputs of the clips ``rows`` ``(B,)`` as they are, each ``(B, ...)``: ``(B, C, H, W)`` of a branch, say."""
        ...

    def mirrored(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Inputs of the mirror images of the clips ``rows`` ``(B,)``, each ``(B, C, H, W)``."""
        ...

    def augmented(self, rows: Sequence[Tensor], generators: Sequence[torch.Generator]) -> tuple[Tensor, ...]:
        """Augmented inputs of several folds' batches, each ``(B, F, ...)``.

        Args:
            rows: for each of ``F`` folds its ``(b,)`` row numbers; B is the largest b, a shorter batch is filled up
                with its own first clip.
            generators: for each fold the generator of its draws, from which a fold draws as it would alone.
        """
        ...


class FreshInputs:
    """Augments and builds features in each batch.

    Args:
        maps: of all clips.
        features: maps of clips -> the network's inputs.
        augment: maps of clips and a generator -> the same, changed.
    """

    def __init__(self, maps: FlowMaps, features: nn.Module, augment: nn.Module) -> None:
        self._maps, self._features, self._augment = maps, features, augment

    def plain(self, rows: Tensor) -> tuple[Tensor, ...]:
        inputs: tuple[Tensor, ...] = self._features(self._maps.select(rows.to(self._maps.flow.device)))
        return inputs

    def mirrored(self, rows: Tensor) -> tuple[Tensor, ...]:
        return mirrored_inputs(self._maps, self._features, rows)

    def augmented(self, rows: Sequence[Tensor], generators: Sequence[torch.Generator]) -> tuple[Tensor, ...]:
        folds = [self._one(*fold) for fold in zip(rows, generators, strict=True)]
        longest = max(map(len, rows))
        filled = [[_filled_up(one, longest) for one in fold] for fold in folds]
        return tuple(torch.stack(one, dim=1) for one in zip(*filled, strict=True))

    def _one(self, rows: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        maps = self._maps.select(rows.to(self._maps.flow.device))
        inputs: tuple[Tensor, ...] = self._features(self._augment(maps, generator))
        return inputs


class TabledInputs:
    """All clips' inputs in all variants, made once: a batch is rows of them.

    Args:
        maps: of all N clips.
        features: maps of clips -> the network's inputs.
        augment: has ``variants``, ``variant(maps, number)`` with variant 0 unchanged, and
            ``draw(n_clips, generator)`` -> variant numbers.
    """

    def __init__(self, maps: FlowMaps, features: nn.Module, augment: Any) -> None:
        self._n_clips, self._maps, self._features = len(maps), maps, features
        self._draw = augment.draw
        # Filled part by part: a list of parts would be in memory twice when it is put together.
        tables: list[Tensor] = []
        for number in range(augment.variants):
            for start in range(0, len(maps), _BATCH):
                part = features(augment.variant(maps.select(slice(start, start + _BATCH)), number))
                tables = tables or [one.new_empty(augment.variants * len(maps), *one.shape[1:]) for one in part]
                for table, one in zip(tables, part, strict=True):
                    table[number * len(maps) + start :][: len(one)] = one
        self._tables = tuple(tables)

    def plain(self, rows: Tensor) -> tuple[Tensor, ...]:
        return tuple(table[rows.to(table.device)] for table in self._tables)

    def mirrored(self, rows: Tensor) -> tuple[Tensor, ...]:
        return mirrored_inputs(self._maps, self._features, rows)

    def augmented(self, rows: Sequence[Tensor], generators: Sequence[torch.Generator]) -> tuple[Tensor, ...]:
        drawn = [
            one + self._n_clips * self._draw(len(one), generator)
            for one, generator in zip(rows, generators, strict=True)
        ]
        numbers = fill_up(drawn).to(self._tables[0].device)
        chosen = (table.index_select(0, numbers.flatten()) for table in self._tables)
        return tuple(one.view(*numbers.shape, *one.shape[1:]) for one in chosen)


def mirrored_inputs(maps: FlowMaps, features: nn.Module, rows: Tensor) -> tuple[Tensor, ...]:
    """Inputs of the mirror images of the clips ``rows``, each ``(B, C, H, W)``."""
    inputs: tuple[Tensor, ...] = features(flip_maps(maps.select(rows.to(maps.flow.device))))
    return inputs


def clip_inputs(maps: FlowMaps, features: nn.Module, augment: Any) -> ClipInputs:
    """A table of all variants where the augmentation has few and memory is no matter, else inputs made in batches."""
    variants = getattr(augment, "variants", None)
    if variants is None:
        return FreshInputs(maps, features, augment)
    one = features(maps.select(slice(0, 1)))
    n_bytes = sum(tensor.nbytes for tensor in one) * len(maps) * variants
    chosen = TabledInputs if n_bytes <= TABLE_BYTES else FreshInputs
    return chosen(maps, features, augment)


def _filled_up(batch: Tensor, longest: int) -> Tensor:
    return torch.cat([batch, batch[:1].expand(longest - len(batch), *batch.shape[1:])])


def fill_up(rows: Sequence[Tensor]) -> Tensor:
    """Numbers of several folds' batches as columns ``(B, F)``; a shorter one is filled up with its first number."""
    filled = pad_sequence(list(rows), padding_value=-1)
    return torch.where(filled < 0, torch.stack([one[0] for one in rows]), filled)
