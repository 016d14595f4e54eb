"""What each partner may ask, why and how often; which sets should have come."""
