"""The ensemble's Grad-CAM is the mean of its networks', lies where they look, and costs the model nothing."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mer.explain import grad_cam, on_crop
from mer.export import ReleasedModel
from mer.features.augment import flip_maps
from mer.flow import FlowMaps
from mer.models.cam import CamLayers, CellGrid
from mer.predict import Interval, Recognizer
from mer.predict.heat import heat_picture, mean_heat, names_its_maps
from tests.predict.faces import Bump, FixedLandmarks, frames, untrained_model

SIDE = 8


class Looks(nn.Module):
    """Its logit of class 1 is the first input's first channel summed over some places, ``strength`` times."""

    def __init__(self, rows: slice, columns: slice, strength: float = 1.0) -> None:
        super().__init__()
        weights = torch.zeros(SIDE, SIDE)
        weights[rows, columns] = strength
        self.register_buffer("weights", weights)
        self.last, self.fused = nn.Identity(), nn.Identity()

    @property
    def cam_layers(self) -> CamLayers:
        return CamLayers({"a": self.last}, CellGrid(1.0, 0.0), self.fused)

    def forward(self, first: Tensor, _: Tensor) -> Tensor:
        logit = (self.fused(self.last(first))[:, 0] * self.weights).sum((-2, -1))
        return torch.stack([torch.zeros_like(logit), logit], dim=1)


class FlowAsItIs(nn.Module):
    """Gives the flow to both branches."""

    def forward(self, maps: FlowMaps) -> tuple[Tensor, Tensor]:
        return maps.flow, maps.flow


def model_of(*nets: nn.Module, flip_average: bool = False) -> ReleasedModel:
    return replace(untrained_model(), classes=("a", "b"), features=FlowAsItIs(), nets=nets, flip_average=flip_average)


LEFT, RIGHT = Looks(slice(0, 2), slice(0, 3)), Looks(slice(4, 6), slice(4, 7), strength=50.0)
ONES = FlowMaps(torch.ones(1, 2, SIDE, SIDE))


def test_each_network_counts_as_much_however_large_its_logits() -> None:
    heat = mean_heat(model_of(LEFT, LEFT, RIGHT), ONES, 1, SIDE)
    assert heat.shape == (1, SIDE, SIDE)
    torch.testing.assert_close(heat[0, 0:2, 0:3], torch.ones(2, 3))
    torch.testing.assert_close(heat[0, 4:6, 4:7], torch.full((2, 3), 0.5))
    assert heat.sum() == pytest.approx(9, abs=1e-4)


def test_nothing_that_speaks_for_the_class_is_no_heat() -> None:
    assert (mean_heat(model_of(LEFT), ONES, 0, SIDE) == 0).all()
    assert (mean_heat(model_of(Looks(slice(0, 2), slice(0, 3), -1.0)), ONES, 1, SIDE) == 0).all()


def test_mirror_image_is_turned_back_before_it_is_averaged() -> None:
    # The mirrored flow has -u: only there do left cells of u = -1 speak for the class.
    maps = FlowMaps(-torch.ones(1, 2, SIDE, SIDE))
    heat = mean_heat(model_of(LEFT, flip_average=True), maps, 1, SIDE)
    assert set(flip_maps(maps).flow[0, 0].unique().tolist()) == {1.0}
    torch.testing.assert_close(heat[0, 0:2, -3:], torch.ones(2, 3))
    assert heat.sum() == pytest.approx(6, abs=1e-4)


def test_heat_of_one_network_is_its_grad_cam_on_the_crop() -> None:
    model = untrained_model()
    alone = replace(model, nets=model.nets[:1])
    maps = FlowMaps(torch.randn(2, 2, 28, 28, generator=torch.Generator().manual_seed(0)))
    found = grad_cam(model.nets[0], model.features(maps), 2, method="hires_cam")
    expected = on_crop(found.fused, found.grid, 28, 64)
    largest = found.fused.amax(dim=(-2, -1), keepdim=True)
    heat = mean_heat(alone, maps, 2, 64)
    assert (largest > 0).all()
    torch.testing.assert_close(heat / heat.amax((-2, -1), True), expected / expected.amax((-2, -1), True))
    assert heat.amax((-2, -1)).tolist() == pytest.approx([1, 1])
    assert all(one.grad is None for net in model.nets for one in net.parameters())


def test_networks_that_do_not_tell_their_maps_are_known() -> None:
    assert names_its_maps(untrained_model())
    assert not names_its_maps(model_of(nn.Linear(2, 2)))


def test_face_stays_grey_where_there_is_no_heat_and_glows_where_it_is() -> None:
    image = torch.zeros(3, 4, 4)
    image[0] = 0.5
    heat = torch.zeros(4, 4)
    heat[0, 0] = 1
    picture = heat_picture(image, heat)
    grey = round(0.299 * 0.5 * 255)
    assert (picture[1:] == grey).all()
    assert picture.dtype == np.uint8
    inferno = np.array([252, 255, 164])  # its last colour
    np.testing.assert_allclose(picture[0, 0], 0.25 * grey + 0.75 * inferno, atol=2)


def test_recognizer_adds_the_picture_where_it_is_asked_to() -> None:
    images, interval = frames([Bump(0.2, 0.2)], np.arange(10) / 25), Interval(0, 5, 8)
    labelled = []
    for asked in (False, True):
        recognizer = Recognizer(untrained_model(), FixedLandmarks(), device="cpu", grad_cam=asked)
        labelled += recognizer.recognise(images, 25.0, [interval])
    without, having = (one.pictures for one in labelled)
    assert without is not None
    assert having is not None
    assert without.grad_cam is None
    assert having.grad_cam is not None
    assert having.grad_cam.shape == having.onset.shape
    assert np.ptp(having.grad_cam.astype(int), axis=-1).max() > 50  # colours
    assert labelled[0].probabilities == labelled[1].probabilities


class Untold(nn.Module):
    """A network that does not name its last maps."""

    def forward(self, first: Tensor, _: Tensor) -> Tensor:
        return first.mean((2, 3))


def test_model_that_does_not_tell_its_maps_has_no_picture_of_them() -> None:
    silent = replace(untrained_model(), nets=(Untold(),))
    images = frames([Bump(0.2, 0.2)], np.arange(10) / 25)
    recognizer = Recognizer(silent, FixedLandmarks(), device="cpu", grad_cam=True)
    (movement,) = recognizer.recognise(images, 25.0, [Interval(0, 5, 8)])
    assert movement.pictures is not None
    assert movement.pictures.grad_cam is None


def test_picture_is_of_the_label_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    model = untrained_model()
    nets = tuple(copy.deepcopy(net) for net in model.nets)
    for net in nets:
        net.head.bias[2] += 100  # type: ignore[operator, union-attr]
    asked = []

    def heat(_: ReleasedModel, maps: FlowMaps, class_index: int, size_px: int) -> Tensor:
        asked.append((class_index, size_px))
        return torch.zeros(1, size_px, size_px)

    monkeypatch.setattr("mer.predict.recognizer.mean_heat", heat)
    images = frames([Bump(0.2, 0.2)], np.arange(10) / 25)
    recognizer = Recognizer(replace(model, nets=nets), FixedLandmarks(), device="cpu", grad_cam=True)
    (movement,) = recognizer.recognise(images, 25.0, [Interval(0, 5, 8)])
    assert movement.label == model.classes[2]
    assert asked == [(2, 64)]
