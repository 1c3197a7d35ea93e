"""Pools of accounts under a running proxy: no request falls while an account could serve it, and every cooldown ends."""
