// A browser whose pages tell of everything that goes wrong in them.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';

/** Starts a browser: `options` are the driver's, `report` takes what goes wrong. */
export async function browser(options, report) {
  const require = createRequire(resolve(options.modules, 'driver.js'));
  const puppeteer = require('puppeteer-core');
  const axe = require('axe-core').source;
  const launched = await puppeteer.launch({
    executablePath: resolve(options.chromium),
    headless: 'shell',
    // Containers have no namespaces to make a sandbox of; nothing but the console is opened here.
    args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb', '--hide-scrollbars', '--lang=en'],
    protocolTimeout: 120_000,
  });
  return { launched, axe, options, report, close: () => launched.close() };
}

/**
 * A new page, in a context of its own: what it stores is its own.
 * `expected` says of a text that it belongs to what is being tried; then it is no finding.
 */
export async function open(browser, { script = true, expected = () => false } = {}) {
  const context = await browser.launched.createBrowserContext();
  const page = await context.newPage();
  await watch(page, browser.report, expected);
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width: 1440, height: 900 });
  page.setDefaultTimeout(10_000);
  return page;
}

async function watch(page, report, expected) {
  const wrong = (kind, text) => {
    if (!expected(text)) report.wrong(where(page), kind, text);
  };
  page.on('console', (message) => {
    if (['error', 'warn', 'assert'].includes(message.type())) wrong('console', `${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrong('exception', error?.stack ?? error));
  page.on('error', (error) => wrong('crash', error?.message ?? error));
  page.on('dialog', (dialog) => {
    // A page of ours never asks by a dialog of the browser, so it was markup, or the question whether to leave.
    wrong('dialog', `${dialog.type()}: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // A page that is left takes its streams and requests with it.
    if (why !== 'net::ERR_ABORTED') wrong('request', `${request.method()} ${request.url()}: ${why}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) wrong('status', `${response.status()} ${response.request().method()} ${response.url()}`);
  });
  await page.exposeFunction('reportViolation', (text) => wrong('policy', text));
  await page.evaluateOnNewDocument(() => {
    addEventListener('securitypolicyviolation', (violation) => {
      globalThis.reportViolation(`${violation.violatedDirective}: ${violation.blockedURI} ${violation.sample ?? ''}`);
    });
  });
}

/** Where a page is: its path and query. */
export function where(page) {
  const url = page.url();
  if (!url.startsWith('http')) return url;
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** Goes to a path of the console and waits until it is painted. */
export async function visit(page, options, path) {
  const response = await page.goto(options.console + path, { waitUntil: 'load' });
  await settle(page);
  return response;
}

/** Waits until what was changed is painted. Where scripts are off, nothing in the page can say so. */
export async function settle(page) {
  if (!page.isJavaScriptEnabled()) return new Promise((resolve) => setTimeout(resolve, 50));
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const late = setTimeout(resolve, 500);
        requestAnimationFrame(() => requestAnimationFrame(() => (clearTimeout(late), resolve())));
      }),
  );
}

/** The first element that a selector chooses, as soon as there is one; asked for from here, since pages may have no script. */
export async function found(page, selector) {
  return eventually(`there is ${selector} at ${where(page)}`, () => page.$(selector), 10_000);
}

/** Waits until `is` answers something, and answers that. */
export async function eventually(what, is, patience = 20_000) {
  const until = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const found = await is();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw new Error(`in vain until: ${what}; last: ${last?.stack ?? last}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
