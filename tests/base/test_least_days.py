"""Records of provision are kept for three years at least, whoever says less."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from exchange.agreements.sections import AgreedRetention
from exchange.settings_sections import LEAST_RECORDS_DAYS, RetentionDays


@pytest.mark.parametrize("model", [RetentionDays, AgreedRetention])
def test_no_fewer_than_three_years(model: type[RetentionDays | AgreedRetention]) -> None:
    assert LEAST_RECORDS_DAYS == 3 * 365 + 1
    assert model(records_days=LEAST_RECORDS_DAYS).records_days == LEAST_RECORDS_DAYS
    with pytest.raises(ValidationError):
        model(records_days=LEAST_RECORDS_DAYS - 1)
