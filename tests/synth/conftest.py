"""Making a subject takes a third of a second, and the tests need the same few ones again and again."""

from collections.abc import Iterator

import numpy as np
import pytest

from mer.synth import corpus
from mer.synth.identity import Subject, make_subject


@pytest.fixture(scope="session", autouse=True)
def subjects_are_made_once() -> Iterator[None]:
    made: dict[object, Subject] = {}

    def remembered(seed: np.random.SeedSequence) -> Subject:
        key = (seed.entropy, seed.spawn_key)
        if key not in made:
            made[key] = make_subject(seed)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "make_subject", remembered)
        yield
