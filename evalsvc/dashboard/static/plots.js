// Draws the figures that the server wrote as JSON beside each .plot. Colours stand in the figures
// as "--name" or "--name/opacity" and are looked up in the stylesheet, so light and dark have one source.
"use strict";
(() => {
  const probe = document.createElement("span");
  probe.hidden = true;

  const colour = (token) => {
    const [name, opacity] = token.split("/");
    probe.style.color = `var(${name})`;
    const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g);
    return `rgba(${r}, ${g}, ${b}, ${opacity || 1})`;
  };
  const resolve = (value) => {
    if (typeof value === "string") return /^--[a-z]/.test(value) ? colour(value) : value;
    if (Array.isArray(value)) return value.map(resolve);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]));
    }
    return value;
  };
  const config = { displayModeBar: false, responsive: true, showTips: false, doubleClick: "reset" };

  const draw = (element) => {
    const figure = resolve(JSON.parse(document.getElementById(element.dataset.figure).textContent));
    window.Plotly.react(element, figure.data, figure.layout, config).then(() => {
      element.dataset.drawn = "yes";
      if (element.dataset.follow) return;
      element.dataset.follow = "yes";
      element.on("plotly_click", (event) => {
        const link = event.points[0] && event.points[0].customdata;
        if (typeof link === "string" && link.startsWith("/")) location.assign(link);
      });
    });
  };
  const drawAll = () => {
    if (!window.Plotly) return;
    document.body.append(probe);
    document.querySelectorAll(".plot[data-figure]").forEach(draw);
  };
  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("themechange", drawAll);
  document.addEventListener("contentchange", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
