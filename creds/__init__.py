"""ACCOUNTS: who pays for an answer. Knows files, httpx and google-auth; neither mitmproxy nor protocols."""
