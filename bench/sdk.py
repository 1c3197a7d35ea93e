"""The head of a request as the SDKs of OpenAI and Anthropic for Python send it."""

from bench.answers import CHAT, MESSAGES

_BOTH = {
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-Stainless-Lang": "python",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.12.1",
    "X-Stainless-Async": "false",
    "X-Stainless-Retry-Count": "0",
    "X-Stainless-Read-Timeout": "600",
}
_OWN = {  # by the path of the protocol
    CHAT: {
        "Authorization": "Bearer {key}",
        "User-Agent": "OpenAI/Python 3.54.0{mark}",
        "X-Stainless-Package-Version": "3.54.0",
    },
    MESSAGES: {
        "X-Api-Key": "{key}",
        "User-Agent": "Anthropic/Python 2.12.0{mark}",
        "X-Stainless-Package-Version": "2.12.0",
        "X-Stainless-Timeout": "600",
        "Anthropic-Version": "2023-06-01",
    },
}


def sdk_headers(protocol: str, key: str, mark: str = "") -> str:
    """Lines with their ends; without Host and Content-Length, which depend on the request. protocol: its path. mark: ends the
    User-Agent."""
    fields = _BOTH | _OWN[protocol]
    return "".join(f"{name}: {value.format(key=key, mark=mark)}\r\n" for name, value in fields.items())
