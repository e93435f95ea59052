// A service of plain exports and imports, in QuickJS, WASI 0.3. Its tool cannot import wasi:http/client yet.

import types from "wasi:http/types@0.3.0";
import clock from "wasi:clocks/monotonic-clock@0.3.0";

const { Fields, Request, Response } = types;

export const handler = {
  async handle(request) {
    const path = request.getPathWithQuery() ?? "";
    switch (path.split("/").pop()) {
      case "trap":
        throw new Error("asked to trap");
      case "echo":
        return respond(Request.consumeBody(request, transmitted())[0]);
      case "stream":
        return respond(chunks(10));
      default:
        return respond([bytes("hello")]);
    }
  },
};

const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

const trailers = () => wit.Future.from({ tag: "ok", val: null }, wit.Future.RESULT_OPTION_OTHER_ERROR_CODE).readable;
const transmitted = () => wit.Future.from({ tag: "ok" }, wit.Future.RESULT_VOID_ERROR_CODE).readable;

function respond(body) {
  return Response.new(new Fields(), body, trailers())[0];
}

async function* chunks(count) {
  for (let number = 0; number < count; number += 1) {
    yield bytes(`chunk ${number}\n`);
    await clock.waitFor(20_000_000);
  }
}
