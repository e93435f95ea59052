// What has to hold for a page in every state that it is seen in.

import { where } from './browser.mjs';

/** Fails to be accessible: all rules of WCAG 2.2 A and AA, and what axe calls best practice. */
export async function accessible(browser, page, state) {
  await page.evaluate(`${browser.axe}; undefined`);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const results = await globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] });
    return results.violations.map((violation) => ({
      id: violation.id,
      help: violation.help,
      nodes: violation.nodes.slice(0, 5).map((node) => `${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim() ?? ''} ${node.html.slice(0, 160)}`),
    }));
  });
  for (const { id, help, nodes } of violations) {
    for (const node of nodes) browser.report.wrong(`${where(page)} ${state}`, `axe ${id}`, `${help}: ${node}`);
  }
}

/** Fits its width: the page itself never scrolls sideways, and no text is cut without a way to read it. */
export async function fits(browser, page, state) {
  const wide = await page.evaluate(() => {
    const root = document.scrollingElement;
    const found = [];
    if (root.scrollWidth > root.clientWidth) {
      const beyond = [...document.querySelectorAll('body *')].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && box.right > root.clientWidth + 1 && !clips(element.parentElement);
      });
      found.push(`it is ${root.scrollWidth} px wide, by: ${beyond.slice(0, 5).map(name).join(', ')}`);
    }
    for (const element of document.querySelectorAll('body *')) {
      const style = getComputedStyle(element);
      if (style.overflowX !== 'hidden' && style.overflowX !== 'clip') continue;
      const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      const isShown = element.checkVisibility?.() !== false && element.clientWidth > 1;
      // Of a row that leads to all of it, a part may be shown.
      const isTold = element.closest('[title]') || element.closest('tr, li, article')?.querySelector('a[href]');
      if (isText && isShown && element.scrollWidth > element.clientWidth + 1 && !isTold) {
        found.push(`cut text without a title: ${name(element)} '${element.textContent.trim().slice(0, 60)}'`);
      }
    }
    function clips(element) {
      for (; element && element !== document.body; element = element.parentElement) {
        if (getComputedStyle(element).overflowX !== 'visible') return true;
      }
      return false;
    }
    function name(element) {
      const classes = typeof element.className === 'string' ? element.className : '';
      return element.tagName.toLowerCase() + (element.id && `#${element.id}`) + (classes && `.${classes.trim().replace(/\s+/g, '.')}`);
    }
    return found;
  });
  for (const text of wide.slice(0, 5)) browser.report.wrong(`${where(page)} ${state}`, 'width', text);
}

/** Shows all that guests and clients wrote as text: no element, handler or link came of it, and nothing ran. */
export async function harmless(browser, page) {
  const found = await page.evaluate(() => {
    const found = [];
    if (globalThis.marked !== undefined) found.push(`a script of ${globalThis.marked} ran`);
    for (const element of document.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        if (name.startsWith('on')) found.push(`<${element.localName}> has ${name}="${value}"`);
        if (name === 'style') found.push(`<${element.localName}> has style="${value}"`);
        if (['href', 'src', 'action', 'formaction', 'xlink:href'].includes(name) && !/^[/?#.]|^[a-z0-9_%-]*(\?|#|$)/i.test(value) && !value.startsWith(location.origin)) {
          found.push(`<${element.localName}> has ${name}="${value}"`);
        }
      }
    }
    const images = document.querySelectorAll('img, iframe, object, embed, b, svg[onload]');
    if (images.length) found.push(`there is ${images[0].outerHTML.slice(0, 200)}`);
    for (const script of document.scripts) if (!script.src || script.textContent.trim()) found.push(`there is an inline script: ${script.outerHTML.slice(0, 200)}`);
    // Text that is read in another order than it stands, or that hides.
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const hidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.exec(walker.currentNode.data);
      if (hidden) found.push(`text with an invisible character U+${hidden[0].charCodeAt(0).toString(16)}: ${walker.currentNode.data.trim().slice(0, 80)}`);
    }
    return found.slice(0, 20);
  });
  for (const text of found) browser.report.wrong(where(page), 'markup', text);
}

/** Says what it may load: the headers of an HTML answer. */
export function guarded(browser, path, response) {
  const headers = response.headers();
  const policy = headers['content-security-policy'] ?? '';
  const wanted = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"];
  for (const directive of wanted) {
    if (!policy.split(';').some((part) => part.trim() === directive)) browser.report.wrong(path, 'headers', `the policy has no ${directive}: ${policy}`);
  }
  if (policy.includes('unsafe')) browser.report.wrong(path, 'headers', `the policy is ${policy}`);
  if (headers['x-content-type-options'] !== 'nosniff') browser.report.wrong(path, 'headers', 'there is no X-Content-Type-Options: nosniff');
  if (!headers['cache-control']?.includes('no-store')) browser.report.wrong(path, 'headers', `Cache-Control is ${headers['cache-control']}`);
  if (!headers['referrer-policy']) browser.report.wrong(path, 'headers', 'there is no Referrer-Policy');
}
