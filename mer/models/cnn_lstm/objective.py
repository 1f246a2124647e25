"""The five terms that Kim, Baddar and Ro train their CNN by: class, state, and how frames lie in feature space."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class StateMeans:
    """Means of training frames' features, without gradient.

    Attributes:
        of_class: m_c ``(C, D)``, of a class's frames.
        of_state: m_{c,s} ``(C, S, D)``, of its frames in a state.
    """

    of_class: Tensor
    of_state: Tensor

    @property
    def radii(self) -> Float[Tensor, " classes"]:
        r"""Half the way to the nearest other class, :math:`\kappa_c = \frac{1}{2} \min_{j \ne c} \|m_c - m_j\|`."""
        apart = torch.cdist(self.of_class, self.of_class)
        apart.fill_diagonal_(float("inf"))
        return apart.amin(dim=1) / 2


def state_means(
    features: Float[Tensor, "clip state hidden"], targets: Int[Tensor, " clip"], num_classes: int
) -> StateMeans:
    """Means over clips; those of a class without a clip are 0."""
    member = F.one_hot(targets, num_classes).to(features.dtype)
    of_state = torch.einsum("nc,nsd->csd", member, features) / member.sum(0).clamp_min(1)[:, None, None]
    return StateMeans(of_state.mean(dim=1), of_state)


def class_spread(
    features: Float[Tensor, "clip state hidden"], targets: Int[Tensor, " clip"], means: StateMeans
) -> Tensor:
    r"""E2: :math:`\frac{1}{2} \sum g(\|f - m_c\|^2 - \kappa_c^2)` with the softplus g; mean over frames."""
    away = (features - means.of_class[targets][:, None]).square().sum(-1)
    return F.softplus(away - means.radii[targets][:, None].square()).mean() / 2


def state_spread(
    features: Float[Tensor, "clip state hidden"], targets: Int[Tensor, " clip"], means: StateMeans, tightness: float = 1
) -> Tensor:
    r"""E4: :math:`\frac{1}{2} \sum g(\|f - m_{c,s}\|^2 - (\kappa_c / t)^2)`, t at least 1; mean over frames."""
    away = (features - means.of_state[targets]).square().sum(-1)
    return F.softplus(away - (means.radii[targets] / tightness)[:, None].square()).mean() / 2


def state_continuity(
    features: Float[Tensor, "clip state hidden"], targets: Int[Tensor, " clip"], means: StateMeans
) -> Tensor:
    r"""E5: a frame lies nearer to its class's means of the states beside its own than to those of states further off.

    :math:`\frac{1}{2} \sum g(\|f - m_{c,a}\|^2 - \|f - m_{c,b}\|^2)` over adjacent states a and others b; mean over
    frames and pairs. That adjacent states are to be nearer is the paper's; this formula is mer's.
    """
    away = (features[:, :, None] - means.of_state[targets][:, None]).square().sum(-1)  # (clip, own state, state)
    states = torch.arange(features.shape[1], device=features.device)
    gap = (states[:, None] - states[None]).abs()
    own, beside, beyond = torch.nonzero((gap == 1)[:, :, None] & (gap > 1)[:, None], as_tuple=True)
    return F.softplus(away[:, own, beside] - away[:, own, beyond]).mean() / 2
