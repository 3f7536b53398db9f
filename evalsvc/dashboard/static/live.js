// Keeps a page up to date: the server's events say that something changed, then the page's live
// regions are fetched again and exchanged. Where events do not come through it asks every few
// seconds. When the server does not answer, on any page, a banner says so and goes away by itself
// once it answers again. A hidden tab holds no connection: browsers allow six to one server.
"use strict";
(() => {
  const POLL_MS = 4000;
  const RETRY_MS = 2000;
  const QUIET_MS = 700; // changes closer together than this are shown together
  const banner = document.getElementById("server-gone");
  const mode = document.body.dataset.live; // yes, no, failed (the server could not make the page), off
  let source = null;
  let timer = 0;
  let busy = false;

  const later = (ms) => { clearTimeout(timer); timer = setTimeout(refresh, ms); };
  const mute = () => { source?.close(); source = null; clearTimeout(timer); };
  const writing = () => document.activeElement?.closest("[data-region] form");

  // What the reader did to a region stays: opened details, tables scrolled sideways, the focus.
  const remember = (region) => {
    const opened = [...region.querySelectorAll("details")].map((one) => one.open);
    const scrolled = [...region.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    const focused = region.contains(document.activeElement) && document.activeElement.getAttribute("href");
    return () => {
      region.querySelectorAll("details").forEach((one, i) => { one.open = opened[i] ?? one.open; });
      region.querySelectorAll(".scroll").forEach((one, i) => { one.scrollLeft = scrolled[i] ?? 0; });
      if (focused) region.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    };
  };

  const exchange = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    document.querySelectorAll("[data-region]").forEach((old) => {
      const replacement = fresh.querySelector(`[data-region="${old.dataset.region}"]`);
      if (!replacement || replacement.innerHTML === old.innerHTML) return;
      const restore = remember(old);
      old.replaceChildren(...document.importNode(replacement, true).childNodes);
      restore();
    });
    document.dispatchEvent(new Event("contentchange"));
  };

  async function refresh() {
    if (busy) return later(QUIET_MS);
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (answer.status >= 500) throw new Error(answer.statusText);
      if (answer.redirected) return location.assign(answer.url); // the key has expired: to the sign-in
      banner.hidden = true;
      if (mode === "failed") return location.reload();
      if (answer.ok && !writing()) exchange(await answer.text());
      listen();
    } catch {
      banner.hidden = false;
      later(RETRY_MS);
    } finally {
      busy = false;
    }
  }

  function listen() {
    if (source || document.hidden) return;
    const began = Date.now();
    source = new EventSource("/live");
    source.addEventListener("changed", () => { if (mode === "yes") later(QUIET_MS); });
    source.onerror = () => {
      mute();
      later(Date.now() - began < POLL_MS ? POLL_MS : 0);
    };
  }

  if (mode === "off") return;
  document.addEventListener("visibilitychange", () => { if (document.hidden) mute(); else later(0); });
  window.addEventListener("pagehide", mute);
  window.addEventListener("pageshow", (event) => { if (event.persisted) later(0); });
  if (mode === "failed") later(RETRY_MS); else listen();
})();
