import assert from "node:assert/strict";
import test from "node:test";

import { handle } from "./app.js";

async function call(method, path, body) {
  const response = await handle(new Request(`http://service.internal${path}`, { method, body }));
  return [response.status, await response.json()];
}

test("people are greeted by their names", async () => {
  assert.deepEqual(await call("GET", "/Ann"), [200, { greeting: "Hello, Ann!" }]);
  assert.deepEqual(await call("GET", "/"), [200, { greeting: "Hello, world!" }]);
});

test("people are greeted as they like", async () => {
  const answer = await call("POST", "/Ann", '{"words":"Good morning"}');
  assert.deepEqual(answer, [200, { greeting: "Good morning, Ann!" }]);
  for (const body of ["{", '{"words":5}']) assert.equal((await call("POST", "/Ann", body))[0], 400);
  assert.equal((await call("DELETE", "/Ann"))[0], 405);
});
