"""A descriptor and a classifier as one model."""

import numpy as np
import torch

from mer.flow import FlowMaps
from mer.handcrafted import BiWoof, DescriptorModel, Majority, bi_woof


def maps(n_clips: int = 150) -> FlowMaps:
    generator = torch.Generator().manual_seed(0)
    flow = torch.randn(n_clips, 2, 10, 10, generator=generator)
    return FlowMaps(flow, torch.rand(n_clips, 1, 10, 10, generator=generator))


def test_many_clips_are_described_as_each_alone() -> None:
    model, clips = DescriptorModel(Majority(), BiWoof()), maps()
    alone = np.concatenate([model.describe(clips.select([row])) for row in range(len(clips))])
    assert model.describe(clips).shape == (150, 200)
    np.testing.assert_allclose(model.describe(clips), alone, rtol=1e-6, atol=1e-7)


def test_published_strain_is_taken_where_there_is_one() -> None:
    clips = maps(3)
    assert torch.equal(BiWoof(2, 4)(clips), bi_woof(clips.flow, clips.strain, 2, 4))
    assert torch.equal(BiWoof(2, 4)(FlowMaps(clips.flow)), bi_woof(clips.flow, None, 2, 4))
    assert not torch.allclose(BiWoof()(clips), BiWoof()(FlowMaps(clips.flow)))


def test_without_descriptor_there_is_a_row_a_clip() -> None:
    assert DescriptorModel(Majority()).describe(maps(7)).shape == (7, 0)
