// What a person does to a page: clicks what is seen, types, and answers questions. It works with the script and without,
// which is how both are shown to do the same.

import { eventually, found, settle } from './browser.mjs';

/** Opens what encloses an element and is closed, the outermost first, by clicking its heading. */
async function unfold(element) {
  for (;;) {
    const closed = await element.evaluateHandle((element) => {
      let outermost = null;
      for (let at = element.parentElement; at; at = at.parentElement) {
        if (at.localName === 'details' && !at.open && at.firstElementChild !== element) outermost = at;
      }
      return outermost?.querySelector('summary') ?? null;
    });
    const summary = closed.asElement();
    if (!summary) return;
    await summary.click();
    await eventually('it opens', () => summary.evaluate((summary) => summary.parentElement.open));
  }
}

/** The first element that a selector chooses, unfolded and scrolled to. */
export async function see(page, selector) {
  const element = await found(page, selector);
  await unfold(element);
  await element.scrollIntoView();
  return element;
}

/** Clicks. */
export async function click(page, selector) {
  const element = await see(page, selector);
  await element.click();
}

/** Types into the fields of a form, chosen by their names; true ticks a box. */
export async function fill(page, form, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = await see(page, `${form} [name="${name}"]:not([type="hidden"])`);
    const kind = await field.evaluate((field) => (field.localName === 'select' ? 'select' : field.type));
    if (kind === 'select') await field.select(value);
    else if (kind === 'file') await field.uploadFile(value);
    else if (kind === 'checkbox') {
      if ((await field.evaluate((field) => field.checked)) !== value) await field.click();
    } else {
      await field.evaluate((field) => { field.focus(); field.select(); });
      await page.keyboard.press('Delete');
      if (kind === 'textarea' || String(value).length > 80) {
        // Long texts are pasted.
        await page.keyboard.sendCharacter(String(value));
      } else {
        await field.type(String(value));
      }
    }
  }
}

/**
 * Sends a form by its button, after `fields` are typed, and answers the note that comes of it: `{ text, wrong }`.
 * A form that asks first is answered with `yes`.
 */
export async function send(page, form, { fields = {}, yes = true, script = true } = {}) {
  await fill(page, form, fields);
  const asks = await page.$eval(form, (form) => form.querySelector('input[name="question"]')?.value ?? null);
  // Notes of before are not those of this.
  if (script) await page.$$eval('#notes > *', (notes) => notes.forEach((note) => note.remove()));
  const button = await see(page, `${form} button:not([type="button"])`);
  if (script) {
    await button.click();
    if (asks !== null) await answer(page, asks, yes);
    if (!yes) return null;
    const note = await found(page, '#notes > .note');
    return note.evaluate((note) => ({ text: note.querySelector('span')?.textContent ?? note.textContent, wrong: note.classList.contains('wrong') }));
  }
  await Promise.all([page.waitForNavigation(), button.click()]);
  if (asks !== null) {
    const shown = await page.$eval('main h1', (heading) => heading.textContent);
    if (shown.trim() !== asks.trim()) throw new Error(`it asks '${shown}', not '${asks}'`);
    const choice = await found(page, yes ? 'main form button' : 'main form a.button');
    await Promise.all([page.waitForNavigation(), choice.click()]);
    if (!yes) return null;
  }
  const failure = await page.$('.failure h1');
  if (failure) return { text: await page.$eval('.failure', (failure) => failure.textContent), wrong: true };
  const note = await found(page, '#notes .note');
  return { text: await note.evaluate((note) => note.textContent), wrong: false };
}

/** Answers the dialog that asks. */
export async function answer(page, asks, yes) {
  const dialog = await found(page, 'dialog#ask[open]');
  await settle(page);
  const shown = await dialog.$eval('#ask-question', (question) => question.textContent);
  if (shown !== asks) throw new Error(`the dialog asks '${shown}', not '${asks}'`);
  const button = await dialog.$(`button[value="${yes ? 'yes' : 'no'}"]`);
  await button.click();
  await eventually('the dialog is closed', () => page.$eval('#ask', (dialog) => !dialog.open));
}
