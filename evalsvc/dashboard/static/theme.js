// Applies the chosen theme before the first paint, then serves the button. "auto" follows the system.
"use strict";
(() => {
  const order = ["auto", "light", "dark"];
  const root = document.documentElement;
  const read = () => {
    try { return localStorage.getItem("evalsvc-theme") || "auto"; } catch { return "auto"; }
  };
  const apply = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  apply(read());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const label = () => { button.textContent = { auto: "◐ auto", light: "○ light", dark: "● dark" }[read()]; };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      const next = order[(order.indexOf(read()) + 1) % order.length];
      try { localStorage.setItem("evalsvc-theme", next); } catch { /* a private window: it lasts for this page */ }
      apply(next);
      label();
      document.dispatchEvent(new Event("themechange"));
    });
  });
})();
