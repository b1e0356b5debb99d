from collections.abc import Iterator

import pytest

from tests.carriers import Carrier
from tests.contract.ends import Ear, Ears, address_on


@pytest.fixture
def address(carrier: Carrier) -> Iterator[str]:
    """An address on the carrier, at which nobody listens yet."""
    with address_on(carrier) as address:
        yield address


@pytest.fixture
def ears() -> Ears:
    """What listens at either end of a link."""
    return Ear(), Ear()
