"""Hook dispatch from cached lists. mitmproxy walks over all its addons, some forty, for every hook of every flow."""

import inspect
import logging
import types
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from mitmproxy import addonmanager, ctx, exceptions, flow, hooks

from addons.mitmproxy_version import TESTED, is_tested

type Hook = Callable[..., object]

_CHANGES = ("register", "remove", "clear")  # what changes the tree of addons; `add` is `register`
logger = logging.getLogger(__name__)


class FastDispatch:
    """Addon: replace the addon manager's way of calling async hooks, with the same results.

    For each hook name, the callables of each top-level addon and its sub-addons are looked up once, and anew after any addon
    was added or removed, or the chain replaced. (So a hook function that is put on a living addon later is not seen until then; nothing does that.)
    """

    def __init__(self) -> None:
        self._addons: addonmanager.AddonManager | None = None
        self._cache: dict[str, list[list[Hook]]] = {}
        self._chain: list[object] = []  # the list that the cache was made from

    def running(self) -> None:
        if not is_tested():
            logger.info(f"fast_dispatch: off, tested with mitmproxy {TESTED} only")
            return
        if self._addons is not None:
            return
        self._addons = addons = ctx.master.addons
        for name in _CHANGES:
            setattr(addons, name, self._forgetting(getattr(addons, name)))
        addons.trigger_event = self._trigger  # type: ignore[method-assign]
        addons.trigger = self._trigger_now  # type: ignore[method-assign]
        addons.handle_lifecycle = self._lifecycle  # type: ignore[method-assign]

    def done(self) -> None:
        if self._addons is not None:
            for name in (*_CHANGES, "trigger_event", "trigger", "handle_lifecycle"):
                vars(self._addons).pop(name, None)  # the class's own methods show again
            self._addons = None

    def _forgetting(self, method: Callable[..., object]) -> Callable[..., object]:
        def changed(*args: object) -> object:
            try:
                return method(*args)
            finally:
                self._cache.clear()

        return changed

    def _hooks(self, name: str) -> list[list[Hook]]:
        """One list per top-level addon that has any: an exception ends the addon it happened in, sub-addons included."""
        assert self._addons is not None
        if self._addons.chain is not self._chain:
            self._cache.clear()
            self._chain = self._addons.chain
        found = self._cache.get(name)
        if found is None:
            found = self._cache[name] = self._look_up(name)
        return found

    def _look_up(self, name: str) -> list[list[Hook]]:
        assert self._addons is not None
        found = []
        for top in self._addons.chain:
            callables = []
            for addon in addonmanager.traverse([top]):
                function = getattr(addon, name, None)
                if not function or isinstance(function, types.ModuleType):
                    continue
                if not callable(function):
                    callables.append(_not_callable(name, addon))
                    break
                callables.append(function)
            if callables:
                found.append(callables)
        return found

    async def _trigger(self, event: hooks.Hook) -> None:
        groups = self._hooks(event.name)
        if groups:
            await _call(groups, _arguments(event))

    def _trigger_now(self, event: hooks.Hook) -> None:
        """Nearly always `add_log`, once per line of log, which no addon listens to any more.

        A line is logged in a turn of the event loop of its own: when the script is loaded anew, we may be gone by then.
        """
        if self._addons is None:
            ctx.master.addons.trigger(event)
        elif self._hooks(event.name):
            type(self._addons).trigger(self._addons, event)

    async def _lifecycle(self, event: hooks.Hook) -> None:
        arguments = _arguments(event)
        groups = self._hooks(event.name)
        if groups:
            await _call(groups, arguments)
        if isinstance(arguments[0], flow.Flow):
            updates = self._hooks("update")
            if updates:
                await _call(updates, [[arguments[0]]])


_fields: dict[type[hooks.Hook], tuple[str, ...]] = {}


def _arguments(event: hooks.Hook) -> list[Any]:
    """As `event.args()`, which asks for the fields of the class each time."""
    names = _fields.get(type(event))
    if names is None:
        names = _fields[type(event)] = tuple(field.name for field in fields(event))  # type: ignore[arg-type]
    return [getattr(event, name) for name in names]


async def _call(groups: list[list[Hook]], arguments: list[Any]) -> None:
    for group in groups:
        try:
            for hook in group:
                result = hook(*arguments)
                if result is not None and inspect.isawaitable(result):
                    await result
        except exceptions.AddonHalt:
            return
        except exceptions.OptionsError:
            raise
        except Exception:
            with addonmanager.safecall():  # its way of logging
                raise


def _not_callable(name: str, addon: object) -> Hook:
    def fail(*_: object) -> None:
        raise exceptions.AddonManagerError(f"Addon handler {name} ({addon}) not callable")

    return fail
