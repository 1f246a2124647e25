"""Flow images of a dataset of frames: ``python experiments/real_flow/third_set.py OUT dataset=samm dataset.root=DIR``.

They have the form of the published ones (28x28, each channel min-max scaled by itself), so that the recipe takes them
as one more of ``dataset.roots``. The words are those of `mer prepare`.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from mer.experiment import load_index, prepare_maps
from mer.features import optical_strain
from mer.hydra_app import conf_dir

AS_PUBLISHED = ("labels=megc3", "magnify=none", "flow=tvl1", "features=uveps", "features.size=28")


def main() -> None:
    """Prepare the clips, then write an image each and labels.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder that the images go to")
    parser.add_argument("words", nargs="+", metavar="WORD", help="dataset=NAME dataset.root=DIR, align=, store=, ...")
    given = parser.parse_args()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [*AS_PUBLISHED, *given.words])
    index, maps = prepare_maps(cfg, load_index(cfg))
    given.out.mkdir(parents=True, exist_ok=True)
    rows = index.clips[["dataset", "subject", "clip", "label"]].astype(str)
    rows["file"] = [f"{row['subject']}_{row['clip']}.png" for _, row in rows.iterrows()]
    channels = torch.cat([maps.flow, optical_strain(maps.flow)], dim=1)
    for file, image in zip(rows["file"], channels, strict=True):
        if not cv2.imwrite(str(given.out / file), as_image(image)):
            raise OSError(f"cannot write {given.out / file}")
    pd.DataFrame(rows).to_csv(given.out / "labels.csv", index=False, lineterminator="\n")
    print(f"{len(rows)} flow images of {rows['subject'].nunique()} subjects: {given.out}")


def as_image(channels: Tensor) -> np.ndarray:
    """u, v and strain ``(3, H, W)`` -> BGR ``(H, W, 3)`` uint8, each channel from its least to its largest value."""
    low, high = channels.amin(dim=(1, 2), keepdim=True), channels.amax(dim=(1, 2), keepdim=True)
    scaled = (channels - low) / (high - low).clamp_min(torch.finfo(channels.dtype).eps)
    return np.ascontiguousarray((scaled * 255).round().byte().flip(0).permute(1, 2, 0).numpy())


if __name__ == "__main__":
    main()
