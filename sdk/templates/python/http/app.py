"""my-service: greets people over HTTP.

What is answered is in `service.py`; this is how requests come in and responses go out.
"""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import types
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingBody,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

import service

# What a stream takes at once.
CHUNK = 4096


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        path = (request.path_with_query() or "/").partition("?")[0]
        status, headers, body = service.answer(method(request), path, read(request.consume()))
        fields = Fields.from_list([(name, value.encode()) for name, value in headers.items()])
        response = OutgoingResponse(fields)
        response.set_status_code(status)
        outgoing = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with outgoing.write() as stream:
            for start in range(0, len(body), CHUNK):
                stream.blocking_write_and_flush(body[start : start + CHUNK])
        OutgoingBody.finish(outgoing, None)


def method(request: IncomingRequest) -> str:
    found = request.method()
    if isinstance(found, types.Method_Other):
        return found.value
    return type(found).__name__.removeprefix("Method_").upper()


def read(body: IncomingBody) -> bytes:
    parts = []
    with body.stream() as stream:
        while True:
            try:
                parts.append(stream.blocking_read(64 * 1024))
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return b"".join(parts)
                raise
