// Keeps a page up to date: the server's events say that something changed, then the page's live
// regions are fetched again and exchanged. Without events it asks every few seconds. When the
// server does not answer, a banner says so and goes away by itself once it answers again.
"use strict";
(() => {
  const POLL_MS = 4000;
  const RETRY_MS = 2000;
  const QUIET_MS = 700; // changes closer together than this are shown together
  const banner = document.getElementById("server-gone");
  const live = document.body.dataset.live === "yes";
  let source = null;
  let timer = 0;
  let busy = false;
  let again = false;
  let etag = "";

  const later = (ms) => { clearTimeout(timer); timer = setTimeout(refresh, ms); };
  const editing = () => document.activeElement && document.activeElement.closest("[data-region] form, [data-region] details");

  const exchange = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    document.querySelectorAll("[data-region]").forEach((old) => {
      const replacement = fresh.querySelector(`[data-region="${old.dataset.region}"]`);
      if (!replacement || replacement.innerHTML === old.innerHTML) return;
      const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
      old.replaceChildren(...document.importNode(replacement, true).childNodes);
      if (focused) old.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    });
    document.dispatchEvent(new Event("contentchange"));
  };

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, {
        headers: etag ? { Accept: "text/html", "If-None-Match": etag } : { Accept: "text/html" },
        cache: "no-store",
        signal: AbortSignal.timeout(10000),
      });
      const back = !banner.hidden;
      banner.hidden = true;
      if (answer.ok && !editing()) {
        etag = answer.headers.get("ETag") || "";
        exchange(await answer.text());
      }
      if (back) listen();
      if (!source) later(POLL_MS);
    } catch {
      banner.hidden = false;
      later(RETRY_MS);
    } finally {
      busy = false;
      if (again) { again = false; later(QUIET_MS); }
    }
  }

  function listen() {
    if (source || !live || !window.EventSource) return;
    source = new EventSource("/live");
    source.addEventListener("changed", () => later(QUIET_MS));
    source.onerror = () => {
      source.close();
      source = null;
      later(0);
    };
  }

  // A page that is not live still says when the server has gone, once somebody looks at it again.
  if (live) { listen(); if (!source) later(POLL_MS); } else {
    document.addEventListener("visibilitychange", () => { if (!document.hidden) later(0); });
  }
  window.addEventListener("pagehide", () => { source?.close(); clearTimeout(timer); });
})();
