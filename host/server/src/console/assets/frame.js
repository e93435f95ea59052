// What every page has: the theme, the menu, and forms that are sent without leaving the page. Nothing here makes markup of
// text: what is told is set as text.
"use strict";
(() => {
  const root = document.documentElement;
  const themes = ["auto", "light", "dark"];
  let theme = "auto";
  try { theme = localStorage.getItem("switchyard-theme") || "auto"; } catch { /* Storage may be refused. */ }
  const show = () => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme; else delete root.dataset.theme;
    const name = document.getElementById("theme-name");
    if (name) {
      name.textContent = `Theme: ${theme}`;
      name.parentElement.title = `Theme: ${theme}`;
      name.parentElement.setAttribute("aria-label", `Theme: ${theme}`);
    }
  };
  // Before the page is drawn, so that it does not flash.
  show();

  const notes = () => document.getElementById("notes");
  const tell = (text, wrong) => {
    const note = document.createElement("p");
    note.className = wrong ? "note wrong" : "note";
    const said = document.createElement("span");
    said.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.setAttribute("aria-label", "Close this message");
    close.textContent = "×";
    close.addEventListener("click", () => note.remove());
    note.append(said, close);
    notes().append(note);
    if (!wrong) setTimeout(() => note.remove(), 8000);
  };

  // Asks in the dialog; no is what Escape means.
  const ask = (question) => new Promise((resolve) => {
    const dialog = document.getElementById("ask");
    document.getElementById("ask-question").textContent = question;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });

  const send = async (form, submitter) => {
    const question = form.querySelector("input[name=question]");
    if (question && !(await ask(question.value))) return;
    const data = new FormData(form, submitter);
    if (question) data.set("confirmed", "1");
    const isUpload = form.enctype === "multipart/form-data";
    const buttons = [...form.querySelectorAll("button")];
    buttons.forEach((button) => { button.disabled = true; });
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: isUpload ? data : new URLSearchParams(data),
        headers: { accept: "application/json" },
      });
      const said = await answer.json();
      if (said.to) { location.assign(said.to); return; }
      // A problem of the API itself has no text of ours.
      tell(said.text || said.detail || said.title || `The host answered ${answer.status}.`, !said.ok);
      if (said.ok) {
        if (form.classList.contains("fields")) form.reset();
        document.dispatchEvent(new Event("console:refresh"));
      }
    } catch {
      tell("The host does not answer. Nothing is known of whether it was done.", true);
    } finally {
      form.removeAttribute("aria-busy");
      buttons.forEach((button) => { button.disabled = false; });
    }
  };

  window.switchyard = { tell };

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (button) {
      button.hidden = false;
      button.addEventListener("click", () => {
        theme = themes[(themes.indexOf(theme) + 1) % themes.length];
        try { localStorage.setItem("switchyard-theme", theme); } catch { /* It counts for this page. */ }
        show();
      });
    }
    show();
    // What the server has to tell can be closed like the rest.
    for (const note of [...notes().children]) { tell(note.textContent, false); note.remove(); }
    const menu = document.getElementById("menu");
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu?.open) { menu.open = false; menu.querySelector("summary").focus(); }
    });
    document.addEventListener("click", (event) => {
      if (menu?.open && !menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (!form.matches("form[data-act]")) return;
      event.preventDefault();
      send(form, event.submitter);
    });
  });
})();
