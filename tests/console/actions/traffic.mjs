// Breakers, services, plugins and routes.

import { join } from 'node:path';

import { click, fill } from '../hands.mjs';
import { MARKUP } from '../scene.mjs';

export const traffic = [
  ['force a breaker, and reset it', async ({ go, act, api, equal }) => {
    const breaker = async () => (await api.items('/api/v1/breakers')).find(({ service }) => service === 'hello');
    const { id } = await breaker();
    const where = `tr[data-key="${id}"]`;
    await go('/breakers');
    await act('breaker.open', { where, yes: false });
    equal((await breaker()).state, 'closed');
    for (const [verb, state] of [['open', 'forced-open'], ['close', 'forced-closed'], ['measure', 'measuring'], ['reset', 'closed']]) {
      await go('/breakers');
      await act(`breaker.${verb}`, { where });
      equal((await breaker()).state, state);
    }
    await go('/breakers?q=hello');
  }],
  ['deploy a version, and roll it back', async ({ go, act, refused, api, options, equal, eventually }) => {
    const plugin = () => api.get('/api/v1/plugins/hello');
    const before = await plugin();
    await go('/plugins/hello');
    await act('plugin.deploy', { fields: { component: join(options.components, 'hello-next.wasm') } });
    const after = await eventually('the new version is live', async () => { const now = await plugin(); return now.digest !== before.digest && now; });
    equal([after.state, after.version], ['active', '2.0.0']);
    equal(await api.call('/hello/'), 200);
    await go('/plugins/hello');
    await act('plugin.rollback', { where: `tr[data-key="${before.digest}"]`, yes: false });
    equal((await plugin()).digest, after.digest);
    await go('/plugins/hello');
    await act('plugin.rollback', { where: `tr[data-key="${before.digest}"]` });
    await eventually('the old version is live', async () => (await plugin()).digest === before.digest);
    await go('/plugins/hello');
    const said = await refused('plugin.deploy', { fields: { component: join(options.components, 'bad-import.wasm') } });
    equal(/acme:missing/.test(said), true, said);
    equal((await plugin()).digest, before.digest);
  }],
  ['deploy a new plugin, and remove it', async ({ go, act, page, api, name, options, equal, eventually }) => {
    const stem = name('newcomer');
    const plugin = () => api.get(`/api/v1/plugins/${stem}`);
    await go('/plugins');
    const form = 'form[action="/plugins"]:has([name="new"])';
    await fill(page, form, { new: stem });
    await Promise.all([page.waitForNavigation(), click(page, `${form} button`)]);
    await act('plugin.deploy', { fields: { component: join(options.components, 'hello-p2.wasm') } });
    await eventually('it is live', async () => (await plugin())?.state === 'active');
    equal(await api.call(`/${stem}/`), 200);
    await go(`/plugins/${stem}`);
    await act('plugin.remove', { yes: false });
    equal((await plugin()).state, 'active');
    await go(`/plugins/${stem}`);
    await act('plugin.remove');
    equal(new URL(page.url()).pathname, '/plugins');
    await eventually('it is gone', async () => (await plugin()) === null);
    equal(await api.call(`/${stem}/`), 404);
  }],
  ['share the calls between versions', async ({ go, act, api, equal }) => {
    const shares = async () => {
      const { versions, mirror } = await api.get('/api/v1/services/user-service/traffic');
      return [versions.map(({ version, share }) => [version, share]).sort(), mirror?.percent ?? null];
    };
    const [before] = await shares();
    await go('/services/user-service');
    const fields = Object.fromEntries(before.map(([version], at) => [`weight:${version}`, at === 0 ? 9 : 1]));
    await act('service.traffic', { fields: { ...fields, mirror: before[1][0], percent: 25 } });
    equal(await shares(), [before.map(([version], at) => [version, at === 0 ? 90 : 10]), 25]);
    await go('/services/user-service');
    await act('service.main', { yes: false });
    equal((await shares())[1], 25);
    await go('/services/user-service');
    await act('service.main');
    equal(await shares(), [before, null]);
  }],
  ['register an upstream, and deregister it', async ({ go, act, refused, page, api, name, equal }) => {
    const [service, id] = [name('outside'), name('outside-1')];
    const all = async () => (await api.items('/api/v1/services?all=true')).filter((one) => one.name === service);
    await go('/services');
    await refused('service.register', { fields: { name: service, address: 'ftp://nowhere' } });
    await go('/services');
    await act('service.register', { fields: { name: service, address: 'http://127.0.0.1:9', id, version: '3.0.0', tags: `payments, ${MARKUP.replaceAll(',', '')}`, weight: 7 } });
    equal((await all()).length, 1);
    equal(new URL(page.url()).pathname, `/services/${service}`);
    await act('service.deregister', { where: `tr[data-key="${id}"]`, yes: false });
    equal((await all()).length, 1);
    await go(`/services/${service}`);
    await act('service.deregister', { where: `tr[data-key="${id}"]` });
    equal(await all(), []);
  }],
  ['add routes, try them, and remove them', async ({ go, act, refused, page, api, name, equal }) => {
    const path = `/${name('added')}`;
    const route = async (of) => (await api.items('/api/v1/routes')).find((one) => one.path === of);
    const remove = (of) => ({ where: `tr:has(button[aria-label="Remove ${of}"])` });
    await go('/routes');
    await act('route.add', { fields: { path: `${path}/*`, service: 'hello', methods: 'get, POST', host: 'added.example.com', stripPrefix: path, timeout: '3s' } });
    const added = await route(`${path}/*`);
    equal([added.service, added.methods, added.host, added.stripPrefix, added.timeout], ['hello', ['GET', 'POST'], 'added.example.com', path, '3s']);
    await go(`/routes?method=GET&path=${encodeURIComponent(`${path}/x`)}&host=added.example.com`);
    equal((await page.$eval('[role="status"].callout', (found) => found.innerText)).includes(`${path}/*`), true);
    await go(`/routes?method=DELETE&path=${encodeURIComponent(`${path}/x`)}&host=added.example.com`);
    equal((await page.$eval('[role="status"].callout', (found) => found.innerText)).includes('405'), true);
    await go(`/routes?path=${encodeURIComponent(`/nowhere/${MARKUP}`)}`);
    await go('/routes?path=%2Fnowhere&method=GET');
    equal((await page.$eval('[role="status"].callout', (found) => found.innerText)).includes('404'), true);
    await go('/routes');
    await act('route.add-json', { fields: { route: JSON.stringify({ path: `${path}-split`, split: [{ service: 'hello', weight: 9 }, { service: 'web', weight: 1 }] }) } });
    equal((await route(`${path}-split`)).split.length, 2);
    await go('/routes');
    await refused('route.add', { fields: { path: `no${MARKUP}`, service: 'hello' } });
    await go('/routes');
    await act('route.remove', { ...remove(`${path}-split`), yes: false });
    equal((await route(`${path}-split`)).path, `${path}-split`);
    for (const of of [`${path}-split`, `${path}/*`]) {
      await go('/routes');
      await act('route.remove', remove(of));
      equal(await route(of), undefined);
    }
  }],
];
