"""What my-service answers. It is served with the path that the gateway saw, without `/my-service` in front."""

import json
from urllib.parse import unquote

Answer = tuple[int, dict[str, str], bytes]


def answer(method: str, path: str, body: bytes) -> Answer:
    """Status, headers and body for a request."""
    name = unquote(path.removeprefix("/")) or "world"
    if method == "GET":
        return greeting("Hello", name)
    if method != "POST":
        return problem(405, "GET and POST are understood", {"allow": "GET, POST"})
    try:
        words = json.loads(body)["words"]
    except (ValueError, TypeError, LookupError):
        return problem(400, "The body is no JSON with `words`")
    if not isinstance(words, str):
        return problem(400, "`words` is text")
    return greeting(words, name)


def greeting(words: str, name: str) -> Answer:
    body = json.dumps({"greeting": f"{words}, {name}!"})
    return 200, {"content-type": "application/json"}, body.encode()


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Answer:
    """As the gateway's own errors are (RFC 9457)."""
    body = json.dumps({"type": "about:blank", "status": status, "detail": detail, "error": detail})
    return status, {"content-type": "application/problem+json", **(headers or {})}, body.encode()
