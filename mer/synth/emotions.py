"""Which action units make which emotion, and which emotions a subject shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Units = tuple[int, ...]

# Each combination is drawn as often as it stands here; they are frequent ones of CASME II's coding sheet.
HAPPINESS: tuple[Units, ...] = ((6, 12), (6, 12), (12,), (12,), (6, 7, 12))
SURPRISE: tuple[Units, ...] = ((1, 2), (1, 2), (1, 2, 26), (1, 2, 5), (2,))
DISGUST: tuple[Units, ...] = ((4, 9), (4, 10), (4, 7, 9), (4, 9, 10), (4, 7), (9,))
REPRESSION: tuple[Units, ...] = ((15, 17), (15, 17), (17,), (15,))
SADNESS: tuple[Units, ...] = ((15,), (1, 4), (1, 4, 15), (15, 17))
FEAR: tuple[Units, ...] = ((1, 2, 4), (20,), (4, 20))
ANGER: tuple[Units, ...] = ((4,), (4, 7), (4, 5), (23,), (4, 7, 23))
CONTEMPT: tuple[Units, ...] = ((14,),)
OTHERS: tuple[Units, ...] = ((4,), (14,), (4, 14), (17, 24), (18,), (7,))


@dataclass(frozen=True)
class Emotion:
    """One emotion of a dataset.

    Attributes:
        combinations: action units; a clip draws one.
        clips: number of clips of it in the real dataset, which sets how often it comes.
        is_leading: whether it belongs to the first clips of every subject; the others come after these.
    """

    combinations: tuple[Units, ...]
    clips: int
    is_leading: bool = False


def emotion_order(emotions: Mapping[str, Emotion], clips: int, rng: np.random.Generator) -> list[str]:
    """Emotions of a subject's clips: the leading ones, the others, each once, then by the subject's own tendency."""
    leading = [name for name, emotion in emotions.items() if emotion.is_leading]
    others = [name for name, emotion in emotions.items() if not emotion.is_leading]
    first = [*_shuffled(leading, rng), *_shuffled(others, rng)]
    share = np.array([emotion.clips for emotion in emotions.values()], np.float64)
    tendency = rng.dirichlet(4 * len(emotions) * share / share.sum() + 0.1)
    rest = rng.choice(list(emotions), max(0, clips - len(first)), p=tendency)
    return [*first, *map(str, rest)][:clips]


def _shuffled(names: Sequence[str], rng: np.random.Generator) -> list[str]:
    return [names[index] for index in rng.permutation(len(names))]


def draw_units(combinations: Sequence[Units], rng: np.random.Generator) -> Units:
    """The action units of one clip."""
    return combinations[int(rng.integers(len(combinations)))]
