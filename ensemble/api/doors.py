"""What stands before the API: too large an upload, an unknown wish, or more photos than can be waited for."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ensemble.values.safe_names import shortened

Refuse = Callable[[int, object], JSONResponse]
MOST_IN_LINE = 64  # photos that are received, judged and kept at a time
TOO_MANY = "Quorum has {count} photos in line already. Send this one again in {seconds} s."


class UploadLimit:
    """Ends a request with 413 as soon as its body is known to be too large, also where no length was declared."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        taken = 0
        declared = int(Headers(scope=scope).get("content-length", "0"))

        async def counted() -> Message:
            nonlocal taken
            if declared <= self.limit:
                message = await receive()
                taken += len(message.get("body", b""))
            if max(declared, taken) > self.limit:
                raise HTTPException(413)
            return message

        await self.app(scope, counted, send)


class KnownQuery:
    """Refuses an address that carries what it cannot, or one thing twice: no wish is ever dropped without a word.

    `known` says what each address may carry; one that is not in it is left to be answered as unknown.
    """

    def __init__(self, app: ASGIApp, known: Mapping[str, Sequence[str]], refuse: Refuse) -> None:
        self.app = app
        self.known = known
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http":
            given = [name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)]
            known = self.known.get(address_of(scope))
            wrong = (_unwanted(name, given.count(name), known) for name in given) if known is not None else ()
            if reason := next(filter(None, wrong), ""):
                app = self.refuse(422, reason)
        await app(scope, receive, send)


def address_of(scope: Scope) -> str:
    """What is asked for: the path without the prefix that a proxy has put before it, and without its last stroke."""
    path, prefix = scope["path"], scope.get("root_path", "").rstrip("/")
    if path == prefix or path.startswith(f"{prefix}/"):
        path = path[len(prefix) :]
    return path.rstrip("/") or "/"


def _unwanted(name: str, count: int, known: Sequence[str]) -> str:
    """Why an address may not carry this; empty where it may."""
    if name not in known:
        may = f"It may carry {', '.join(known)}." if known else "It carries nothing."
        return f"The address cannot carry {shortened(name)}. {may}"
    return "" if count == 1 else f"The address carries {name} {count} times. Give it once."


class WaitingLine:
    """Answers 503 at once where too many photos are in line, with the seconds after which these will be through."""

    def __init__(self, app: ASGIApp, path: str, refuse: Refuse) -> None:
        self.app = app
        self.path = path
        self.refuse = refuse
        self._count = 0
        self._seconds = 0.0  # that the last photo took, with all that was in line before it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or address_of(scope) != self.path:
            await self.app(scope, receive, send)
            return
        if self._count >= MOST_IN_LINE:
            seconds = max(1, math.ceil(self._seconds))
            answer = self.refuse(503, TOO_MANY.format(count=self._count, seconds=seconds))
            answer.headers["Retry-After"] = str(seconds)
            await answer(scope, receive, send)
            return
        self._count, begun = self._count + 1, time.monotonic()
        try:
            await self.app(scope, receive, send)
        finally:
            self._count -= 1
            self._seconds = time.monotonic() - begun
