// Events, subscriptions, dead letters and queues.

import { MARKUP } from '../scene.mjs';

/** The row of a table with this key, or that holds this text. */
const row = (key) => `tr[data-key="${CSS_ESCAPE(key)}"]`;
const CSS_ESCAPE = (text) => text.replace(/["\\]/g, '\\$&');

export const messaging = [
  ['publish an event', async ({ go, act, api, page, name, equal }) => {
    const topic = `console.${name('published')}`;
    await go('/events/publish');
    const said = await act('event.publish', { fields: { topic, subject: MARKUP, key: 'k1', data: '{"big": 12345678901234567890, "a": [1, 2]}' } });
    equal(/is published/.test(said), true, said);
    const [event] = await api.items(`/api/v1/events?from=first&topic=${topic}`);
    equal([event.type, event.subject, event.partitionkey, event.data.a], [topic, MARKUP, 'k1', [1, 2]]);
    equal((await page.$eval('main', (main) => main.innerText)).includes(topic), true);
    await go('/events/publish');
    await act('event.publish', { fields: { topic, kind: 'text', data: 'plain <b>text</b>' } });
    equal((await api.items(`/api/v1/events?from=first&topic=${topic}`)).at(-1).data, 'plain <b>text</b>');
  }],
  ['publish what is wrong', async ({ go, refused, api, page, script, equal }) => {
    await go('/events/publish');
    const text = '{"half": ';
    const said = await refused('event.publish', { fields: { topic: 'console.wrong', data: text } });
    equal(/not JSON/.test(said), true, said);
    if (script) equal(await page.$eval('form[data-act="event.publish"] [name="data"]', (field) => field.value), text);
    await go('/events/publish');
    equal(/topic/i.test(await refused('event.publish', { fields: { topic: MARKUP, data: '{}' } })), true);
    equal(await api.items('/api/v1/events?from=first&topic=console.wrong'), []);
  }],
  ['pause and resume a subscription', async ({ go, act, api, equal, eventually }) => {
    const name = 'probe/cart.*';
    const state = async () => (await api.items('/api/v1/subscriptions')).find((one) => one.name === name).state;
    const { id } = (await api.items('/api/v1/subscriptions')).find((one) => one.name === name);
    await go('/subscriptions');
    await act('subscription.pause', { where: row(id) });
    equal(await state(), 'paused');
    await go(`/subscriptions/${encodeURIComponent(id)}`);
    await act('subscription.resume');
    await eventually('it is active', async () => (await state()) === 'active');
  }],
  ['move a subscription', async ({ go, act, api, eventually }) => {
    const one = async () => (await api.items('/api/v1/subscriptions')).find((one) => one.name === 'clockwatcher');
    const before = await one();
    await go(`/subscriptions/${encodeURIComponent(before.id)}`);
    await act('subscription.seek', { fields: { place: 'first' }, yes: false });
    await act('subscription.seek', { fields: { place: 'first' } });
    await eventually('what was processed is again', async () => (await one()).processed > before.processed);
  }],
  ['make a webhook, and end it', async ({ go, act, api, name, page, equal }) => {
    const of = name('hook');
    const found = async () => (await api.items('/api/v1/subscriptions')).find((one) => one.name === of);
    await go('/subscriptions');
    await act('subscription.create', { fields: { topic: 'nothing.*', url: 'http://127.0.0.1:9/hook', name: of, filter: 'data.amount > 100', start: 'first', maxAttempts: 5, priority: 3, once: true } });
    const made = await found();
    equal([made.topic, made.filter, made.maxAttempts, made.priority, made.once], ['nothing.*', 'data.amount > 100', 5, 3, true]);
    equal(new URL(page.url()).pathname, `/subscriptions/${encodeURIComponent(made.id)}`);
    await act('subscription.delete', { yes: false });
    equal((await found())?.id, made.id);
    await go(`/subscriptions/${encodeURIComponent(made.id)}`);
    await act('subscription.delete');
    equal(await found(), undefined);
  }],
  ['a subscription that is refused', async ({ go, refused, equal }) => {
    await go('/subscriptions');
    const said = await refused('subscription.create', { fields: { topic: 'x.*', url: 'http://127.0.0.1:9/', name: 'wrong-hook', filter: '<b>((' } });
    equal(/filter/i.test(said), true, said);
  }],
  ['redrive and discard dead letters', async ({ go, act, api, equal, eventually, page }) => {
    const all = (query) => api.items(`/api/v1/dead-letters?${query}`);
    await eventually('the dead letters are there', async () => (await all('queue=invoices')).length >= 4);
    const [first, second] = await all('queue=invoices');
    await go('/dead-letters?queue=invoices');
    await act('dead-letter.redrive', { where: row(first.id) });
    equal((await all('queue=invoices')).some(({ id }) => id === first.id), false);
    await go(`/dead-letters/${second.id}`);
    equal((await page.$eval('main', (main) => main.innerText)).includes(second.error), true);
    await act('dead-letter.discard', { yes: false });
    equal((await all('queue=invoices')).some(({ id }) => id === second.id), true);
    await go(`/dead-letters/${second.id}`);
    await act('dead-letter.discard');
    equal(new URL(page.url()).pathname, '/dead-letters');
    equal((await all('queue=invoices')).some(({ id }) => id === second.id), false);
    // The one that was redriven fails again.
    await eventually('it is dead again', async () => (await all('queue=invoices')).length >= 3);
    const [other] = await all('queue=invoices');
    await go(`/dead-letters/${other.id}`);
    await act('dead-letter.redrive');
    await go('/dead-letters?queue=invoices');
    await act('dead-letter.discard', { where: row((await all('queue=invoices'))[0].id) });
    // The next run finds as many as this one did.
    for (let i = 0; i < 2; i += 1) await api.send('POST', '/api/v1/queues/invoices/messages', { data: { do: 'reject', text: 'once more' } });
  }],
  ['redrive many', async ({ go, act, api, equal, eventually }) => {
    const flaky = () => api.items('/api/v1/dead-letters?topic=flaky.import');
    await eventually('five are there', async () => (await flaky()).length >= 5);
    const before = (await flaky()).map(({ id }) => id);
    await go('/dead-letters?topic=flaky.import');
    const said = await act('dead-letter.redrive-many', { fields: { limit: 3, perSecond: 1000 } });
    equal(/3/.test(said), true, said);
    await eventually('three were taken out', async () => (await flaky()).filter(({ id }) => before.includes(id)).length === before.length - 3);
  }],
  ['enqueue a message', async ({ go, act, refused, api, name, equal }) => {
    const queue = name('made-here');
    await go('/queues');
    await act('queue.enqueue', { fields: { queue, priority: 7, delay: '10m', dedupId: 'once', data: '{"n": 1}' } });
    equal((await api.get(`/api/v1/queues/${queue}`)).delayed, 1);
    await go(`/queues/${queue}`);
    await act('queue.enqueue', { fields: { data: '"now"', priority: 9 } });
    const { messages: [message] } = await api.send('POST', `/api/v1/queues/${queue}/lease`, { max: 1 });
    equal([message.data, message.priority], ['now', 9]);
    await go(`/queues/${queue}`);
    equal(/JSON/.test(await refused('queue.enqueue', { fields: { data: '{' } })), true);
  }],
];
