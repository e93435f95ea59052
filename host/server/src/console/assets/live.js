// Keeps the parts that are marked `data-live` as the server would draw them now: fetched when something is told, and from
// time to time. What is typed, open or has the focus stays as it is.
"use strict";
(() => {
  const pause = 400;
  let timer = 0, last = 0, isFetching = false, isWanted = false, isOver = false;

  const same = (one, other) =>
    one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);
  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset?.key || node.id || "" : "");
  const isTyped = (node) => node.matches("input, textarea, select");

  const attributes = (from, to) => {
    for (const { name } of [...from.attributes]) {
      // A person opened it, or closed it.
      if (!to.hasAttribute(name) && !(name === "open")) from.removeAttribute(name);
    }
    for (const { name, value } of [...to.attributes]) {
      if (name === "open") continue;
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
  };

  // Makes one element what the other one is, with as few changes as there can be.
  const morph = (from, to) => {
    if (from.isEqualNode(to)) return;
    if (from.nodeType !== Node.ELEMENT_NODE) { from.nodeValue = to.nodeValue; return; }
    if (from.hasAttribute("data-keep")) return;
    if (isTyped(from) && (from === document.activeElement || from.value !== (from.defaultValue ?? from.value))) return;
    attributes(from, to);
    if (from.nodeName === "TEXTAREA") return;
    const keyed = new Map();
    for (const child of from.children) if (keyOf(child)) keyed.set(keyOf(child), child);
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const key = keyOf(wanted);
      const found = key && keyed.get(key)?.nodeName === wanted.nodeName ? keyed.get(key) : null;
      if (found && found !== at) from.insertBefore(found, at);
      if (found) { at = found; }
      if (at && same(at, wanted)) {
        morph(at, wanted);
        at = at.nextSibling;
      } else {
        from.insertBefore(document.importNode(wanted, true), at);
      }
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  };

  const state = (name, text) => {
    const shown = document.getElementById("connection");
    if (!shown || shown.dataset.state === name) return;
    shown.dataset.state = name;
    const said = document.createElement("span");
    said.textContent = text;
    shown.replaceChildren(said);
  };

  const refresh = async () => {
    if (isFetching || isOver) { isWanted = true; return; }
    if (document.hidden || document.querySelector("dialog[open]")) return;
    isFetching = true;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.assign(answer.url); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const now = page.getElementById(part.id);
        if (now) morph(part, now);
      }
      document.dispatchEvent(new Event("console:refreshed"));
      state("live", "Live");
    } catch {
      state("lost", "Host not reachable");
    } finally {
      isFetching = false;
      if (isWanted) { isWanted = false; soon(); }
    }
  };

  const soon = () => {
    if (timer) return;
    timer = setTimeout(() => { timer = 0; refresh(); }, Math.max(0, pause - (Date.now() - last)) + 50);
  };

  // Reads what happens on the host, while the page is seen: a browser has six connections for all tabs of a host. What is
  // told matters to no one here, only that something is.
  let reading = null;
  const watch = async () => {
    if (document.hidden || isOver) { reading?.abort(); reading = null; return; }
    if (reading) return;
    const own = (reading = new AbortController());
    try {
      const answer = await fetch("/api/v1/watch", { signal: own.signal, headers: { accept: "text/event-stream" } });
      if (answer.ok) {
        state("live", "Live");
        soon();
        const stream = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
          const { done, value } = await stream.read();
          if (done) break;
          if (/^event:/m.test(value)) soon();
        }
      }
    } catch { /* It ended, like below. */ }
    if (own.signal.aborted) return;
    reading = null;
    if (isOver) return;
    refresh();
    setTimeout(watch, 2000);
  };

  document.addEventListener("console:refresh", soon);
  addEventListener("pagehide", () => { isOver = true; });
  addEventListener("pageshow", () => { isOver = false; });

  document.addEventListener("DOMContentLoaded", () => {
    const main = document.getElementById("main");
    if (!main?.dataset.every || !document.querySelector("[data-live]")) return;
    setInterval(() => {
      if (Date.now() - last >= Number(main.dataset.every) * 1000 - 200) refresh();
    }, 1000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); watch(); });
    addEventListener("pagehide", () => { reading?.abort(); reading = null; });
    addEventListener("pageshow", watch);
    watch();
  });
})();
