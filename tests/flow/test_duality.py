"""One step of TV-L1's inner loop: gradient and divergence as it computes them, and its dual variable."""

import pytest
import torch
from torch import Tensor

from mer.flow.duality import Stopping, _Steps, minimise

WEIGHTS = (0.25, 0.15, 0.3)


def fields(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def steps_without_data(flow: Tensor, dual: Tensor) -> _Steps:
    """Where the image is flat a step moves the flow by the dual's divergence alone."""
    nothing = torch.zeros_like(flow[0])
    return _Steps(flow, dual, nothing, nothing, torch.zeros_like(flow), tau=1.0)


def slopes_of(flow: Tensor) -> Tensor:
    steps = steps_without_data(flow, torch.zeros(2, *flow.shape, dtype=flow.dtype))
    steps.step()
    return steps._slopes.view(2, *flow.shape)


def divergence_of(dual: Tensor) -> Tensor:
    steps = steps_without_data(torch.zeros_like(dual[0]), dual)
    steps.step()
    return steps.flow()


def test_slopes_are_forward_differences_and_0_at_the_far_border() -> None:
    flow = fields(2, 3, 7, 9)
    slopes = slopes_of(flow)
    assert torch.equal(slopes[0, ..., :-1], flow.diff(dim=3))
    assert torch.equal(slopes[1, ..., :-1, :], flow.diff(dim=2))
    assert slopes[0, ..., -1].abs().max() == slopes[1, ..., -1, :].abs().max() == 0


def test_divergence_is_the_negative_adjoint_of_the_slopes() -> None:
    flow, dual = fields(2, 3, 7, 9), fields(2, 2, 3, 7, 9, seed=1)
    dual[0, ..., -1], dual[1, ..., -1, :] = 0, 0  # as the slopes leave them
    left, right = (slopes_of(flow) * dual).sum(), -(flow * divergence_of(dual)).sum()
    assert float(left) == pytest.approx(float(right), abs=1e-10)


def test_dual_variable_stays_in_the_unit_disc() -> None:
    flow, dual = torch.zeros(2, 1, 16, 16), torch.zeros(2, 2, 1, 16, 16)
    constant, slope = 50 * fields(1, 16, 16).float(), 50 * fields(2, 1, 16, 16, seed=1).float()
    _, dual = minimise(flow, dual, constant, slope, WEIGHTS, Stopping(0, 40), torch.float32)
    assert 0.1 < float(dual.norm(dim=0).max()) <= 1


def test_step_along_the_slope_ends_where_the_residual_is_0_or_at_lambda_theta_times_the_slope() -> None:
    flow, dual = torch.zeros(2, 2, 3, 3), torch.zeros(2, 2, 2, 3, 3)
    slope = torch.tensor([3.0, 4.0])[:, None, None, None].expand(2, 2, 3, 3)
    constant = torch.tensor([0.5, 100.0])[:, None, None].expand(2, 3, 3)
    moved, _ = minimise(flow, dual, constant, slope, WEIGHTS, Stopping(0, 1), torch.float32)
    torch.testing.assert_close(moved[:, 0, 1, 1], -0.5 / 25 * torch.tensor([3.0, 4.0]))
    torch.testing.assert_close(moved[:, 1, 1, 1], -0.15 * 0.3 * torch.tensor([3.0, 4.0]))


@pytest.mark.parametrize("most_steps", [3, 10, 25])
def test_as_many_steps_are_made_as_allowed(most_steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    step = _Steps.step
    monkeypatch.setattr(_Steps, "step", lambda steps: (made.append(1), step(steps)))
    flow, dual = torch.zeros(2, 1, 8, 8), torch.zeros(2, 2, 1, 8, 8)
    minimise(
        flow,
        dual,
        fields(1, 8, 8).float(),
        9 * fields(2, 1, 8, 8, seed=1).float(),
        WEIGHTS,
        Stopping(0, most_steps),
        torch.float32,
    )
    assert len(made) == most_steps


def test_converged_pairs_leave_the_work_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []
    step = _Steps.step
    monkeypatch.setattr(_Steps, "step", lambda steps: (batches.append(steps.shape[0]), step(steps)))
    flow, dual = torch.zeros(2, 3, 12, 12), torch.zeros(2, 2, 3, 12, 12)
    slope = 20 * fields(2, 3, 12, 12).float()
    constant = 40 * fields(3, 12, 12, seed=1).float() * torch.tensor([0.0, 1.0, 0.01])[:, None, None]
    moved, _ = minimise(flow, dual, constant, slope, WEIGHTS, Stopping(0.002, 100), torch.float32)
    assert batches[:10] == [3] * 10
    assert 1 in batches
    for row in range(3):
        parts = flow[:, [row]], dual[:, :, [row]], constant[[row]], slope[:, [row]]
        alone, _ = minimise(*parts, WEIGHTS, Stopping(0.002, 100), torch.float32)
        assert torch.equal(alone, moved[:, [row]])
