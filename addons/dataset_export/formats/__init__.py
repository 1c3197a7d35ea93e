"""The formats: one small file each. A format is a pure function from an example to a row, and what its readers need to know."""
