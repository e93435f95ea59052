// What grows at its end: events and logs. New rows are marked for a moment, a part can be held still, and a stream that
// tells of further lines has the part fetched again.
"use strict";
(() => {
  const keys = (part) => new Set([...part.querySelectorAll("[data-key]")].map((row) => row.dataset.key));

  document.addEventListener("DOMContentLoaded", () => {
    const held = (button) => document.getElementById(button.dataset.hold);
    for (const button of document.querySelectorAll("button[data-hold]")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        const part = held(button);
        const hold = !part.hasAttribute("data-keep");
        part.toggleAttribute("data-keep", hold);
        button.setAttribute("aria-pressed", String(hold));
        button.textContent = hold ? "Go on" : "Pause";
        if (!hold) document.dispatchEvent(new Event("console:refresh"));
      });
    }

    // The mark is gone with the next look, since the server does not know of it.
    const parts = [...document.querySelectorAll("#tail, #logs")];
    const seen = new Map(parts.map((part) => [part, keys(part)]));
    document.addEventListener("console:refreshed", () => {
      for (const part of parts) {
        const before = seen.get(part);
        for (const row of part.querySelectorAll("[data-key]")) {
          if (!before.has(row.dataset.key)) row.classList.add("fresh");
        }
        seen.set(part, keys(part));
      }
    });

    const followed = document.querySelector("[data-follow]");
    let stream = null;
    const follow = () => {
      if (!followed) return;
      if (document.hidden) { stream?.close(); stream = null; return; }
      if (stream) return;
      stream = new EventSource(followed.dataset.follow);
      const tell = () => document.dispatchEvent(new Event("console:refresh"));
      stream.addEventListener("log", tell);
      stream.addEventListener("gap", tell);
    };
    document.addEventListener("visibilitychange", follow);
    addEventListener("pagehide", () => { stream?.close(); stream = null; });
    addEventListener("pageshow", follow);
    follow();
  });
})();
