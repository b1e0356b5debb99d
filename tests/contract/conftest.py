from collections.abc import Iterator

import pytest

from tests.contract.ends import CARRIERS, Carrier, address_on


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest) -> Carrier:
    """Each carrier: a test that takes it shows what holds on any."""
    chosen: Carrier = request.param
    return chosen


@pytest.fixture
def address(carrier: Carrier) -> Iterator[str]:
    """An address on the carrier, at which nobody listens yet."""
    with address_on(carrier) as address:
        yield address
