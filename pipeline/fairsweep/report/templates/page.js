(() => {
  "use strict";
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const drawn = new Set();

  // Links can't leave the frame that MLflow shows artifacts in.
  if (self !== top) document.documentElement.classList.add("framed");

  function theme(figure) {
    const style = getComputedStyle(document.documentElement);
    const [ink, muted, grid, card] = ["--ink", "--muted", "--line", "--card"]
      .map((name) => style.getPropertyValue(name).trim());
    return { "font.color": figure.section === "classes" ? ink : muted,
      "xaxis.gridcolor": grid, "yaxis.gridcolor": grid,
      "hoverlabel.bgcolor": card, "hoverlabel.bordercolor": grid, "hoverlabel.font.color": ink };
  }

  function draw(figure) {
    const layout = figure.spec.layout;
    drawn.add(figure);
    if (touch) {
      layout.dragmode = false;
      layout.xaxis.fixedrange = layout.yaxis.fixedrange = true;
    }
    return Plotly.newPlot(figure.name, figure.spec.data, layout, config)
      .then(() => Plotly.relayout(figure.name, theme(figure)));
  }

  // What is folded away has no width to be drawn to before it is opened.
  function drawVisible() {
    for (const figure of figures) {
      const folded = document.getElementById(figure.name).closest("details:not([open])");
      if (!drawn.has(figure) && !folded) draw(figure);
    }
  }

  drawVisible();
  for (const details of document.querySelectorAll("details")) {
    details.addEventListener("toggle", drawVisible);
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    drawVisible();
  });
  dark.addEventListener("change", () => {
    for (const figure of drawn) Plotly.relayout(figure.name, theme(figure));
  });

  for (const button of document.querySelectorAll("button[data-arm]")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      for (const same of document.querySelectorAll("button[data-arm]")) {
        if (same.dataset.arm === button.dataset.arm) same.setAttribute("aria-pressed", String(shown));
      }
      for (const figure of figures) {
        if (["arms", "difference"].includes(figure.section)) continue;
        const traces = [...figure.spec.data.keys()]
          .filter((i) => figure.spec.data[i].meta === button.dataset.arm);
        for (const i of traces) figure.spec.data[i].visible = shown;
        if (traces.length && drawn.has(figure)) {
          Plotly.restyle(figure.name, { visible: shown }, traces);
        }
      }
    });
  }
})();
