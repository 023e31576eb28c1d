"use strict";
{
  const root = document.documentElement, button = document.getElementById("theme");
  if (button) button.onclick = () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  };
  document.querySelectorAll("figure[data-chart]").forEach(fig => {
    const chart = JSON.parse(fig.dataset.chart);
    const svg = fig.querySelector("svg"), cursor = fig.querySelector(".cursor"), tip = fig.querySelector(".tip");
    const show = v => typeof v === "number" ? +v.toPrecision(6) : v;
    svg.onmousemove = e => {
      const box = svg.getBoundingClientRect(), at = ((e.clientX - box.left) / box.width * chart.width - chart.left) / (chart.right - chart.left);
      if (at < 0 || at > 1) return svg.onmouseleave();
      const value = chart.x0 + at * (chart.x1 - chart.x0), x = chart.left + (chart.right - chart.left) * at;
      cursor.setAttribute("x1", x); cursor.setAttribute("x2", x); cursor.style.visibility = "visible";
      tip.replaceChildren(...chart.series.filter(s => s.points.length).map(s => {
        const near = s.points.reduce((a, b) => Math.abs(b[0] - value) < Math.abs(a[0] - value) ? b : a);
        const line = document.createElement("div"), dot = document.createElement("span");
        dot.className = "dot"; dot.style.background = s.color;
        line.append(dot, `${s.name}: ${show(near[1])} (${chart.xlabel} ${show(near[0])})`);
        return line;
      }));
      tip.style.display = "block";
      tip.style.left = at > .55 ? "auto" : `${e.clientX - box.left + 30}px`;
      tip.style.right = at > .55 ? `${box.right - e.clientX + 30}px` : "auto";
    };
    svg.onmouseleave = () => { cursor.style.visibility = "hidden"; tip.style.display = "none"; };
  });
}
