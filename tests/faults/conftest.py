from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """What ran in this test. Nothing in it may have run twice."""
    journal = Journal(tmp_path)
    yield journal
    journal.assert_nothing_ran_twice()
