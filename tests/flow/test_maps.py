"""Flow keeps its meaning when its grid changes."""

from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from mer.errors import MerError
from mer.flow import FlowMaps, resize_flow, resize_map
from mer.needs import NEEDS
from tests.clip_maps import noise_maps


def relative_positions(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Pixel centres in shares of the image's sides."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return x / width, y / height


def linear_field(height: int, width: int) -> Tensor:
    """A flow that is linear in relative position and in relative units, in px of its grid."""
    x, y = relative_positions(height, width)
    return torch.stack([(0.1 * x - 0.05 * y + 0.02) * width, (0.03 * x + 0.08 * y - 0.01) * height])[None]


@pytest.mark.parametrize(("height", "width"), [(40, 40), (64, 48), (30, 90)])
@pytest.mark.parametrize("size", [20, 28, 112])
def test_linear_field_is_the_same_in_relative_units(height: int, width: int, size: int) -> None:
    resized = resize_flow(linear_field(height, width), size)
    margin = size // 6  # interpolation leans on the border there
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    torch.testing.assert_close(resized[inner], linear_field(size, size)[inner], rtol=0, atol=0.01)


def test_vectors_shrink_with_the_side_they_are_measured_along() -> None:
    flow = torch.ones(2, 2, 40, 80)
    resized = resize_flow(flow, 20)
    torch.testing.assert_close(resized[:, 0], torch.full((2, 20, 20), 0.25))
    torch.testing.assert_close(resized[:, 1], torch.full((2, 20, 20), 0.5))


def test_resizing_a_map_keeps_its_values() -> None:
    torch.testing.assert_close(resize_map(torch.full((1, 1, 40, 80), 0.3), 25), torch.full((1, 1, 25, 25), 0.3))


def test_shrinking_averages_rather_than_picks() -> None:
    checkers = (torch.arange(60)[:, None] + torch.arange(60)) % 2
    shrunk = resize_map(checkers.float()[None, None], 20)
    torch.testing.assert_close(shrunk, torch.full_like(shrunk, 0.5), rtol=0, atol=0.02)


def test_same_size_changes_nothing() -> None:
    flow = torch.rand(1, 2, 28, 28)
    torch.testing.assert_close(resize_flow(flow, 28), flow, rtol=0, atol=0)


def test_maps_are_as_long_as_their_clips() -> None:
    assert len(FlowMaps(torch.zeros(7, 2, 4, 4))) == 7


@pytest.mark.parametrize("strain", [None, torch.ones(3, 1, 4, 4)])
def test_digest_tells_maps_apart_by_any_value(strain: Tensor | None) -> None:
    flow = torch.arange(96.0).view(3, 2, 4, 4)
    digest = FlowMaps(flow, strain).digest()
    assert FlowMaps(flow.clone(), strain).digest() == digest
    changed = flow.clone()
    changed[2, 1, 3, 3] += 1e-4
    assert FlowMaps(changed, strain).digest() != digest
    assert FlowMaps(flow, torch.zeros(3, 1, 4, 4)).digest() != digest


def test_digest_does_not_depend_on_the_memory_layout() -> None:
    flow = torch.arange(96.0).view(3, 4, 4, 2).permute(0, 3, 1, 2)
    assert FlowMaps(flow).digest() == FlowMaps(flow.contiguous()).digest()


def test_every_field_is_selected_told_apart_and_asked_for() -> None:
    maps = noise_maps()
    chosen = maps.select(torch.tensor([2, 0]))
    for name, tensor in maps.tensors().items():
        assert torch.equal(chosen.need(name), tensor[[2, 0]])
        changed = tensor.clone()
        changed.view(-1)[-1] += 1
        assert replace(maps, **{name: changed}).digest() != maps.digest()
        if name in NEEDS:
            with pytest.raises(MerError, match=f"prepare maps.{name} too"):
                replace(maps, **{name: None}).need(name)
    assert list(maps.tensors()) == [field.name for field in fields(FlowMaps)]


def test_fields_that_are_not_there_stay_away() -> None:
    assert list(FlowMaps(torch.zeros(3, 2, 4, 4)).select([0]).to("cpu").tensors()) == ["flow"]
