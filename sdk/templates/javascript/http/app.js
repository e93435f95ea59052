// my-service: greets people over HTTP.
//
// It is served with the path that the gateway saw, without `/my-service` in front.

/** What a request is answered with. */
export async function handle(request) {
  const name = decodeURIComponent(new URL(request.url).pathname.slice(1)) || "world";
  switch (request.method) {
    case "GET":
      return Response.json({ greeting: `Hello, ${name}!` });
    case "POST":
      return await greetWith(await request.text(), name);
    default:
      return problem(405, "GET and POST are understood", { allow: "GET, POST" });
  }
}

async function greetWith(body, name) {
  let words;
  try {
    ({ words } = JSON.parse(body));
  } catch {
    return problem(400, "The body is no JSON");
  }
  if (typeof words !== "string") return problem(400, "`words` is text");
  return Response.json({ greeting: `${words}, ${name}!` });
}

/** As the gateway's own errors are (RFC 9457). */
function problem(status, detail, headers = {}) {
  const body = JSON.stringify({ type: "about:blank", status, detail, error: detail });
  return new Response(body, { status, headers: { "content-type": "application/problem+json", ...headers } });
}

// Natively, under test, nobody listens.
globalThis.addEventListener?.("fetch", (event) => event.respondWith(handle(event.request)));
