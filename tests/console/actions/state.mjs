// Sagas and key-value.

import { MARKUP } from '../scene.mjs';

export const state = [
  ['start a saga', async ({ go, act, api, name, page, equal, eventually }) => {
    const id = name('order-started');
    await go('/sagas');
    const data = JSON.stringify({ orderId: id, customerId: '456', items: [{ productId: 'p1', quantity: 1 }], amount: 5 });
    await act('saga.start', { fields: { name: 'process-order', id, data } });
    equal(new URL(page.url()).pathname, `/sagas/${id}`);
    await eventually('it is done', async () => (await api.get(`/api/v1/sagas/${id}`)).status === 'completed');
    await go('/sagas');
    equal(/there already/.test(await act('saga.start', { fields: { name: 'process-order', id, data: '{}' } })), true);
  }],
  ['signal and cancel a saga', async ({ go, act, refused, api, name, equal, eventually }) => {
    const ids = [name('signalled'), name('cancelled')];
    for (const sagaId of ids) await api.send('POST', '/api/v1/sagas', { sagaName: 'onboard-account', sagaId, data: { account: sagaId } });
    const saga = (id) => api.get(`/api/v1/sagas/${id}`);
    for (const id of ids) await eventually('it waits', async () => (await saga(id)).status === 'waiting');
    await go(`/sagas/${ids[0]}`);
    equal(/not JSON/.test(await refused('saga.signal', { fields: { data: '{"by": ' } })), true);
    await go(`/sagas/${ids[0]}`);
    await act('saga.signal', { fields: { data: '{"by": "the console"}' } });
    const done = await eventually('it is completed', async () => { const now = await saga(ids[0]); return now.status === 'completed' && now; });
    equal(done.data.by, 'the console');
    await go(`/sagas/${ids[1]}`);
    await act('saga.cancel', { yes: false });
    equal((await saga(ids[1])).status, 'waiting');
    await go(`/sagas/${ids[1]}`);
    await act('saga.cancel');
    await eventually('it is undone', async () => (await saga(ids[1])).status === 'failed');
  }],
  ['retry and undo a stuck saga', async ({ go, act, api, name, equal, eventually }) => {
    const [again, undone] = [name('again'), name('undone')];
    const saga = (id) => api.get(`/api/v1/sagas/${id}`);
    const deeds = { 'plan.assign': { do: 'reject', text: 'no such plan' }, 'account.delete': { do: 'reject', text: 'it is locked' } };
    for (const sagaId of [again, undone]) await api.send('POST', '/api/v1/sagas', { sagaName: 'onboard-account', sagaId, data: { deeds } });
    for (const id of [again, undone]) await eventually('it is stuck', async () => (await saga(id)).status === 'stuck');
    await go('/sagas?status=stuck');
    await act('saga.retry', { where: `tr[data-key="${again}"]` });
    await eventually('it was tried again, in vain', async () => {
      const now = await saga(again);
      return now.status === 'stuck' && now.steps[0].compensation.round > 1;
    });
    await go(`/sagas/${again}`);
    await act('saga.retry', { where: '#retry-with', fields: { data: '{"deeds": {}, "mended": true}' } });
    const mended = await eventually('it is undone with other data', async () => { const now = await saga(again); return now.status === 'failed' && now; });
    equal(mended.data.mended, true);
    await go(`/sagas/${undone}`);
    await act('saga.compensate', { yes: false });
    await go(`/sagas/${undone}`);
    await act('saga.compensate');
    await eventually('it was tried to undo it', async () => (await saga(undone)).steps[0].compensation.round > 1 || (await saga(undone)).status === 'failed');
  }],
  ['add, change and delete a key', async ({ go, act, refused, page, api, name, equal }) => {
    const key = `${name('key')}/${MARKUP}`;
    const at = `/kv/graffiti/${encodeURIComponent(key)}`;
    const value = async () => {
      const answer = await fetch(`${api.admin}/api/v1${at}`);
      return answer.status === 404 ? null : answer.text();
    };
    await go('/kv');
    await act('kv.add', { fields: { bucket: 'graffiti', key, value: `{"note": "<b>é</b>"}` } });
    equal(await value(), '{"note": "<b>é</b>"}');
    await go('/kv/graffiti');
    equal(/already|exist|revision/i.test(await refused('kv.add', { fields: { key, value: 'other' } })), true);
    await go(at);
    await act('kv.put', { fields: { value: 'line one\nline two' } });
    equal(await value(), 'line one\nline two');
    // Somebody else writes meanwhile.
    await go(at);
    await api.send('PUT', `/api/v1${at}`, 'meanwhile', 'application/octet-stream');
    equal(/revision|changed/i.test(await refused('kv.put', { fields: { value: 'too late' } })), true);
    equal(await value(), 'meanwhile');
    await go(at);
    await act('kv.delete', { yes: false });
    equal(await value(), 'meanwhile');
    await go(at);
    await act('kv.delete');
    equal([await value(), new URL(page.url()).pathname], [null, '/kv/graffiti']);
    // By its row as well; keys are text there, too.
    await api.send('PUT', `/api/v1/kv/graffiti/${name('row')}`, 'x', 'application/octet-stream');
    await go(`/kv/graffiti?prefix=${name('row')}`);
    await act('kv.delete', { where: `tr[data-key="${name('row')}"]` });
    equal(await api.get(`/api/v1/kv/graffiti/${name('row')}`), null);
  }],
];
