// The host goes away and comes back: pages say so, keep what they show, and recover by themselves.
//
// The browser talks to a relay with an address that stays. Who started this is asked to stop the host and to start it
// again: a line `stop` or `start` is written, and a line is awaited; that of `start` is the admin API's new URL.

import { createServer, connect } from 'node:net';
import { createInterface } from 'node:readline';

import { eventually, open, visit } from './browser.mjs';
import { send } from './hands.mjs';

/** What a browser says of a host that is away. */
const AWAY = /ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|ERR_SOCKET|Failed to fetch/;

/** Lives through an outage. */
export async function outage(browser) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const tell = async (line) => {
    console.log(line);
    return (await lines.next()).value;
  };
  let target = new URL(browser.options.admin);
  const relay = createServer((near) => {
    const far = connect(target.port, target.hostname);
    near.pipe(far).pipe(near);
    const end = () => (near.destroy(), far.destroy());
    for (const end_ of [near, far]) end_.on('error', end).on('close', end);
  });
  await new Promise((listening) => relay.listen(0, '127.0.0.1', listening));
  const options = { ...browser.options, console: `http://127.0.0.1:${relay.address().port}` };

  const page = await open(browser, { expected: (text) => AWAY.test(text) });
  await visit(page, options, '/breakers');
  await page.evaluate(() => { globalThis.before = true; });
  await eventually('it is live', () => page.$('#connection[data-state="live"]'));
  const shown = await page.$eval('main', (main) => main.innerText);

  await tell('stop');
  await eventually('the page says that the host is away', () => page.$('#connection[data-state="lost"]'), 30_000);
  const said = await page.$eval('#connection', (connection) => connection.innerText);
  if (!said.trim()) browser.report.wrong('/breakers', 'outage', 'nothing is said');
  const kept = await page.$eval('main', (main) => main.innerText);
  if (kept.length < shown.length / 2) browser.report.wrong('/breakers', 'outage', `what was shown is gone: ${kept}`);
  const note = await send(page, 'form[data-act="breaker.open"]');
  if (!note.wrong) browser.report.wrong('/breakers', 'outage', `an action says '${note.text}'`);

  target = new URL(await tell('start'));
  await eventually('it is live again', () => page.$('#connection[data-state="live"]'), 60_000);
  if (!(await page.evaluate(() => globalThis.before))) browser.report.wrong('/breakers', 'outage', 'the page was loaded again');
  const admin = target.origin;
  await fetch(`${admin}/api/v1/breakers/hello/open`, { method: 'POST' });
  await eventually('it follows the host again', async () => {
    const rows = await page.$$eval('tbody tr', (rows) => rows.map((row) => row.textContent));
    return rows.some((row) => /\bhello\b/.test(row) && /forced.open/i.test(row));
  });
  await page.browserContext().close();
  relay.close();
}
