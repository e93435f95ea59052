"""A service of plain exports and imports, WASI 0.3."""

import wit_world
from componentize_py_async_support import spawn
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports import client, monotonic_clock
from wit_world.imports.wasi_http_types import Fields, Request, Response, Scheme_Http


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        path, _, query = (request.get_path_with_query() or "").partition("?")
        match path.rsplit("/", 1)[-1]:
            case "trap":
                raise RuntimeError("asked to trap")
            case "trap-late":
                return respond(200, chunks(1, traps=True))
            case "echo":
                return respond(200, Request.consume_body(request, transmitted())[0])
            case "stream":
                return respond(200, chunks(10))
            case "fetch":
                answer = await client.send(get(query.removeprefix("url=")))
                return respond(answer.get_status_code(), Response.consume_body(answer, transmitted())[0])
            case _:
                writer, body = wit_world.byte_stream()
                spawn(write(writer, b"hello"))
                return respond(200, body)


def respond(status: int, body) -> Response:
    response = Response.new(Fields.from_list([("content-type", b"text/plain")]), body, trailers())[0]
    response.set_status_code(status)
    return response


async def write(writer, data: bytes) -> None:
    with writer:
        await writer.write_all(data)


def chunks(count: int, traps: bool = False):
    writer, body = wit_world.byte_stream()

    async def write_them() -> None:
        with writer:
            for number in range(count):
                await writer.write_all(f"chunk {number}\n".encode())
                await monotonic_clock.wait_for(20_000_000)
            if traps:
                raise RuntimeError("asked to trap late")

    spawn(write_them())
    return body


def get(url: str) -> Request:
    authority, slash, path = url.removeprefix("http://").partition("/")
    request = Request.new(Fields(), None, trailers(), None)[0]
    request.set_scheme(Scheme_Http())
    request.set_authority(authority)
    request.set_path_with_query(slash + path or "/")
    return request


def trailers():
    return wit_world.result_option_wasi_http_types_fields_wasi_http_types_error_code_future(lambda: Ok(None))[1]


def transmitted():
    return wit_world.result_unit_wasi_http_types_error_code_future(lambda: Ok(None))[1]
