"""The offline verifier and the product say a map's numbers in code of their own: they have to come to the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.core.maps import calibrate
from calibration.core.segments import offset_name
from reviewqueue.claims.services import millionths
from reviewqueue.ledger.verify_export import calibrated_range
from tests.property.calibration.test_map_laws import shares, sound_maps

often = settings(max_examples=400, deadline=None, derandomize=True, database=None)

values = st.text(alphabet="ab&=", min_size=1, max_size=3)
claims = st.tuples(
    st.none() | values, st.dictionaries(st.sampled_from(["language", "tier", "a&b", "a=b"]), values, max_size=3)
)
few_values = st.fixed_dictionaries({}, optional={"language": st.sampled_from(["en", "de"]), "tier": st.just("gold")})


@often
@given(sound_maps, shares, few_values)
def test_what_a_map_makes_of_a_confidence_is_within_the_range_of_its_millionths(
    params: dict[str, Any], confidence: float, segments: dict[str, str]
) -> None:
    segment = offset_name("general", segments, params.get("offsets", {}))
    made = millionths(calibrate(params, confidence, segment=segment))
    body = {"confidence_ppm": millionths(confidence), "category": "general", "segments": segments, "calibrator": "m"}
    least, most = calibrated_range(params, body)
    assert least <= made <= most


@often
@given(claims, st.lists(claims, min_size=1, max_size=3), st.sampled_from([0.1, 1.0, 10.0]))
def test_the_segment_that_a_map_treats_apart_is_found_by_its_name(
    claim: tuple[str | None, dict[str, str]], others: list[tuple[str | None, dict[str, str]]], slope: float
) -> None:
    category, segments = claim
    apart = {
        f"{name}={value}": [0.0, place + 1.0] for place, (_, own) in enumerate(others) for name, value in own.items()
    }
    apart |= {f"category={own}": [0.0, -place - 1.0] for place, (own, _) in enumerate(others) if own}
    apart |= {" & ".join(sorted(apart)[:2]): [0.0, 0.5]} if len(apart) > 1 else {}
    params = {"kind": "platt", "slope": slope, "intercept": 0.0, "eps": 1e-6, "offsets": apart}
    made = millionths(calibrate(params, 0.75, segment=offset_name(category, segments, apart)))
    body = {"confidence_ppm": 750_000, "category": category, "segments": segments, "calibrator": "m"}
    least, most = calibrated_range(params, body)
    assert least <= made <= most
