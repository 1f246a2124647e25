"""Flow since onset in cells, and the head's share of it."""

import numpy as np
import torch

from mer.apex.motion import CELL_PX, cell_centres, cell_flows, cells_in, flows_from_onset, mean_strain, without_head
from mer.apex.regions import Box
from mer.apex.spot import grey_of
from mer.features import optical_strain
from mer.flow import build_flow
from tests.apex.clips import SIZE_PX, expression, moving_clip


def test_centres_of_cells_are_the_mean_place_of_their_px() -> None:
    centres = cell_centres((2, 3))
    assert centres[0].tolist() == [3.5, 3.5]
    assert centres[-1].tolist() == [2 * CELL_PX + 3.5, CELL_PX + 3.5]


def test_cells_are_inside_where_their_centre_is() -> None:
    inside = cells_in([Box(0, 4, 0, 12), Box(8, 16, 16, 24)], (2, 3))
    assert inside.tolist() == [True, True, False, False, False, True]
    assert cells_in([Box(0, 4, 0, 11)], (2, 3)).tolist() == [True, False, False, False, False, False]


def test_a_rigid_motion_is_taken_away_and_what_moves_beside_stays() -> None:
    shape = (12, 12)
    x, y = cell_centres(shape).T.reshape(2, *shape)
    local = np.zeros((3, 2, *shape), np.float32)
    local[1, 1, 9, 3] = -0.7
    head = [np.zeros((2, *shape)), np.stack([0.4 - 0.01 * (y - 30), -0.2 + 0.01 * (x - 50)]), np.full((2, *shape), 2.0)]
    found = without_head(local + np.stack(head).astype(np.float32), Box(16, 64, 8, 88))
    assert np.abs(found - local).max() < 1e-5


def test_what_blinks_inside_the_rigid_part_is_not_taken_for_the_head() -> None:
    flows = np.full((1, 2, 12, 12), 0.3, np.float32)
    flows[0, 1, 3, 2:4] += 3
    found = without_head(flows, Box(16, 64, 8, 88))
    assert np.abs(np.delete(found[0].reshape(2, -1), [38, 39], axis=1)).max() < 0.01


def test_flow_is_that_of_each_pair_whatever_the_batches() -> None:
    crops = moving_clip(expression(8, 20), 20)
    grey = grey_of(crops)
    together = torch.cat(list(flows_from_onset(grey, "dis")))
    assert together.shape == (20, 2, SIZE_PX, SIZE_PX)
    assert not together[0].any()
    frames = torch.from_numpy(grey)[:, None].float() / 255
    for index in (1, 16, 17, 19):
        assert torch.equal(together[index : index + 1], build_flow("dis")(frames[:1], frames[index : index + 1]))


def test_cells_and_strain_are_means_of_the_flow() -> None:
    grey = grey_of(moving_clip(expression(2, 4), 4))
    flow = torch.cat(list(flows_from_onset(grey, "dis")))
    cells = cell_flows(grey, "dis")
    assert cells.shape == (4, 2, SIZE_PX // CELL_PX, SIZE_PX // CELL_PX)
    assert np.allclose(cells[2, :, 1, 3], flow[2, :, 8:16, 24:32].mean(dim=(1, 2)), atol=1e-6)
    boxes = [Box(0, 20, 5, 30), Box(60, 90, 20, 80)]
    strain = optical_strain(flow)[:, 0]
    expected = strain[:, 0:20, 5:30].mean(dim=(1, 2)) + strain[:, 60:90, 20:80].mean(dim=(1, 2))
    assert np.allclose(mean_strain(grey, boxes, "dis"), expected, atol=1e-6)
