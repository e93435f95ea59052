// The admin API and the gateway, as a program asks them: what the browser does is checked against these.

/** Asks at these addresses. */
export class Api {
  constructor({ admin, gateway }) {
    this.admin = admin;
    this.gateway = gateway;
  }

  /** What a GET at the admin API answers; null when there is nothing. */
  async get(path) {
    const answer = await fetch(this.admin + path);
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  }

  /** All items of a list, page by page. */
  async items(path) {
    const items = [];
    let cursor = '';
    do {
      const joint = path.includes('?') ? '&' : '?';
      const page = await this.get(path + (cursor && `${joint}cursor=${encodeURIComponent(cursor)}`));
      if (page === null) return items;
      items.push(...page.items);
      cursor = page.next;
    } while (cursor);
    return items;
  }

  /** Any other request at the admin API. */
  async send(method, path, body, type = 'application/json') {
    const init = { method };
    if (body !== undefined) {
      init.headers = { 'content-type': type };
      init.body = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    }
    const answer = await fetch(this.admin + path, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
  }

  /** The status of a request at the gateway, whatever it is. */
  async call(path, init) {
    const answer = await fetch(this.gateway + path, { redirect: 'manual', ...init });
    await answer.arrayBuffer();
    return answer.status;
  }
}
