// A service as browsers' workers are written: the fetch event of StarlingMonkey, WASI 0.2.

addEventListener("fetch", (event) => event.respondWith(handle(event.request)));

const pause = () => new Promise((done) => setTimeout(done, 20));

async function handle(request) {
  const url = new URL(request.url);
  switch (url.pathname.split("/").pop()) {
    case "echo":
      return new Response(request.body);
    case "stream":
      return new Response(chunks(10));
    case "fetch":
      return await fetch(url.search.slice("?url=".length));
    case "throw":
      throw new Error("asked to throw");
    case "trap":
      for (;;);
    default:
      return new Response("hello");
  }
}

function chunks(count) {
  let number = 0;
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      if (number === count) return controller.close();
      if (number > 0) await pause();
      controller.enqueue(encoder.encode(`chunk ${number}\n`));
      number += 1;
    },
  });
}
