"""Records: one JSON object per exchange, on disk. Made, written and read here; nothing in here knows the proxy."""
