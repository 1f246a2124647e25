"""Image-based CNN: each frame of a clip by itself, the clip's probabilities their mean."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from mer.models.frames import each_frame
from mer.models.inputs import require_inputs
from mer.models.vgg import VGG16, VGG16_WIDTHS


class ImageCNN(nn.Module):
    r"""VGG-16 on single frames; :math:`p(c) = \frac{1}{T} \sum_t p_t(c)`, whose logarithm is the output.

    Source: Takalkar and Xu, DICTA 2017, doi 10.1109/DICTA.2017.8227443; layout, and the mean as a clip's answer, are
    mer's reading, see this folder's README.

    Args:
        num_classes: number of logits.
        input_size: height and width of a frame, px.
        in_channels: channels of a frame.
        widths: of VGG-16's five blocks.
        hidden: units of its hidden layers.
        dropout: probability after each of them.
        weights: a local file of weights, see :class:`mer.models.vgg.VGG16`; None: from scratch.
        frozen_blocks: blocks, from the first, that keep these weights.
    """

    def __init__(
        self,
        num_classes: int,
        input_size: int = 224,
        in_channels: Sequence[int] = (3,),
        widths: Sequence[int] = VGG16_WIDTHS,
        hidden: int = 4096,
        dropout: float = 0.5,
        weights: str | None = None,
        frozen_blocks: int = 0,
    ) -> None:
        super().__init__()
        require_inputs("the image-based CNN", in_channels, 1, "set features=rgb_frames")
        self.cnn = VGG16(in_channels[0], input_size, widths, hidden, dropout, weights, frozen_blocks)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, frames: Float[Tensor, "batch time channel height width"]) -> Float[Tensor, "batch classes"]:
        """``(B, T, C, H, W)`` -> logarithms of probabilities ``(B, num_classes)``, which are logits too."""
        of_frames: Tensor = self.head(each_frame(self.cnn, frames)).log_softmax(dim=-1)
        return of_frames.logsumexp(dim=1) - math.log(frames.shape[1])
