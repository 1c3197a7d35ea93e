"""uvloop under mitmproxy: 6 % less CPU for a whole answer, 12 % for a paced chunk (measured on mitmproxy 12.2, Python 3.13)."""

import asyncio
import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Any, override

type TaskFactory = Callable[..., asyncio.Task[Any]]


def use_uvloop() -> bool:
    """Make every event loop from now on a uvloop, where it is installed. Whether it is."""
    if sys.version_info >= (3, 16):
        return False  # no event loop policies any more, and mitmproxy's own `asyncio.run` leaves no other way in
    try:
        import uvloop
    except ImportError:
        return False

    class Loop(uvloop.Loop):
        """Takes the standard library's eager task factory, which mitmproxy sets."""

        @override
        def set_task_factory(self, factory: TaskFactory | None) -> None:  # type: ignore[override]  # typeshed's own type is private
            super().set_task_factory(factory and without_eager_start(factory))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # policies, from Python 3.14 on

        class Policy(asyncio.DefaultEventLoopPolicy):
            @override
            def new_event_loop(self) -> asyncio.AbstractEventLoop:
                return Loop()

        asyncio.set_event_loop_policy(Policy())
    return True


def without_eager_start(factory: TaskFactory) -> TaskFactory:
    """`factory` as uvloop may call it: uvloop always passes `eager_start`, which factories know from Python 3.13.3 on."""
    parameters = inspect.signature(factory).parameters.values()
    if any(p.name == "eager_start" or p.kind is p.VAR_KEYWORD for p in parameters):
        return factory

    def make(
        loop: asyncio.AbstractEventLoop, coro: object, *, eager_start: object = None, **known: Any
    ) -> asyncio.Task[Any]:
        return factory(loop, coro, **known)

    return make
