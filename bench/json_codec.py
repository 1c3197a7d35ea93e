"""`python -m bench.json_codec`: what JSON costs with the codec we use and with others that happen to be installed.

Shown are microseconds to read and to write one stream event and one agent's request, and whether big integers, floats and
unicode come through exactly.
"""

import importlib
import json
import timeit
from collections.abc import Callable

from pydantic_core import from_json, to_json

type Read = Callable[[bytes], object]
type Write = Callable[[object], bytes]

EVENT = (
    b'{"id":"chatcmpl-0123456789abcdefghijklmn","object":"chat.completion.chunk","created":1753443698,"model":"gpt-4.1",'
    b'"service_tier":"default","system_fingerprint":"fp_51e1070cf2","choices":[{"index":0,"delta":{"content":" hello"},'
    b'"logprobs":null,"finish_reason":null}]}'
)
EXACT = b'[123456789012345678901234567890,1.0,1e22,0.1,5e-324,-0.0,"\xf0\x9f\x98\x80\xe2\x80\xa8"]'
TOOLS = 60  # with their schemas they make up most of an agent's request


def request() -> bytes:
    """About 90 KB, in the proportions of a coding agent's request."""
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string", "description": "x" * 60} for n in range(8)}}
    tools = [{"name": f"tool_{n}", "description": "y" * 400, "input_schema": schema} for n in range(TOOLS)]
    turns = [{"role": "user", "content": [{"type": "text", "text": 'some "quoted" text\n' * 40}]} for _ in range(8)]
    return json.dumps({"model": "m", "max_tokens": 32000, "tools": tools, "messages": turns}).encode()


def codecs() -> dict[str, tuple[Read, Write]]:
    found: dict[str, tuple[Read, Write]] = {
        "pydantic_core (used)": (from_json, to_json),
        "json": (json.loads, lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()),
    }
    for name, read, write in (("orjson", "loads", "dumps"), ("msgspec.json", "decode", "encode")):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        found[name] = (getattr(module, read), getattr(module, write))
    return found


def micros(run: Callable[[], object], times: int) -> float:
    return min(timeit.repeat(run, number=times, repeat=5)) / times * 1e6


def costs(read: Read, write: Write, text: bytes, times: int) -> tuple[float, float]:
    value = read(text)
    return micros(lambda: read(text), times), micros(lambda: write(value), times)


def is_exact(read: Read, write: Write) -> bool:
    value = read(EXACT)
    return repr(value) == repr(json.loads(EXACT)) and repr(read(write(value))) == repr(value)


def main() -> None:
    big = request()
    print(f"{'us':<22}{'event in':>10}{'out':>8}{f'{len(big) // 1024} KB in':>10}{'out':>8}  exact")
    for name, (read, write) in codecs().items():
        small, large = costs(read, write, EVENT, 20_000), costs(read, write, big, 200)
        exact = "yes" if is_exact(read, write) else "NO"
        print(f"{name:<22}{small[0]:>10.2f}{small[1]:>8.2f}{large[0]:>10.0f}{large[1]:>8.0f}  {exact}")


if __name__ == "__main__":
    main()
