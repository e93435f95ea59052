// Every page that links lead to, at each width and in each theme.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { open, settle, visit } from './browser.mjs';
import { accessible, fits, guarded, harmless } from './checks.mjs';

const WIDTHS = [360, 768, 1440];
const THEMES = ['light', 'dark'];

/** So many pages of one kind, as in /services/NAME, are looked at. */
const OF_A_KIND = 2;

/** Goes round; `only` is a prefix of the paths to look at. */
export async function tour(browser, only = '') {
  const page = await open(browser);
  const kinds = new Map();
  const waiting = ['/'];
  const seen = new Set(waiting);
  while (waiting.length) {
    const path = waiting.shift();
    const kind = kindOf(path);
    if ((kinds.get(kind) ?? 0) >= OF_A_KIND) continue;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    await browser.report.part(`look at ${path}`, async () => {
      const links = await look(browser, page, path, path.startsWith(only));
      for (const link of links.filter((link) => !seen.has(link))) {
        seen.add(link);
        waiting.push(link);
      }
    });
  }
  await page.browserContext().close();
  return [...kinds.keys()];
}

/** Looks at one page in all its states, and answers where its links lead. */
async function look(browser, page, path, thoroughly) {
  // What is no page is not for a browser, but it has to be there.
  const plain = await fetch(browser.options.console + path, { method: 'GET', redirect: 'manual' });
  await plain.body?.cancel();
  if (plain.status !== 200) throw new Error(`${path} answers ${plain.status}`);
  if (!plain.headers.get('content-type')?.startsWith('text/html')) return [];
  const response = await visit(page, browser.options, path);
  if (thoroughly) {
    guarded(browser, path, response);
    await everywhere(browser, page, name(path));
  }
  return page.$$eval('a[href]', (links) => {
    const here = links.filter((link) => link.origin === location.origin && !link.hasAttribute('download'));
    return [...new Set(here.map((link) => link.pathname + link.search))];
  });
}

/** The page as it is now at each width, in each theme. */
export async function everywhere(browser, page, as) {
  await harmless(browser, page);
  for (const theme of THEMES) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
    for (const width of WIDTHS) {
      await page.setViewport({ width, height: width === 360 ? 740 : 900 });
      await settle(page);
      const state = `${width} ${theme}`;
      await shoot(browser, page, `${as}-${width}-${theme}`);
      await fits(browser, page, state);
      await accessible(browser, page, state);
    }
  }
  await page.emulateMediaFeatures([]);
  await page.setViewport({ width: 1440, height: 900 });
}

/** A picture of the whole page. */
export async function shoot(browser, page, as) {
  mkdirSync(browser.options.shots, { recursive: true });
  const path = join(browser.options.shots, `${as}.png`);
  await page.screenshot({ path, fullPage: true, captureBeyondViewport: true });
  browser.report.shots.push(path);
}

/** Pages that differ only in what they are about are of one kind. */
function kindOf(path) {
  const { pathname, searchParams } = new URL(path, 'http://console');
  const [section, ...rest] = pathname.split('/').slice(1);
  const keys = [...new Set(searchParams.keys())].sort().join('&');
  return `/${section}${'/*'.repeat(rest.length)}${keys && `?${keys}`}`;
}

function name(path) {
  return path === '/' ? 'overview' : path.slice(1).replace(/[^a-zA-Z0-9._-]+/g, '_').slice(0, 80);
}
