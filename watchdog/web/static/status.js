// Renews the page in place: keeps scroll, focus, text selection and what is
// open. Says so when the watchdog no longer answers. The page works without.
"use strict";
(() => {
  const EVERY = 5000;
  const HIDDEN = 6; // a tab in the background renews this many times more seldom
  const LONGEST = 8000;
  let failures = 0;
  let unknownIcon = "";

  // Makes `old` equal to `next`, touching only what differs; parts with an id
  // are found again by it, wherever they have moved.
  function morph(old, next) {
    if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) {
      old.replaceWith(next);
      return;
    }
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== next.data) old.data = next.data;
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE || old.isEqualNode(next)) return;
    for (const { name } of [...old.attributes]) {
      if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of next.attributes) {
      if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
    }
    const known = new Map();
    for (const child of old.children) {
      const key = keyOf(child);
      if (key) known.set(key, child);
    }
    let place = old.firstChild;
    for (const child of [...next.childNodes]) {
      const key = child.nodeType === Node.ELEMENT_NODE ? keyOf(child) : "";
      const match = key ? known.get(key) : place && !keyed(place) ? place : null;
      if (match === undefined || match === null) {
        old.insertBefore(child, place);
      } else {
        if (match === place) place = place.nextSibling;
        else old.insertBefore(match, place);
        morph(match, child);
      }
    }
    while (place) {
      const following = place.nextSibling;
      place.remove();
      place = following;
    }
  }

  function keyOf(element) {
    return element.id || (element.nodeName === "LI" && element.firstElementChild?.id
      ? `li ${element.firstElementChild.id}` : "");
  }

  function keyed(node) {
    return node.nodeType === Node.ELEMENT_NODE && keyOf(node) !== "";
  }

  async function renew() {
    try {
      const answer = await fetch("/", { signal: AbortSignal.timeout(LONGEST), cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const page = next.getElementById("page");
      if (!page) throw new Error("not the status page");
      withCopyButtons(page);
      for (const id of ["page", "foot"]) morph(document.getElementById(id), next.getElementById(id));
      document.title = next.title;
      document.body.dataset.stale = next.body.dataset.stale;
      showIcon(next.querySelector("link[rel=icon]").getAttribute("href"));
      failures = 0;
      document.body.classList.remove("is-stale");
    } catch {
      failures += 1;
      if (failures > 1) showStale();
    }
  }

  function showStale() {
    const line = document.getElementById("stale");
    if (!line.hidden) return;
    line.textContent = document.body.dataset.stale;
    line.hidden = false;
    document.body.classList.add("is-stale");
    document.title = `? ${document.title}`;
    showIcon(unknownIcon);
  }

  function showIcon(address) {
    const icon = document.querySelector("link[rel=icon]");
    if (address && icon.getAttribute("href") !== address) icon.setAttribute("href", address);
  }

  function withCopyButtons(root) {
    if (!navigator.clipboard) return; // plain HTTP from another machine: select and copy
    for (const code of root.querySelectorAll(".steps code, .empty code")) {
      if (!/\w\s+\S/.test(code.textContent)) continue; // a name, not a command
      const button = root.ownerDocument.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.title = document.body.dataset.copy;
      button.setAttribute("aria-label", `${document.body.dataset.copy}: ${code.textContent}`);
      button.append(icon("mark-copy"));
      code.after(button);
    }
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 20 20");
    svg.setAttribute("aria-hidden", "true");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#${name}`);
    svg.append(use);
    return svg;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.classList.add("done");
    button.replaceChildren(icon("mark-done"));
    document.getElementById("said").textContent = document.body.dataset.copied;
    setTimeout(() => {
      button.classList.remove("done");
      button.replaceChildren(icon("mark-copy"));
      document.getElementById("said").textContent = "";
    }, 1500);
  });

  // Kept at hand for when nothing can be loaded any more: a green icon would lie.
  fetch("/static/favicon-unknown.svg")
    .then((answer) => answer.text())
    .then((svg) => { unknownIcon = `data:image/svg+xml,${encodeURIComponent(svg)}`; })
    .catch(() => {});

  withCopyButtons(document.getElementById("page"));
  let ticks = 0;
  setInterval(() => {
    ticks += 1;
    if (!document.hidden || ticks % HIDDEN === 0) renew();
  }, EVERY);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
})();
