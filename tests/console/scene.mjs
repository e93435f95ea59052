// Something to look at: traffic, and everything that can go right and wrong. What the host starts with stands in `scene/`.

import { eventually } from './browser.mjs';

/** Markup as a client writes it; the guest `graffiti` has its own. */
export const MARKUP = `<img src=x onerror="window.marked='client'"><script>window.marked='client'</script>'"><b>bold</b>`;

/** Text that is read in another order than it stands in. */
const ORDER = 'invoice\u202egpj.exe\u2066\u200b';

/** The data of an order; `simulate` says which command of it misbehaves, and how. */
export const order = (id, simulate = {}) => ({
  orderId: id,
  customerId: '456',
  items: [{ productId: 'p1', quantity: 2 }],
  amount: 99.99,
  simulate,
});

/** Makes all of it. */
export async function scene(api, report) {
  await report.part('graffiti', () => graffiti(api));
  await report.part('events', () => events(api));
  await report.part('queues', () => queues(api));
  await report.part('sagas', () => sagas(api));
  await report.part('registrations', () => registrations(api));
  await report.part('traffic', () => traffic(api, 60));
  await report.part('breakers', () => breakers(api));
}

async function graffiti(api) {
  const target = `/graffiti/log?q=${encodeURIComponent(MARKUP)}`;
  await api.call(target, { headers: { 'x-note': MARKUP, 'user-agent': MARKUP } });
  for (const path of ['headers', 'keep', 'trap', 'other']) await api.call(`/graffiti/${path}`);
  const event = { specversion: '1.0', source: `/console/<b>`.replace(/[<>]/g, ''), type: 'graffiti.drawn', subject: MARKUP };
  event.data = { note: MARKUP, order: ORDER, [MARKUP]: [MARKUP, { deep: ORDER }] };
  event.note = MARKUP;
  await api.send('POST', '/api/v1/events', event, 'application/cloudevents+json');
  await api.send('POST', '/api/v1/events', { ...event, data: undefined, data_base64: btoa(`\u0000\u0001<b>`) , datacontenttype: 'application/octet-stream' }, 'application/cloudevents+json');
  await api.send('POST', '/api/v1/queues/graffiti/messages', { data: { note: MARKUP, order: ORDER } });
  await api.send('POST', '/api/v1/sagas', { sagaName: 'scrawl', sagaId: 'scrawl-1', data: { note: MARKUP, order: ORDER } });
  await eventually('a dead letter of graffiti', async () => (await api.items('/api/v1/dead-letters')).length >= 2);
}

async function events(api) {
  const publish = (type, data, more = {}) =>
    api.send('POST', '/api/v1/events', { specversion: '1.0', source: '/shop/web', type, data, ...more }, 'application/cloudevents+json');
  for (let i = 0; i < 40; i += 1) await publish('cart.changed', { cart: `c${i % 7}`, items: i % 5 }, { partitionkey: `c${i % 7}`, subject: `cart/${i % 7}` });
  for (let i = 0; i < 5; i += 1) await publish('flaky.import', { do: 'reject', text: `row ${i} has no price` });
  await publish('page.viewed', { path: '/checkout', referrer: 'https://example.com/' });
  await publish('order.created', { orderId: '17', email: 'ann@example.com' }, { correlationid: 'order-17' });
  await publish('order.paid', { orderId: '17', email: 'ann@example.com', simulate: 'fail' }, { correlationid: 'order-17' });
  await publish('text.note', 'only a text');
  await publish('a.topic.with-a-very-long-name.that-goes-on-and-on.so-that-tables-have-to-cope.with-it', { long: 'x'.repeat(400), unbroken: 'ÄÖÜ'.repeat(60) });
}

async function queues(api) {
  const enqueue = (queue, message) => api.send('POST', `/api/v1/queues/${queue}/messages`, message);
  for (let i = 0; i < 60; i += 1) await enqueue('emails', { data: { to: `user${i}@example.com` }, priority: i % 10 });
  for (let i = 0; i < 8; i += 1) await enqueue('emails', { data: { to: 'later@example.com' }, delay: '30m' });
  await api.send('POST', '/api/v1/queues/emails/lease', { max: 3, visibilityTimeout: '10m' });
  for (let i = 0; i < 30; i += 1) await enqueue('thumbnails', { data: { do: 'slow', ms: 4_000, image: `p${i}.png` } });
  for (let i = 0; i < 4; i += 1) await enqueue('invoices', { data: { do: 'reject', text: `customer ${i} has no address`, invoice: 1_000 + i } });
}

