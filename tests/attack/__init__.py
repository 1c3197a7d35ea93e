"""Attacks on a running proxy: malformed, mutated, smuggled, slow, too many. `./run.sh test attack` runs all of them; the default
run a small sample of each."""
