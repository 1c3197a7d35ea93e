"""What a browser brings back from a login page: the query of the redirect, or what a person copies out of the address bar."""

import hmac
from urllib.parse import parse_qs, unquote, urlsplit

from creds.account import CredentialError
from creds.token import quoted


class Foreign(CredentialError):
    """An answer that is not to our question: `state` is another's or missing. It must not end the login that it was sent to."""


class Refused(CredentialError):
    """The login page said no, or its answer cannot be used."""


def code_of(query: str, state: str) -> str:
    """The code in the query of a redirect. Raises Foreign, Refused. Source: RFC 6749, sections 4.1.2 and 10.12."""
    fields = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if not hmac.compare_digest(fields.get("state", "").encode(), state.encode()):
        raise Foreign("the answer belongs to another login (its `state` is not the one that this login was begun with)")
    if error := fields.get("error"):
        said = ": ".join(part for part in (error, fields.get("error_description", "")) if part)
        raise Refused(f"the login was refused ({quoted(said)})")
    if not fields.get("code"):
        raise Refused("the login page answered without a code")
    return fields["code"]


def code_of_pasted(text: str, state: str) -> str:
    """The code in what a person pastes: the whole address of the redirect, its query, or the code alone. Raises Foreign,
    Refused.

    A code alone has no `state`; PKCE sees to it that it is good for nobody's login but this one.
    """
    pasted = "".join(text.split())  # terminals and mail programs break long lines
    query = urlsplit(pasted).query if "://" in pasted else pasted.removeprefix("?")
    if "://" in pasted or "state=" in query or "code=" in query:
        return code_of(query, state)
    if not pasted:
        raise Refused("nothing was pasted")
    return unquote(pasted)
