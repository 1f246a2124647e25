"""The machine that numbers come from: what of it can decide their last digits."""

import os
import platform
from typing import Any

import cv2
import torch


def machine_facts(device: torch.device) -> dict[str, Any]:
    """System, threads, and the device with its libraries; nothing that names the machine or its user."""
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": {"torch": torch.get_num_threads(), "opencv": cv2.getNumThreads()},
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": str(device),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }
    if device.type == "cuda":
        facts |= {
            "gpu": torch.cuda.get_device_name(device),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "tf32": {"cudnn": torch.backends.cudnn.allow_tf32, "matmul": torch.backends.cuda.matmul.allow_tf32},
        }
    return facts
