// The checks themselves: a page with each fault that they are for, which they have to find.

import { createServer } from 'node:http';

import { open, visit } from './browser.mjs';
import { accessible, fits, guarded, harmless } from './checks.mjs';
import { Report } from './report.mjs';

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** A fault, and the kinds of findings that tell of it. */
const FAULTS = [
  ['<img src=x alt="" onerror="window.marked=1">', ['markup', 'policy', 'console']],
  ['<script>window.marked = 1</script>', ['markup', 'policy']],
  ['<a href="javascript:alert(1)">a</a>', ['markup']],
  ['<p>invoice\u202egpj.exe</p>', ['markup']],
  ['<p style="color: red">a</p>', ['markup', 'policy']],
  ['<pre>' + 'x'.repeat(2_000) + '</pre>', ['width']],
  ['<p class="cut">' + 'x'.repeat(2_000) + '</p>', ['width']],
  ['<p class="pale">hardly to be read</p>', ['axe color-contrast']],
  ['<input name="q">', ['axe label']],
  ['<script src="/throws.js"></script>', ['exception']],
  ['<script src="/missing.js"></script>', ['status']],
  ['<script src="/asks.js"></script>', ['dialog']],
  ['<link rel="stylesheet" href="http://127.0.0.1:9/x.css">', ['policy']],
];

const FILES = {
  '/throws.js': ['text/javascript', 'throw new Error("as a test")'],
  '/asks.js': ['text/javascript', 'alert("as a test")'],
  '/style.css': ['text/css', '.cut { overflow: hidden; text-overflow: ellipsis } .pale { color: #999; background: #fff }'],
};

/** Shows each fault to the checks. */
export async function faulty(browser) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://faults');
    const fault = FAULTS[pathname.slice(1)];
    const head = { 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff' };
    if (pathname in FILES) return response.writeHead(200, { ...head, 'content-type': FILES[pathname][0] }).end(FILES[pathname][1]);
    if (!fault) return response.writeHead(404).end();
    const page = `<!doctype html><html lang="en"><title>Fault</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"><main><h1>Fault</h1>${fault[0]}</main></html>`;
    response.writeHead(200, { ...head, 'content-type': 'text/html; charset=utf-8' }).end(page);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const options = { ...browser.options, console: `http://127.0.0.1:${server.address().port}` };
  for (const [at, [fault, kinds]] of FAULTS.entries()) {
    const found = new Report();
    const watched = { ...browser, report: found };
    const page = await open(watched);
    const response = await visit(page, options, `/${at}`);
    guarded(watched, `/${at}`, response);
    await harmless(watched, page);
    await fits(watched, page, '');
    await accessible(watched, page, '');
    await page.browserContext().close();
    for (const kind of [...kinds, 'headers']) {
      if (!found.findings.some((finding) => finding.kind === kind)) {
        browser.report.wrong('the checks', 'blind', `${kind} does not tell of ${fault.slice(0, 100)}: ${JSON.stringify(found.findings)}`);
      }
    }
  }
  server.close();
}
