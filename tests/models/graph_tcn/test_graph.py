"""The landmark graph against what it must be by hand."""

import torch

from mer.models.graph_tcn.graph import LANDMARKS, landmark_edges, normalised_adjacency


def test_nodes_are_the_28_landmarks_of_brows_and_mouth() -> None:
    assert len(LANDMARKS) == len(set(LANDMARKS)) == 28
    assert set(LANDMARKS) == {*range(17, 27), *range(48, 68)} - {60, 64}


def test_edges_join_neighbours_once() -> None:
    pairs = {frozenset((LANDMARKS[one], LANDMARKS[two])) for one, two in landmark_edges().tolist()}
    assert len(pairs) == len(landmark_edges()) == 4 + 4 + 1 + 12 + 2 + 2 + 10
    assert {frozenset(one) for one in ((17, 18), (21, 22), (59, 48), (61, 62), (48, 61), (51, 62), (54, 63))} <= pairs
    assert not {frozenset(one) for one in ((26, 48), (17, 26), (63, 65), (48, 54))} & pairs


def test_mirrored_face_has_the_same_graph() -> None:
    mirror = {17 + k: 26 - k for k in range(10)} | {48 + k: 54 - k for k in range(7)}
    mirror |= {55 + k: 59 - k for k in range(5)} | {61: 63, 62: 62, 63: 61, 65: 67, 66: 66, 67: 65}
    pairs = {frozenset((LANDMARKS[one], LANDMARKS[two])) for one, two in landmark_edges().tolist()}
    assert {frozenset(mirror[one] for one in pair) for pair in pairs} == pairs


def test_adjacency_of_a_path_of_three() -> None:
    half, mixed = 1 / 2, 1 / 6**0.5
    expected = torch.tensor([[half, mixed, 0], [mixed, 1 / 3, mixed], [0, mixed, half]])
    torch.testing.assert_close(normalised_adjacency(torch.tensor([[0, 1], [1, 2]]), 3), expected)


def test_landmark_adjacency_has_eigenvalue_one_at_most() -> None:
    values = torch.linalg.eigvalsh(normalised_adjacency(landmark_edges(), 28))
    assert values.max().item() < 1 + 1e-5
    assert values.min().item() > -1
