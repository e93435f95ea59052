// Pages follow what happens, without being loaded again, and without disturbing who works on them.

import { eventually, open, visit, where } from './browser.mjs';
import { fill } from './hands.mjs';

/** Watches pages change. */
export async function live(browser) {
  const { api, report } = browser;
  const [one, other] = [await open(browser), await open(browser)];
  for (const page of [one, other]) {
    await visit(page, browser.options, '/breakers');
    await page.evaluate(() => { globalThis.before = true; });
  }
  const stayed = async (page) => {
    if (!(await page.evaluate(() => globalThis.before))) report.wrong(where(page), 'live', 'the page was loaded again');
  };
  await report.part('a breaker that is opened is seen in two windows', async () => {
    for (const [verb, wanted] of [['open', /forced.open/i], ['reset', /closed/i]]) {
      await api.send('POST', `/api/v1/breakers/hello/${verb}`);
      for (const page of [one, other]) {
        await eventually(`the row of hello says ${wanted}`, async () => {
          const rows = await page.$$eval('tbody tr', (rows) => rows.map((row) => row.textContent));
          return rows.some((row) => /\bhello\b/.test(row) && wanted.test(row));
        });
        await stayed(page);
      }
    }
  });
  await report.part('what is typed stays, and so do the focus and what is open', async () => {
    const page = one;
    await visit(page, browser.options, '/queues/emails');
    await page.evaluate(() => { globalThis.before = true; });
    const form = 'form[data-act="queue.enqueue"]';
    await fill(page, form, { data: '{"half": "typed' });
    const before = await page.$eval('main', (main) => main.innerText);
    await api.send('POST', '/api/v1/queues/emails/messages', { data: { to: 'live@example.com' } });
    await eventually('the figures follow', async () => (await page.$eval('main', (main) => main.innerText)) !== before);
    const kept = await page.$eval(`${form} [name="data"]`, (field) => ({
      value: field.value,
      focus: document.activeElement === field,
      open: field.closest('details')?.open ?? true,
    }));
    if (kept.value !== '{"half": "typed' || !kept.focus || !kept.open) throw new Error(JSON.stringify(kept));
    await stayed(page);
  });
  await report.part('an event that is published is seen in the tail', async () => {
    const page = other;
    await visit(page, browser.options, '/events');
    await page.evaluate(() => { globalThis.before = true; });
    await api.send('POST', '/api/v1/events', { specversion: '1.0', source: '/console', type: 'live.seen-now', data: { n: 1 } }, 'application/cloudevents+json');
    await eventually('the page names the topic', async () => (await page.$eval('main', (main) => main.innerText)).includes('live.seen-now'));
    await stayed(page);
  });
  await report.part('a line that is logged is seen in the logs', async () => {
    const page = one;
    await visit(page, browser.options, '/logs?service=rogue');
    await page.evaluate(() => { globalThis.before = true; });
    await api.send('POST', '/api/v1/breakers/rogue/reset');
    await api.call('/rogue/log?n=1');
    await eventually('the page shows the line', async () => (await page.$eval('main', (main) => main.innerText)).includes('log 0'));
    await stayed(page);
  });
  await report.part('many tabs of one window', async () => {
    const tabs = [];
    for (const path of ['/', '/services', '/breakers', '/events', '/queues', '/sagas', '/logs', '/kv']) {
      const tab = await one.browserContext().newPage();
      tab.setDefaultTimeout(15_000);
      await visit(tab, browser.options, path);
      tabs.push(tab);
    }
    for (const tab of tabs) await tab.close();
  });
  for (const page of [one, other]) await page.browserContext().close();
}
