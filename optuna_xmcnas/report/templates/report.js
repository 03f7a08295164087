(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var charts = Array.prototype.map.call(document.querySelectorAll(".chart"), function (chart) {
    return {
      canvas: chart.querySelector(".canvas"),
      figure: JSON.parse(chart.querySelector("script").textContent),
    };
  });

  // what a figure does not say itself, for the page that it stands on
  function template(isDark) {
    var ink = isDark ? "#e4e8ec" : "#1b1f24";
    var line = isDark ? "#353c45" : "#d5dae0";
    var axis = { gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: line, automargin: true };
    return {
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: ink },
        xaxis: axis,
        yaxis: axis,
        hoverlabel: { align: "left" },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: "rgba(128,128,128,0.5)", activecolor: ink },
      },
    };
  }

  function layout(figure, isDark) {
    return Object.assign({ height: 440 }, figure.layout, { autosize: true, template: template(isDark) });
  }

  var config = {
    responsive: true,
    displaylogo: false,
    plotlyServerURL: "",
    modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
  };
  charts.forEach(function (chart) {
    Plotly.newPlot(chart.canvas, chart.figure.data, layout(chart.figure, dark.matches), config);
  });

  function paint(isDark) {
    charts.forEach(function (chart) {
      Plotly.react(chart.canvas, chart.figure.data, layout(chart.figure, isDark), config);
    });
  }
  dark.addEventListener("change", function () { paint(dark.matches); });

  // paper is white, and shows no table on demand
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (one) {
      one.dataset.wasOpen = one.open;
      one.open = true;
    });
    paint(false);
  });
  window.addEventListener("afterprint", function () {
    document.querySelectorAll("details").forEach(function (one) {
      one.open = one.dataset.wasOpen === "true";
    });
    paint(dark.matches);
  });
})();
