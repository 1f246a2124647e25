"""Maps of noise with all that a model can need."""

import torch

from mer.flow import FlowMaps


def noise_maps(n_clips: int = 4, size_px: int = 16, n_frames: int = 5, width_px: int | None = None) -> FlowMaps:
    """All fields, of one seed; ``width_px`` where maps are not square."""
    draw = torch.Generator().manual_seed(n_clips)
    grid = size_px, width_px or size_px

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(n_clips, *shape, generator=draw)

    return FlowMaps(
        flow=noise(2, *grid),
        strain=noise(1, *grid).abs(),
        apex=noise(3, *grid).sigmoid(),
        frames=torch.randint(256, (n_clips, n_frames, 3, *grid), generator=draw, dtype=torch.uint8),
        landmarks=(4 * noise(68, 2)).round() / 4 + size_px / 2,  # a mirror twice gives these back exactly
        frame_flow=noise(n_frames - 1, 2, *grid),
        onset_flow=noise(n_frames - 1, 2, *grid),
        unmagnified_flow=noise(2, *grid),
    )
