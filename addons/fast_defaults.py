"""Built-in addons that nobody has configured are taken out of the way of every flow, and put back when somebody does."""

import logging

from mitmproxy import addonmanager, ctx, hooks

from addons.mitmproxy_version import TESTED, is_tested

# Addon -> the option that gives it work; an empty one leaves it nothing to do. Listed are only those whose commands are of no
# use by themselves, and none that has an async `done` (removal could not await it).
WORK = {
    "anticache": "anticache",
    "anticomp": "anticomp",
    "blocklist": "block_list",
    "dumper": "flow_detail",
    "maplocal": "map_local",
    "mapremote": "map_remote",
    "modifybody": "modify_body",
    "modifyheaders": "modify_headers",
    "onboarding": "onboarding",
    "proxyauth": "proxyauth",
    "stickyauth": "stickyauth",
    "stickycookie": "stickycookie",
    "upstreamauth": "upstream_auth",
}
logger = logging.getLogger(__name__)


class FastDefaults:
    """Addon: remove idle built-in addons."""

    def __init__(self) -> None:
        self._removed: dict[str, object] = {}
        self._order: list[object] = []  # the chain as it was

    def running(self) -> None:
        if not is_tested():
            logger.info(f"fast_defaults: off, tested with mitmproxy {TESTED} only")
            return
        addons = ctx.master.addons
        if not self._removed:
            self._order = list(addons.chain)
        for name, option in WORK.items():
            addon = addons.get(name)
            if addon in addons.chain and not getattr(ctx.options, option):
                addons.remove(addon)
                self._removed[name] = addon

    def configure(self, updated: set[str]) -> None:
        for name in list(self._removed):
            if WORK[name] in updated and getattr(ctx.options, WORK[name]):
                self._put_back(name)

    def done(self) -> None:
        for name in list(self._removed):
            self._put_back(name)

    def _put_back(self, name: str) -> None:
        """Where it was, and configured."""
        addons, addon = ctx.master.addons, self._removed.pop(name)
        addons.lookup[name] = addon  # not `register`: that would declare the addon's options again, and reset them
        after = self._order[self._order.index(addon) + 1 :]
        at = next((i for i, other in enumerate(addons.chain) if other in after), len(addons.chain))
        addons.chain = [*addons.chain[:at], addon, *addons.chain[at:]]  # a new list: the old one may be iterated over
        with addonmanager.safecall():
            addons.invoke_addon_sync(addon, hooks.ConfigureHook(set(ctx.options.keys())))