async function sagas(api) {
  const start = (sagaName, sagaId, data) => api.send('POST', '/api/v1/sagas', { sagaName, sagaId, data });
  for (let i = 0; i < 6; i += 1) await start('process-order', `order-${i}`, order(`${i}`));
  await start('process-order', 'order-declined', order('declined', { 'payment.charge': 'fail' }));
  await start('process-order', 'order-trapped', order('trapped', { 'shipping.create': 'fail' }));
  const onboard = (id, deeds) => start('onboard-account', id, { account: id, plan: 'gold', deeds });
  await onboard('acme', { 'account.create': { result: { accountId: 7 } } });
  await onboard('globex', {});
  await onboard('initech', { 'account.create': { do: 'fail-times', times: 8, text: 'the directory is not reachable' } });
  await onboard('umbrella', {
    'plan.assign': { do: 'reject', text: 'no such plan: gold' },
    'account.delete': { do: 'reject', text: 'the account is locked by legal' },
  });
  await onboard('hooli', { 'invoice.send': { do: 'retry', text: 'the ledger is closed until Monday' } });
  await onboard('initrode', { 'invoice.draft': { do: 'slow', ms: 300 } });
  for (const id of ['hooli', 'initrode']) {
    await eventually(`${id} waits`, async () => (await api.get(`/api/v1/sagas/${id}`)).status === 'waiting');
    await api.send('POST', `/api/v1/sagas/${id}/signal`, { name: 'approved', data: { by: 'bob' } });
  }
  const status = async (id) => (await api.get(`/api/v1/sagas/${id}`)).status;
  for (const [id, wanted] of [['umbrella', 'stuck'], ['hooli', 'stuck'], ['initrode', 'completed'], ['order-declined', 'failed'], ['scrawl-1', 'failed'], ['acme', 'waiting']]) {
    await eventually(`${id} is ${wanted}`, async () => (await status(id)) === wanted, 60_000);
  }
}

async function registrations(api) {
  await api.send('POST', '/api/v1/services', { name: 'search', address: '127.0.0.1', port: 9, tags: ['external', MARKUP], metadata: { note: MARKUP } });
  await api.send('POST', '/api/v1/routes', { path: '/search/*', service: 'search', stripPrefix: '/search' });
  await api.send('POST', '/api/v1/routes', { path: '/checkout', methods: ['POST'], service: 'order-service', headers: { 'x-beta': true } });
}

/** So many rounds of requests of all kinds. */
export async function traffic(api, rounds) {
  const paths = ['/api/users', '/api/notifications', '/hello/', '/legacy/stock', '/web/', '/no/such/route', '/billing/7'];
  const inside = `/web/fetch?url=${encodeURIComponent('http://hello.internal/')}`;
  const outside = `/web/fetch?url=${encodeURIComponent('http://example.invalid/')}`;
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(paths.map((path) => api.call(path)));
    await api.call(inside);
    if (round % 10 === 0) await api.call(outside);
    if (round % 10 === 0) await api.call('/api/users', { method: 'POST', body: JSON.stringify({ name: `Ann ${round}`, email: 'ann@example.com' }) });
  }
}

/** Requests that go on, few a second, until it is told to stop. */
export function murmur(api) {
  const stop = new AbortController();
  const done = (async () => {
    while (!stop.signal.aborted) {
      await traffic(api, 1).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  })();
  return async () => {
    stop.abort();
    await done;
  };
}

async function breakers(api) {
  const open = async () => (await api.items('/api/v1/breakers')).find(({ service }) => service === 'rogue')?.state === 'open';
  for (let i = 0; i < 12 && !(await open()); i += 1) await api.call('/rogue/trap');
  if (!(await open())) throw new Error('the breaker of rogue does not open');
  // It is kept open by hand, so that it is so when it is looked at.
  await api.send('POST', '/api/v1/breakers/rogue/open');
  await api.send('POST', '/api/v1/breakers/user-service/measure');
}
