// Every action of the console, done as a person does it, and checked in the admin API: once with the script, once without.

import { strict as assert } from 'node:assert';

import { messaging } from './actions/messaging.mjs';
import { state } from './actions/state.mjs';
import { traffic } from './actions/traffic.mjs';
import { eventually, open, visit } from './browser.mjs';
import { harmless } from './checks.mjs';
import { send } from './hands.mjs';

const ALL = [...traffic, ...messaging, ...state];

/** Does all of them; `only` chooses by a part of the name. */
export async function actions(browser, { script }) {
  const done = new Set();
  const refused = { count: 0 };
  // A form that is refused is answered with a status that the browser calls an error.
  const expected = (text) => refused.count > 0 && /status of 4\d\d|^4\d\d POST .*\/act\//.test(text);
  const page = await open(browser, { script, expected });
  page.on('request', (request) => {
    const act = /\/act\/([a-z.-]+)$/.exec(new URL(request.url()).pathname)?.[1];
    if (act && request.method() === 'POST') done.add(act);
  });
  const forms = new Set();
  const hands = {
    page,
    api: browser.api,
    options: browser.options,
    script,
    eventually,
    equal: assert.deepEqual,
    /** Where this run makes things of its own, so that both runs find the same. */
    name: (of) => `${of}-${script ? 'live' : 'plain'}`,
    go: async (path) => {
      const response = await visit(page, browser.options, path);
      assert.equal(response.status(), 200, path);
      for (const act of await page.$$eval('form[data-act]', (forms) => forms.map((form) => form.dataset.act))) forms.add(act);
    },
    /** Sends the form of an action; `where` narrows down which one. It has to work. */
    act: async (action, { where = '', ...how } = {}) => {
      const form = `${where} form[data-act="${action}"]`.trim();
      const note = await send(page, form, { ...how, script });
      if (how.yes !== false) assert.equal(note.wrong, false, `${action}: ${note.text}`);
      await harmless(browser, page);
      return note?.text;
    },
    /** The same of one that has to be refused; answers what is said. */
    refused: async (action, { where = '', ...how } = {}) => {
      refused.count += 1;
      const note = await send(page, `${where} form[data-act="${action}"]`.trim(), { ...how, script });
      assert.equal(note.wrong, true, `${action}: ${note.text}`);
      await harmless(browser, page);
      await new Promise((resolve) => setTimeout(resolve, 50));
      refused.count -= 1;
      return note.text;
    },
  };
  if (!script) await browser.report.part('read without a script', () => read(browser, page));
  for (const [name, work] of ALL) {
    if (!name.includes(browser.options.only ?? '')) continue;
    await browser.report.part(`${name} (${script ? 'script' : 'no script'})`, () => work(hands));
  }
  if (!browser.options.only) {
    for (const act of forms) if (!done.has(act)) browser.report.wrong('actions', 'untried', `nothing here does ${act}`);
  }
  await page.browserContext().close();
}

/** Every section says what it has to say. */
async function read(browser, page) {
  await visit(page, browser.options, '/');
  const sections = await page.$$eval('nav.side a', (links) => links.map((link) => link.pathname));
  for (const path of sections) {
    await visit(page, browser.options, path);
    const [heading, text] = await page.evaluate(() => [document.querySelector('h1')?.textContent, document.querySelector('main').innerText]);
    if (!heading || text.length < heading.length + 100) browser.report.wrong(path, 'plain', `without a script it says only '${text}'`);
    // What only the script can do is not offered.
    const dead = await page.$$eval('main button', (buttons) => buttons.filter((button) => !button.form && button.checkVisibility()).map((button) => button.outerHTML.slice(0, 120)));
    for (const button of dead) browser.report.wrong(path, 'plain', `a button that does nothing without a script: ${button}`);
  }
}
