// A host with a token: the console asks for it once, and a session stands for it.

import { strict as assert } from 'node:assert';

import { found, open, visit, where } from './browser.mjs';
import { fill, send } from './hands.mjs';
import { everywhere } from './tour.mjs';

/** Logs in, with the script and without, and out again. */
export async function login(browser) {
  const { options, report } = browser;
  for (const script of [true, false]) {
    const page = await open(browser, { script, expected: (text) => /\b40[13]\b/.test(text) });
    const enter = async (token) => {
      await fill(page, 'form.login', { token });
      const button = await found(page, 'form.login button');
      await Promise.all([page.waitForNavigation(), button.click()]);
    };
    await report.part(`log in (${script ? 'script' : 'no script'})`, async () => {
      await visit(page, options, '/breakers?q=hello');
      assert.equal(new URL(page.url()).pathname, '/login');
      if (script) await everywhere(browser, page, 'login');
      await enter('wrong');
      assert.equal(new URL(page.url()).pathname, '/login');
      assert.ok(await page.$('[role="alert"]'), 'a wrong token is not told');
      if (script) await everywhere(browser, page, 'login-wrong');
      await enter(options.token);
      assert.equal(where(page), '/breakers?q=hello');
      assert.ok(!page.url().includes(options.token), 'the token is in a URL');
      const cookies = await page.browserContext().cookies();
      const session = cookies.find(({ httpOnly }) => httpOnly);
      assert.ok(session && ['Strict', 'Lax'].includes(session.sameSite), JSON.stringify(cookies));
      assert.ok(!JSON.stringify(cookies).includes(options.token), 'the token is in a cookie');
      // What changes nothing is not offered the second time.
      const note = await send(page, `form[data-act="breaker.${script ? 'measure' : 'reset'}"]`, { script });
      assert.equal(note.wrong, false, note.text);
    });
    await report.part(`log out (${script ? 'script' : 'no script'})`, async () => {
      const button = await found(page, 'form[action="/logout"] button');
      await Promise.all([page.waitForNavigation(), button.click()]);
      assert.equal(new URL(page.url()).pathname, '/login');
      await visit(page, options, '/breakers');
      assert.equal(new URL(page.url()).pathname, '/login');
    });
    await page.browserContext().close();
  }
}
