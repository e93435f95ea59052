"""HTTP/2 without TLS, by httpx and by the library h2, against a gateway: http2.py HOST:PORT

The gateway has a service that echoes under /up/. What a client library refuses to send it is told to send all the same.
"""

import socket
import sys

import h2.config
import h2.connection
import h2.events
import httpx

HOST, PORT = sys.argv[1].rsplit(":", 1)
BASE = [(":method", "GET"), (":scheme", "http"), (":authority", "gateway.test"), (":path", "/up/x")]


def httpx_is_served():
    with httpx.Client(http1=False, http2=True, base_url=f"http://{HOST}:{PORT}") as client:
        for n in range(50):
            answer = client.post(f"/up/{n}", content=b"x" * n * 1000, headers={"x-n": str(n)})
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2"), answer
            assert f"x-n: {n}".encode() in answer.content.lower(), answer.content
        assert client.get("/nowhere").json()["code"] == "SY1001"


def fate(headers, body=None, trailers=None):
    """What becomes of a request: its status, "reset" or "gone"."""
    config = h2.config.H2Configuration(
        client_side=True,
        header_encoding="utf-8",
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
    )
    connection = h2.connection.H2Connection(config=config)
    with socket.create_connection((HOST, int(PORT)), timeout=60) as stream:
        connection.initiate_connection()
        connection.send_headers(1, headers, end_stream=body is None and trailers is None)
        if body is not None:
            connection.send_data(1, body, end_stream=trailers is None)
        if trailers is not None:
            connection.send_headers(1, trailers, end_stream=True)
        stream.sendall(connection.data_to_send())
        while True:
            try:
                data = stream.recv(65536)
            except ConnectionError:
                return "gone"
            if not data:
                return "gone"
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return int(dict(event.headers)[":status"])
                if isinstance(event, h2.events.StreamReset):
                    return "reset"
                if isinstance(event, h2.events.ConnectionTerminated):
                    return "gone"
            stream.sendall(connection.data_to_send())


def malformed_requests_are_refused():
    post = [(":method", "POST")] + BASE[1:]
    for name, headers, body, trailers in [
        ("connection", BASE + [("connection", "close")], None, None),
        ("transfer-encoding", post + [("transfer-encoding", "chunked")], b"0\r\n\r\nGET /up/smuggled", None),
        ("upper case", BASE + [("X-Upper", "y")], None, None),
        ("CR and LF in a value", BASE + [("x", "y\r\nGET /up/smuggled HTTP/1.1")], None, None),
        ("CR and LF in a name", BASE + [("x: y\r\nz", "1")], None, None),
        ("an underscore", BASE + [("x_y", "z")], None, None),
        ("two hosts", BASE + [("host", "evil.test")], None, None),
        ("a path with a space", BASE[:3] + [(":path", "/up/smuggled HTTP/1.1")], None, None),
        ("a length that is more", post + [("content-length", "9")], b"hello", None),
        ("a length that is less", post + [("content-length", "2")], b"hello GET /up/smuggled", None),
        ("a pseudo-header behind others", [("x", "y")] + BASE, None, None),
    ]:
        found = fate(headers, body, trailers)
        assert found in (400, "reset", "gone"), f"{name}: {found}"
    # Trailers with pseudo-headers may be refused, or lose them.
    assert fate(post, b"hello", [(":path", "/up/smuggled")]) in (200, 400, "reset", "gone")
    assert fate(BASE) == 200
    assert fate(post, b"hello", [("x-end", "yes")]) == 200


httpx_is_served()
malformed_requests_are_refused()
print("all as it should be")
