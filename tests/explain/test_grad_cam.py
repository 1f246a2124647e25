"""Grad-CAM against closed forms, finite differences and captum; where its cells lie."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mer.errors import MerError
from mer.explain.grad_cam import BranchMaps, grad_cam, on_crop
from mer.models.cam import CamLayers, CellGrid
from tests.explain.nets import NETS, dual_branch, inputs

FUSIONS = ["add", "concat", "multiply", "gated"]


def last_maps(net: Any, features: list[Tensor]) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return net.branch_a(features[0]), net.branch_b(features[1])


@pytest.mark.parametrize("fusion", ["add", "concat"])
def test_global_pooling_and_a_linear_head_give_the_class_activation_map(fusion: str) -> None:
    net, features = dual_branch(fusion=fusion), inputs()
    with torch.no_grad():
        fused = net.fused_maps(*features)
    cells = fused.shape[-1] * fused.shape[-2]
    for label in range(3):
        expected = torch.einsum("k,bkhw->bhw", net.head.weight[label], fused) / cells
        torch.testing.assert_close(grad_cam(net, features, label, signed=True).fused, expected)
        torch.testing.assert_close(grad_cam(net, features, label).fused, expected.relu())


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("head_size", [1, 3])
def test_alpha_is_the_finite_difference_of_the_logit(fusion: str, head_size: int) -> None:
    """Adding d to every cell of a channel changes the logit by d times the number of cells times alpha."""
    net, features = dual_branch(fusion=fusion, head_size=head_size), inputs(2)
    if net.gate is not None:
        nn.init.normal_(net.gate.gate.weight, std=0.3)
    maps, label, step = last_maps(net, features), 1, 1e-5
    expected = []
    for branch in range(2):
        alphas = []
        for channel in range(maps[branch].shape[1]):
            logits = []
            for sign in (1, -1):
                moved = [one.clone() for one in maps]
                moved[branch][:, channel] += sign * step
                logits.append(net.head(net.pool(net.fuse(*moved)).flatten(1))[:, label])
            alphas.append((logits[0] - logits[1]) / (2 * step * maps[branch][0, 0].numel()))
        expected.append(torch.einsum("kb,bkhw->bhw", torch.stack(alphas), maps[branch]).detach())
    found = grad_cam(net, features, label, signed=True)
    for one, truth in zip(found.branches, expected, strict=True):
        torch.testing.assert_close(one, truth, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("fusion", ["add", "concat"])
@pytest.mark.parametrize("method", ["grad_cam", "hires_cam"])
def test_branches_add_up_to_the_fused_map(fusion: str, method: str) -> None:
    found = grad_cam(dual_branch(fusion=fusion, head_size=3), inputs(), 0, signed=True, method=method)
    torch.testing.assert_close(found.fused, sum(found.branches))


def test_fused_map_of_a_product_is_that_of_the_product() -> None:
    net, features = dual_branch(fusion="multiply"), inputs()
    first, second = last_maps(net, features)
    expected = torch.einsum("k,bkhw->bhw", net.head.weight[2], first * second) / first[0, 0].numel()
    found = grad_cam(net, features, 2, signed=True)
    torch.testing.assert_close(found.fused, expected)
    assert not torch.allclose(found.fused, sum(found.branches))


def test_without_the_other_branch_the_fused_map_is_the_branchs_own() -> None:
    class Nothing(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            return torch.zeros(len(features), 6, 14, 14, dtype=features.dtype) * features.sum()

    net = dual_branch()
    net.branch_b = Nothing()  # type: ignore[assignment]
    found = grad_cam(net, inputs(), 1)
    torch.testing.assert_close(found.fused, found.branches[0])
    assert found.fused.max() > 0
    assert found.branches[1].abs().max() == 0


@pytest.mark.parametrize("branch", ["a", "b"])
def test_a_network_of_one_branch_has_its_map_alone(branch: str) -> None:
    found = grad_cam(dual_branch(branches=branch), inputs(), 0)
    assert found.names == (branch,)
    torch.testing.assert_close(found.fused, found.branches[0])


def test_larger_logits_leave_the_scaled_maps_as_they_are() -> None:
    net, features = dual_branch(), inputs()
    before = grad_cam(net, features, 0)
    with torch.no_grad():
        net.head.weight *= 7
    after = grad_cam(net, features, 0)
    torch.testing.assert_close(after.fused, 7 * before.fused)
    for one, other in zip(before.scaled().branches, after.scaled().branches, strict=True):
        torch.testing.assert_close(one, other)


def test_branches_are_scaled_by_one_constant_a_clip() -> None:
    zero, small, large = (torch.full((1, 2, 2), value) for value in (0.0, 1.0, 4.0))
    grid = CellGrid(1, 0)
    maps = BranchMaps(torch.cat([large, zero]), (torch.cat([small, zero]), torch.cat([large, zero])), ("a", "b"), grid)
    scaled = maps.scaled()
    assert [one[0].max().item() for one in (scaled.fused, *scaled.branches)] == [1, 0.25, 1]
    assert all(one[1].abs().max() == 0 for one in (scaled.fused, *scaled.branches))


def test_a_linear_head_is_told_apart_cell_by_cell() -> None:
    """y - bias is the sum of gradient times map, which their means are not."""
    net, features = dual_branch(head_size=3), inputs()
    truth = (net(*features) - net.head.bias)[:, 1].detach()
    by_cell, by_mean = (
        grad_cam(net, features, 1, signed=True, method=method).fused.sum(dim=(1, 2))
        for method in ("hires_cam", "grad_cam")
    )
    torch.testing.assert_close(by_cell, truth)
    assert not torch.allclose(by_mean, truth, rtol=0.1)


def test_both_methods_agree_behind_global_pooling() -> None:
    one, other = (grad_cam(dual_branch(), inputs(), 0, method=method).fused for method in ("grad_cam", "hires_cam"))
    torch.testing.assert_close(one, other)


def test_every_clip_may_have_a_class_of_its_own() -> None:
    net, features = dual_branch(), inputs(3)
    found = grad_cam(net, features, torch.tensor([2, 0, 2]))
    for row, label in enumerate((2, 0, 2)):
        torch.testing.assert_close(found.fused[row], grad_cam(net, features, label).fused[row])


def test_equals_captum() -> None:
    attr = pytest.importorskip("captum.attr")
    net, features = dual_branch(head_size=3), tuple(inputs())
    found = grad_cam(net, features, 1, signed=True)
    for one, layer in zip(found.branches, (net.branch_a, net.branch_b), strict=True):
        theirs = attr.LayerGradCam(net, layer).attribute(features, target=1)
        torch.testing.assert_close(one, theirs[:, 0].detach())
    fused = attr.LayerGradCam(net, net.pool).attribute(features, target=1, attribute_to_layer_input=True)
    torch.testing.assert_close(found.fused, fused[:, 0].detach())


class InPlace(nn.Module):
    """Layers in place stand right behind the maps, and right behind the fused ones."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(1, 4, 3), nn.ReLU(inplace)
        self.pool = nn.Sequential(nn.ReLU(inplace), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(4, 2)

    @property
    def cam_layers(self) -> CamLayers:
        return CamLayers({"a": self.conv}, CellGrid(1, 1), self.pool)

    def forward(self, maps: Tensor) -> Tensor:
        fused = self.relu(self.conv(maps)) - 0.2
        return self.head(self.pool(fused).flatten(1))


def test_layers_in_place_do_not_change_what_is_seen() -> None:
    found = []
    for inplace in (False, True):
        torch.manual_seed(0)
        found.append(grad_cam(InPlace(inplace).eval(), [torch.randn(2, 1, 9, 9)], 0, signed=True))
    torch.testing.assert_close(found[1].fused, found[0].fused)
    torch.testing.assert_close(found[1].branches[0], found[0].branches[0])
    assert found[0].branches[0].abs().max() > 0


def test_nothing_stays_behind_and_frozen_networks_are_no_matter() -> None:
    net, features = dual_branch(), inputs()
    expected = grad_cam(net, features, 0).fused
    net.requires_grad_(False)
    with torch.no_grad():
        torch.testing.assert_close(grad_cam(net, features, 0).fused, expected)
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    assert not features[0].requires_grad


@pytest.mark.parametrize("name", NETS)
def test_every_network_names_maps_that_a_gradient_reaches(name: str) -> None:
    build, channels, size_px = NETS[name]
    torch.manual_seed(0)
    net = build().eval()
    found = grad_cam(net, [torch.randn(2, count, size_px, size_px) for count in channels], 1, signed=True)
    assert len(found.branches) == len(found.names) == len(channels)
    assert all(one.shape == found.fused.shape and one.abs().max() > 0 for one in (found.fused, *found.branches))


@pytest.mark.parametrize("name", NETS)
def test_cells_lie_where_their_grid_says(name: str) -> None:
    """With equal positive weights a spot of input becomes a spot on the maps: both centres are one place."""
    build, channels, size_px = NETS[name]
    net = build().eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.fill_(0 if module.kernel_size == (7, 7) and module.out_channels == 1 else 0.05)
            if module.bias is not None:
                module.bias.data.zero_()
    layers = net.cam_layers
    seen: list[Tensor] = []
    next(iter(layers.branches.values())).register_forward_hook(lambda _, __, output: seen.append(output.detach()))
    for centre in ((0.44, 0.55), (0.52, 0.41)):
        at = torch.arange(size_px, dtype=torch.float32)
        row, column = (torch.exp(-0.5 * ((at - share * size_px) / (0.05 * size_px)) ** 2) for share in centre)
        net(*((row[:, None] * column).expand(1, count, -1, -1) for count in channels))
        spot = seen.pop()[0].mean(0).clamp_min(0) ** 2  # what a spot leaves at the borders weighs little
        for axis, share in enumerate(centre):
            along = spot.sum(dim=1 - axis)
            cell = float((along * torch.arange(len(along))).sum() / along.sum())
            found_px = layers.grid.first_px + layers.grid.step_px * cell
            assert found_px == pytest.approx(share * size_px, abs=0.12 * layers.grid.step_px)


def test_maps_are_drawn_on_the_crop_where_their_cells_lie() -> None:
    grid = CellGrid(step_px=4, first_px=1.5)
    centres = grid.first_px + grid.step_px * torch.arange(5, dtype=torch.float64)
    drawn = on_crop(torch.stack([centres[:, None].expand(5, 3), centres[:, None] + torch.arange(3)]), grid, 20, 40)
    assert drawn.shape == (2, 40, 40)
    at_input = (torch.arange(40) + 0.5) / 2 - 0.5
    torch.testing.assert_close(drawn[0, :, 7].double(), at_input.clamp(1.5, 17.5).double())
    right = drawn[1, 20] - drawn[0, 20]
    torch.testing.assert_close(right, ((at_input - 1.5) / 4).clamp(0, 2).double())


def test_training_mode_is_refused() -> None:
    with pytest.raises(MerError, match="eval mode"):
        grad_cam(dual_branch().train(), inputs(), 0)


def test_a_network_without_last_maps_is_refused_by_name() -> None:
    with pytest.raises(MerError, match="Linear"):
        grad_cam(nn.Linear(2, 2).eval(), [torch.rand(1, 2)], 0)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(MerError, match="hires_cam"):
        grad_cam(dual_branch(), inputs(), 0, method="mean")
