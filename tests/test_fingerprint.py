"""Equal settings have equal fingerprints, in any order and on every machine; other settings have others."""

from types import MappingProxyType

import pytest
from omegaconf import OmegaConf

from mer.fingerprint import fingerprint, seed_from


def test_fingerprint_is_the_same_on_every_machine() -> None:
    # echo -n '{"a":1,"b":[2,"c"]}' | sha256sum
    assert fingerprint({"b": [2, "c"], "a": 1}) == "d765e5ded987639d"


def test_order_of_keys_does_not_matter_and_order_of_values_does() -> None:
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint({"b": {"d": 3, "c": 2}, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])


@pytest.mark.parametrize("other", [{"a": 2}, {"b": 1}, {"a": "1"}, {"a": 1.5}, {"a": None}, {"a": [1]}, [1]])
def test_other_settings_have_another_fingerprint(other: object) -> None:
    assert fingerprint(other) != fingerprint({"a": 1})


def test_mappings_of_any_kind_count_as_their_content() -> None:
    plain = {"a": {"b": 1}}
    assert fingerprint(MappingProxyType({"a": MappingProxyType({"b": 1})})) == fingerprint(plain)
    assert fingerprint(OmegaConf.create(plain)) == fingerprint(plain)


def test_value_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no canonical form for object"):
        fingerprint({"a": object()})


def test_seed_depends_on_the_seed_and_on_every_name() -> None:
    seeds = [seed_from(0), seed_from(1), seed_from(0, "a"), seed_from(0, "b"), seed_from(0, "a", "b")]
    assert len(set(seeds)) == len(seeds)
    assert seed_from(0, "a", "b") not in (seed_from(0, "ab"), seed_from(0, "b", "a"))
    assert seed_from(0, "a") == seed_from(0, "a")


def test_seed_fits_in_31_bits() -> None:
    seeds = [seed_from(0, str(number)) for number in range(200)]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert max(seeds) > 2**30
