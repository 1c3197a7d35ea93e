"""Replay: recorded exchanges through today's converters. What was recorded, what comes of it today, and where they differ."""
