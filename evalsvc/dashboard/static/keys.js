// Keyboard: a link or button with data-key is followed by that key. "?" shows what there is.
// Choices in a form with data-submit-on-change are sent at once; the button stays for those without scripts.
"use strict";
(() => {
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");
  const help = () => document.getElementById("keys");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "?") { if (help()?.open) help().close(); else help()?.showModal(); return; }
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!target || help()?.open) return;
    event.preventDefault();
    if (target.matches("input, select")) target.focus();
    else target.click();
  });
  document.addEventListener("change", (event) => {
    event.target.closest("form[data-submit-on-change]")?.requestSubmit();
  });
  const openTarget = () => {
    const details = location.hash && document.getElementById(location.hash.slice(1))?.closest("details");
    if (details) { details.open = true; details.scrollIntoView(); }
  };
  window.addEventListener("hashchange", openTarget);
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" }); // on a phone
    openTarget();
  });
})();
