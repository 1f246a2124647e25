"""Pairs over threads: in order, each in one thread, with nobody's settings changed after."""

import threading

import cv2
import pytest
import torch
from torch import Tensor

from mer.flow.threads import in_threads, opencv_threads


@pytest.fixture
def three_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def frames(count: int) -> Tensor:
    return torch.arange(count).view(-1, 1, 1, 1).float()


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_parts_come_back_in_order(three_threads: None, count: int) -> None:
    assert torch.equal(in_threads(torch.add, frames(count), frames(count), 4), 2 * frames(count))


def test_pairs_are_shared_out_evenly_and_torch_works_in_one_thread_inside(three_threads: None) -> None:
    seen = []

    def flow(first: Tensor, second: Tensor) -> Tensor:
        seen.append((len(first), torch.get_num_threads()))
        return first

    in_threads(flow, frames(6), frames(6), 4)
    assert seen == [(2, 1)] * 3
    assert torch.get_num_threads() == 3


def test_settings_are_back_when_a_pair_fails(three_threads: None) -> None:
    def flow(first: Tensor, second: Tensor) -> Tensor:
        raise ValueError("no flow")

    with pytest.raises(ValueError, match="no flow"):
        in_threads(flow, frames(6), frames(6), 4)
    assert torch.get_num_threads() == 3
    told: list[int] = []
    thread = threading.Thread(target=lambda: told.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert told == [3]


def test_opencv_gets_its_threads_back_after_the_last_who_turned_them_off() -> None:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        with opencv_threads.off():
            with opencv_threads.off():
                assert cv2.getNumThreads() == 1
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
