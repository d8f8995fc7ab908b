(() => {
  "use strict";
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const config = { responsive: true, displaylogo: false, displayModeBar: false };

  // Links can't leave the frame that MLflow shows artifacts in.
  if (self !== top) document.documentElement.classList.add("framed");

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--muted").trim();
    const grid = style.getPropertyValue("--line").trim();
    const card = style.getPropertyValue("--card").trim();
    return { "font.color": ink, "xaxis.gridcolor": grid, "yaxis.gridcolor": grid,
      "hoverlabel.bgcolor": card, "hoverlabel.bordercolor": grid,
      "hoverlabel.font.color": style.getPropertyValue("--ink").trim() };
  }

  function draw(figure) {
    const layout = figure.spec.layout;
    if (touch) {
      layout.dragmode = false;
      layout.xaxis.fixedrange = layout.yaxis.fixedrange = true;
    }
    return Plotly.newPlot(figure.name, figure.spec.data, layout, config)
      .then(() => Plotly.relayout(figure.name, theme()));
  }

  for (const figure of figures) draw(figure);
  dark.addEventListener("change", () => {
    for (const figure of figures) Plotly.relayout(figure.name, theme());
  });

  for (const button of document.querySelectorAll("button[data-arm]")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      for (const same of document.querySelectorAll("button[data-arm]")) {
        if (same.dataset.arm === button.dataset.arm) same.setAttribute("aria-pressed", String(shown));
      }
      for (const figure of figures) {
        if (figure.section === "arms") continue;
        const traces = [...figure.spec.data.keys()]
          .filter((i) => figure.spec.data[i].meta === button.dataset.arm);
        if (traces.length) Plotly.restyle(figure.name, { visible: shown }, traces);
      }
    });
  }
})();
