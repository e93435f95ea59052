"""A service of plain exports and imports, WASI 0.2."""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import monotonic_clock, outgoing_handler
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingRequest,
    OutgoingResponse,
    ResponseOutparam,
    Scheme_Http,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        path, _, query = (request.path_with_query() or "").partition("?")
        match path.rsplit("/", 1)[-1]:
            case "trap":
                raise RuntimeError("asked to trap")
            case "trap-late":
                respond(response_out, 200, trap_late())
            case "echo":
                respond(response_out, 200, chunks_of(request.consume()))
            case "stream":
                respond(response_out, 200, chunks(10))
            case "fetch":
                try:
                    answer = fetch(query.removeprefix("url="))
                except Err as error:
                    ResponseOutparam.set(response_out, Err(error.value))
                else:
                    respond(response_out, answer.status(), chunks_of(answer.consume()))
            case _:
                respond(response_out, 200, [b"hello"])


def respond(out: ResponseOutparam, status: int, chunks) -> None:
    response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    with body.write() as stream:
        for chunk in chunks:
            for start in range(0, len(chunk), 4096):
                stream.blocking_write_and_flush(chunk[start : start + 4096])
    OutgoingBody.finish(body, None)


def chunks_of(body):
    with body.stream() as stream:
        while True:
            try:
                yield stream.blocking_read(64 * 1024)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return
                raise


def chunks(count: int):
    for number in range(count):
        yield f"chunk {number}\n".encode()
        monotonic_clock.subscribe_duration(20_000_000).block()


def trap_late():
    yield from chunks(1)
    raise RuntimeError("asked to trap late")


def fetch(url: str):
    authority, slash, path = url.removeprefix("http://").partition("/")
    request = OutgoingRequest(Fields())
    request.set_scheme(Scheme_Http())
    request.set_authority(authority)
    request.set_path_with_query(slash + path or "/")
    future = outgoing_handler.handle(request, None)
    future.subscribe().block()
    answer = future.get().value
    if isinstance(answer, Err):
        raise answer
    return answer.value
