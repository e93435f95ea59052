// Everything can be reached and done without a mouse, and the focus is always seen.

import { eventually, open, settle, visit, where } from './browser.mjs';

/** More stops than any page has. */
const STOPS_MAX = 600;

/** Goes through pages by keyboard. */
export async function keyboard(browser) {
  const page = await open(browser);
  await visit(page, browser.options, '/');
  const sections = await page.$$eval('nav.side a', (links) => links.map((link) => link.pathname));
  for (const path of sections) {
    for (const width of [1440, 360]) {
      await browser.report.part(`tab through ${path} at ${width}`, async () => {
        await page.setViewport({ width, height: 900 });
        await visit(page, browser.options, path);
        await tabThrough(browser, page, width);
      });
    }
  }
  await page.setViewport({ width: 1440, height: 900 });
  await browser.report.part('skip to the content', () => skip(browser, page));
  await browser.report.part('escape a question', () => escape(browser, page));
  await browser.report.part('open and close the menu', () => menu(browser, page));
  await browser.report.part('choose a theme', () => theme(browser, page));
  await page.browserContext().close();
}

/** Every control is a stop, each shows that it has the focus, and none holds it. */
async function tabThrough(browser, page, width) {
  // Parts that are drawn again would be counted twice.
  await page.evaluate(() => {
    const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest('dialog:not([open])');
    const controls = 'a[href], button, input:not([type="hidden"]), select, textarea, summary, [tabindex="0"]';
    let count = 0;
    for (const element of document.querySelectorAll(controls)) {
      if (!element.disabled && element.tabIndex >= 0 && shown(element)) element.dataset.stop = String((count += 1));
    }
    document.activeElement?.blur();
  });
  const reached = new Set();
  for (let stop = 0; stop < STOPS_MAX; stop += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(async () => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      // What slides into sight, or out of it, is given its time.
      const moving = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
      await Promise.race([Promise.all(moving.map((animation) => animation.finished.catch(() => {}))), new Promise((late) => setTimeout(late, 1_000))]);
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const middle = document.elementFromPoint(box.x + Math.min(box.width / 2, 20), box.y + box.height / 2);
      return {
        stop: element.dataset.stop,
        name: `${element.localName} '${(element.getAttribute('aria-label') ?? element.textContent ?? element.name ?? '').trim().slice(0, 40)}'`,
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1.5,
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        covered: middle && !element.contains(middle) && !middle.contains(element) && !middle.closest('#notes') ? middle.outerHTML.slice(0, 100) : null,
      };
    });
    if (!at) break;
    const place = `${where(page)} ${width}`;
    if (!at.ring) browser.report.wrong(place, 'focus', `${at.name} does not show that it has the focus`);
    if (!at.inside) browser.report.wrong(place, 'focus', `${at.name} has the focus out of sight`);
    if (at.inside && at.covered) browser.report.wrong(place, 'focus', `${at.name} has the focus, and is covered by ${at.covered}`);
    if (at.stop) {
      if (reached.has(at.stop)) break;
      reached.add(at.stop);
    }
  }
  const missed = await page.$$eval(
    '[data-stop]',
    (elements, reached) => elements.filter((element) => !reached.includes(element.dataset.stop)).map((element) => element.outerHTML.slice(0, 120)),
    [...reached],
  );
  for (const element of missed.slice(0, 5)) browser.report.wrong(`${where(page)} ${width}`, 'focus', `Tab does not reach ${element}`);
  if (reached.size < 3) throw new Error(`there are only ${reached.size} stops`);
}

async function skip(browser, page) {
  await visit(page, browser.options, '/services');
  await page.keyboard.press('Tab');
  const link = await page.evaluate(() => ({ text: document.activeElement.textContent, top: document.activeElement.getBoundingClientRect().top }));
  await settle(page);
  if (!/skip/i.test(link.text)) throw new Error(`the first stop is '${link.text}'`);
  await page.keyboard.press('Enter');
  await eventually('the focus is in the content', () => page.evaluate(() => document.activeElement.id === 'main'));
}

/** Escape means no, and the focus goes back to where it came from. */
async function escape(browser, page) {
  await visit(page, browser.options, '/queues');
  let found = null;
  for (const path of ['/dead-letters', '/services/hello', '/routes', '/subscriptions']) {
    await visit(page, browser.options, path);
    found = await page.$('form[data-act]:has(input[name="question"]) button');
    if (found && (await found.isVisible())) break;
  }
  if (!found) throw new Error('no page has a question to escape from');
  await found.focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog#ask[open]');
  const inside = await page.evaluate(() => document.querySelector('#ask').contains(document.activeElement));
  if (!inside) browser.report.wrong(where(page), 'focus', 'the dialog is open, and the focus is elsewhere');
  // The focus stays in the dialog.
  for (let stop = 0; stop < 5; stop += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => document.activeElement.closest('dialog') !== null || document.activeElement === document.body);
    if (!at) browser.report.wrong(where(page), 'focus', 'Tab leaves the dialog');
  }
  await page.keyboard.press('Escape');
  await eventually('the dialog is closed', () => page.$eval('#ask', (dialog) => !dialog.open));
  if (!(await found.evaluate((button) => document.activeElement === button))) {
    browser.report.wrong(where(page), 'focus', 'after Escape the focus is not where it was');
  }
  if (await page.$('#notes > .note')) browser.report.wrong(where(page), 'focus', 'Escape did it anyway');
}

async function menu(browser, page) {
  await page.setViewport({ width: 360, height: 740 });
  await visit(page, browser.options, '/sagas');
  const summary = await page.waitForSelector('#menu > summary', { visible: true });
  await summary.focus();
  await page.keyboard.press('Enter');
  const link = await page.waitForSelector('#menu nav a[href="/queues"]', { visible: true });
  if ((await page.$eval('#menu a[aria-current="page"]', (link) => link.pathname)) !== '/sagas') throw new Error('the menu does not say where it is');
  await page.keyboard.press('Escape');
  await eventually('Escape closes the menu', () => page.$eval('#menu', (menu) => !menu.open));
  if (!(await summary.evaluate((summary) => document.activeElement === summary))) browser.report.wrong(where(page), 'focus', 'after Escape the menu has not the focus');
  await page.keyboard.press('Enter');
  await link.focus();
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  if (new URL(page.url()).pathname !== '/queues') throw new Error(`the menu led to ${page.url()}`);
  await page.setViewport({ width: 1440, height: 900 });
}

/** It is kept from page to page. */
async function theme(browser, page) {
  await visit(page, browser.options, '/');
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const seen = new Set();
  for (let step = 0; step < 3; step += 1) {
    await page.focus('#theme');
    await page.keyboard.press('Enter');
    const chosen = await page.$eval('#theme', (button) => button.getAttribute('aria-label'));
    await visit(page, browser.options, '/services');
    if ((await page.$eval('#theme', (button) => button.getAttribute('aria-label'))) !== chosen) throw new Error(`${chosen} is not kept`);
    seen.add(await colour());
  }
  if (seen.size !== 2) throw new Error(`three choices of theme have ${seen.size} backgrounds: ${[...seen]}`);
}
