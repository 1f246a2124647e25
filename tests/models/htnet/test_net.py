"""HTNet: its size, its levels, and that it learns."""

import re

import pytest
import torch

from mer.errors import MerError
from mer.models.htnet.net import HTNet
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_inputs


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**settings: object) -> HTNet:
    return HTNet(3, **({"width": 12, "repeats": (1, 1, 1)} | settings))  # type: ignore[arg-type]


def test_has_the_parameters_of_its_layers() -> None:
    def layer(width: int, heads: int) -> int:
        inner = heads * (width // heads)
        attention = 2 * width + 3 * inner * width + inner * width + width
        return attention + 2 * width + 4 * width**2 + 4 * width + 4 * width**2 + width

    embedding = 2 * 147 + (147 + 1) * 256 + 2 * 256
    levels = sum(n * layer(w, h) for n, w, h in ((2, 256, 3), (2, 512, 6), (8, 1024, 12)))
    joints = sum((9 * w + 1) * 2 * w + 2 * 2 * w for w in (256, 512))
    with torch.device("meta"):
        places = 3  # one token a block
        head = 2 * 1024 + (1024 + 1) * 3
        assert count_parameters(HTNet(3)) == embedding + places + levels + joints + head


@pytest.mark.parametrize("blocks", [(4, 2, 1), (2, 1, 1), (1, 1, 1)])
def test_places_are_those_of_a_block(blocks: tuple[int, ...]) -> None:
    net = tiny(blocks=blocks)
    assert [place.shape for place in net.places] == [
        (side // count,) * 2 for side, count in zip((4, 2, 1), blocks, strict=True)
    ]
    assert net(*random_inputs(2, [3], 28)).shape == (2, 3)


def test_first_level_looks_no_further_than_its_blocks() -> None:
    """The published blocks hold one token: two patches do not meet before the first joint."""
    for blocks, meets in (((4, 2, 1), False), ((2, 1, 1), True)):
        net, seen = tiny(blocks=blocks).eval(), []
        net.levels[0].register_forward_hook(lambda *call, seen=seen: seen.append(call[2]))
        [maps] = random_inputs(1, [3], 28)
        changed = maps.clone()
        changed[..., :7, 7:14] += 1  # the second token of the first row
        net(maps), net(changed)
        assert torch.equal(seen[0][0], seen[1][0]) is not meets


def test_patches_are_tokens_row_by_row() -> None:
    net, [maps] = tiny(), random_inputs(1, [3], 28)
    patch = maps[:, :, 7:14, 14:21]
    tokens = net.embed(torch.nn.functional.pixel_unshuffle(maps, 7))
    torch.testing.assert_close(tokens[..., 1, 2], net.embed(patch.reshape(1, 147, 1, 1))[..., 0, 0])


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(blocks=(2, 1, 1)), random_inputs(3, [3], 28))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(tiny(blocks=(2, 1, 1)), random_inputs(10, [3], 28), lr=3e-3, steps=20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 30}, "features.size as a multiple of model.patch_px=7"),
        ({"blocks": (3, 2, 1)}, "4 tokens a side parted evenly"),
        ({"blocks": (4, 2)}, "3 of model.blocks"),
        ({"width": 0}, "model.width"),
        ({"heads": 13}, "model.heads"),
        ({"patch_px": 0}, "model.patch_px"),
        ({"dropout": 2}, "model.dropout"),
        ({"in_channels": (3, 3)}, "one input"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=re.escape(message)):
        tiny(**settings)
