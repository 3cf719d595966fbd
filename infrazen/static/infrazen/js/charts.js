// Charts of the interface, drawn by Chart.js (packaged with django-unfold).
//
// Markup: templates/_components/chart.html, a <figure data-chart="stacked|area|lines|doughnut|line|step" data-source="id"> whose data is the
// JSON of the element with that id (Django's json_script). Words come from #chart-texts ({% chart_texts %}).
//
// Data:
// {
//   "labels": ["2026-08-23", …],         days (or instants with "T"), ascending, without holes
//   "titles": ["17–23 Aug 2026", …],     what each label is called where it stands for more than a day; optional
//   "sums": false,                       values of different days do not add up (a rate): the legend tells the last ones
//   "series": [{"name": "Beget Prod",
//               "number": 1,             series colour 1–8 or "rest"
//               "role": "average",       lines only: "average", "maximum", "forecast" (dashed), or "low" and after it "high" (a band)
//               "values": ["3475.00", null, …]}],   one per label, as text; null is a gap, never zero
//   "events": [{"date": "2026-09-22", "text": "…", "short": "…", "url": "/…"}],   short is for phones; both optional
//   "incomplete": ["2026-10-22"],        days shown at 45 % (bars) or behind a grey band (step)
//   "threshold": {"value": "20", "text": "…"},   a dashed line
//   "unit": "percent",                   otherwise money in "currency"
//   "currency": "RUB", "locale": "ru"
// }
(() => {
  "use strict";

  const texts = JSON.parse((document.getElementById("chart-texts") || { textContent: "{}" }).textContent);
  const charts = new Map(); // figure → Chart
  const SYMBOLS = { RUB: "₽", USD: "$", EUR: "€", GBP: "£", CNY: "¥", KZT: "₸", BYN: "Br" };
  const SHOWN_EVENTS = 3;
  const EVENT_LINE = 18; // px of height for a line of event texts

  const isStacked = (kind) => kind === "stacked" || kind === "area";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const faded = (color, alpha) => `${color}${Math.round(alpha * 255).toString(16).padStart(2, "0")}`;
  const isNarrow = () => matchMedia("(max-width: 640px)").matches;

  // Money is summed exactly, in millionths of the unit.
  const micros = (text) => {
    const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d*))?/.exec(text);
    const value = BigInt(whole) * 1000000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
    return sign ? -value : value;
  };
  const halfEven = (value, unit) => {
    const quotient = value / unit;
    const twice = (value % unit) * 2n;
    return twice > unit || (twice === unit && quotient % 2n === 1n) ? quotient + 1n : quotient;
  };
  const isRussian = (data) => (data.locale || texts.locale || "en").startsWith("ru");
  const grouped = (digits, data) => digits.replace(/\B(?=(\d{3})+$)/g, isRussian(data) ? "\u202f" : ",");
  const decimal = (value, places, data) => {
    const absolute = value < 0n ? -value : value;
    const scaled = halfEven(absolute, 10n ** BigInt(6 - places)).toString().padStart(places + 1, "0");
    const whole = grouped(scaled.slice(0, scaled.length - places), data);
    const sign = value < 0n && /[1-9]/.test(scaled) ? "\u2212" : "";
    return sign + (places ? `${whole}${isRussian(data) ? "," : "."}${scaled.slice(-places)}` : whole);
  };
  const withUnit = (number, data) => {
    if (data.unit === "percent") return isRussian(data) ? `${number}\u00a0%` : `${number}%`;
    const symbol = SYMBOLS[data.currency];
    if (isRussian(data)) return `${number}\u00a0${symbol || data.currency}`;
    return symbol ? `${symbol}${number}` : `${data.currency}\u00a0${number}`;
  };
  const amount = (value, data) => {
    if (data.unit === "percent") return withUnit(decimal(value, 1, data), data);
    if (value > 0n && value < 5001n) return `<\u00a0${withUnit(decimal(10000n, 2, data), data)}`;
    return withUnit(decimal(value, 2, data), data);
  };
  const roundAmount = (value, data) => withUnit(decimal(value, 0, data), data);
  const axisNumber = (value, top, data) => {
    const text = (number) => {
      const [whole, fraction] = String(Number(number.toFixed(2))).split(".");
      return grouped(whole, data) + (fraction ? (isRussian(data) ? "," : ".") + fraction : "");
    };
    if (data.unit === "percent") return withUnit(text(value), data);
    const space = isRussian(data) ? "\u00a0" : "";
    if (!value) return "0";
    if (top >= 1e6) return `${text(value / 1e6)}${space}${texts.millions}`;
    if (top >= 1e4) return `${text(value / 1e3)}${space}${texts.thousands}`;
    return text(value);
  };

  const parsed = (label) => {
    const [day, time] = label.split("T");
    const [year, month, date] = day.split("-").map(Number);
    return { year, month, date, time: time ? time.slice(0, 5) : "", weekday: (new Date(Date.UTC(year, month - 1, date)).getUTCDay() + 6) % 7 };
  };
  const shortDay = (label) => {
    const { month, date } = parsed(label);
    return `${date}\u00a0${texts.months[month - 1]}`;
  };
  const longDay = (label, data) => {
    if (data.titles) return data.titles[data.labels.indexOf(label)];
    const { month, date, time, weekday } = parsed(label);
    const names = isRussian(data) ? texts.monthsOfDate : texts.months;
    return time ? `${date}\u00a0${names[month - 1]}, ${time}` : `${date}\u00a0${names[month - 1]}, ${texts.weekdays[weekday].toLowerCase()}`;
  };

  // Which labels stand under the axis: the 1st and 15th of months, fewer on narrow charts, more on short periods.
  const axisLabels = (data, width) => {
    const count = data.labels.length;
    const room = Math.max(2, Math.floor(width / 90));
    const days = data.labels.map((label, index) => ({ index, ...parsed(label) })).filter(({ index }) => index === 0 || data.labels[index].slice(0, 10) !== data.labels[index - 1].slice(0, 10));
    let chosen;
    if (days.length > 45) chosen = days.filter(({ date }) => date === 1 || date === 15);
    else if (days.length > 10) chosen = days.filter(({ date }) => date % 5 === 1 && date !== 31);
    else chosen = days;
    if (chosen.length > room && days.length > 45) chosen = chosen.filter(({ date }) => date === 1);
    while (chosen.length > room) chosen = chosen.filter((_, position) => position % 2 === 0);
    const edge = count * (45 / Math.max(width, 1));
    return new Set(chosen.map(({ index }) => index).filter((index) => count < 10 || (index > edge / 3 && index < count - edge / 2)));
  };

  const seriesColor = (series) => {
    if (series.role === "average") return css(series.number ? `--series-${series.number}` : "--color-secondary");
    if (series.role === "forecast") return css("--color-secondary");
    if (series.role === "maximum" || series.role === "low" || series.role === "high") return css("--series-8");
    return css(`--series-${series.number || "rest"}`);
  };

  const eventIndexes = (data) =>
    (data.events || [])
      .map((event) => ({ ...event, index: data.labels.findIndex((label) => label.slice(0, 10) === event.date) }))
      .filter(({ index }) => index >= 0)
      .sort((one, other) => one.index - other.index);

  // Days that are not complete, and the days beside the one that is looked at, are covered by 55 % of the background.
  const veils = (data) => ({
    id: "veils",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea, scales } = chart;
      const incomplete = new Set(data.incomplete || []);
      const step = scales.x.getPixelForValue(1) - scales.x.getPixelForValue(0);
      const active = chart.getActiveElements()[0];
      ctx.save();
      ctx.fillStyle = faded(css("--color-raised"), 0.55);
      data.labels.forEach((label, index) => {
        const dimmed = incomplete.has(label) || (active && active.index !== index);
        if (dimmed) ctx.fillRect(scales.x.getPixelForValue(index) - step / 2, chartArea.top, step, chartArea.height - 0.5);
      });
      ctx.restore();
    },
  });
  const bands = (data) => ({
    id: "bands",
    beforeDatasetsDraw(chart) {
      const { ctx, chartArea, scales } = chart;
      ctx.save();
      ctx.fillStyle = faded(css("--color-control"), 0.3);
      for (const label of data.incomplete || []) {
        const index = data.labels.indexOf(label);
        if (index < 0) continue;
        const left = scales.x.getPixelForValue(index);
        const right = index + 1 < data.labels.length ? scales.x.getPixelForValue(index + 1) : chartArea.right;
        ctx.fillRect(left, chartArea.top, Math.max(3, right - left), chartArea.height);
      }
      ctx.restore();
    },
  });
  const threshold = (data) => ({
    id: "threshold",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea, scales } = chart;
      const y = scales.y.getPixelForValue(Number(data.threshold.value));
      ctx.save();
      ctx.strokeStyle = css("--color-text-muted");
      ctx.lineWidth = 1;
      ctx.setLineDash([3, 3]);
      ctx.beginPath();
      ctx.moveTo(chartArea.left, y);
      ctx.lineTo(chartArea.right, y);
      ctx.stroke();
      ctx.restore();
    },
  });

  // Events: a dashed line with a ring on top; the first three have a text (a link) towards the side with more room.
  const events = (data, layer) => {
    const found = eventIndexes(data);
    const position = (chart) => {
      layer.replaceChildren();
      const { chartArea, scales } = chart;
      const placed = [];
      found.slice(0, SHOWN_EVENTS).forEach((event) => {
        const x = scales.x.getPixelForValue(event.index);
        const element = document.createElement(event.url ? "a" : "span");
        element.className = "chart-event";
        element.textContent = (isNarrow() && event.short) || event.text;
        if (event.url) element.href = event.url;
        layer.append(element);
        const width = element.offsetWidth;
        const toLeft = x - chartArea.left > chartArea.right - x;
        const left = Math.max(0, Math.min(toLeft ? x - width - 6 : x + 6, chart.width - width));
        let line = 0;
        while (placed.some((other) => other.line === line && left < other.right + 8 && left + width > other.left - 8)) line += 1;
        placed.push({ line, left, right: left + width });
        event.top = line * EVENT_LINE + 8;
        element.style.left = `${left}px`;
        element.style.top = `${line * EVENT_LINE}px`;
      });
      const lines = Math.max(0, ...placed.map(({ line }) => line + 1));
      return Math.max(1, lines);
    };
    return {
      id: "events",
      afterLayout(chart) {
        if (!found.length || chart.$placing) return;
        const lines = position(chart);
        const padding = lines * EVENT_LINE + 6;
        if (chart.options.layout.padding.top !== padding) {
          chart.$placing = true;
          chart.options.layout.padding.top = padding;
          requestAnimationFrame(() => {
            chart.$placing = false;
            if (chart.canvas) chart.update("none");
          });
        }
      },
      afterDraw(chart) {
        const { ctx, chartArea, scales } = chart;
        ctx.save();
        ctx.strokeStyle = css("--color-text-muted");
        ctx.lineWidth = 1;
        for (const event of found) {
          const x = Math.round(scales.x.getPixelForValue(event.index)) + 0.5;
          const top = event.top || 8;
          ctx.setLineDash([3, 3]);
          ctx.beginPath();
          ctx.moveTo(x, top + 3);
          ctx.lineTo(x, chartArea.bottom);
          ctx.stroke();
          ctx.setLineDash([]);
          ctx.fillStyle = css("--color-raised");
          ctx.beginPath();
          ctx.arc(x, top, 2.5, 0, Math.PI * 2);
          ctx.fill();
          ctx.stroke();
        }
        ctx.restore();
      },
    };
  };

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // Tooltip: the day, the series in stack order, their total, the day's events. Follows pointer, keys and taps.
  const tooltip = (figure, data, kind) => ({ chart, tooltip: model }) => {
    const plot = figure.querySelector(".chart-plot");
    let box = plot.querySelector(".chart-tooltip");
    if (!model.opacity || !model.dataPoints || !model.dataPoints.length) {
      if (box) box.hidden = true;
      return;
    }
    if (!box) {
      box = element("div", "chart-tooltip");
      box.setAttribute("role", "status");
      plot.append(box);
    }
    const index = model.dataPoints[0].dataIndex;
    const label = data.labels[index];
    box.replaceChildren(element("p", "chart-tooltip-title", longDay(label, data)));
    let total = 0n;
    let known = false;
    data.series.forEach((series, position) => {
      if (!chart.isDatasetVisible(position)) return;
      const value = series.values[index];
      const row = element("div", "chart-tooltip-row");
      const swatch = element("span", "chart-swatch");
      swatch.style.backgroundColor = seriesColor(series);
      row.append(swatch, element("span", "chart-tooltip-name", series.name), element("span", "chart-tooltip-value", value === null || value === undefined ? texts.noData : amount(micros(value), data)));
      box.append(row);
      if (value !== null && value !== undefined) {
        total += micros(value);
        known = true;
      }
    });
    if (isStacked(kind) && known && data.series.length > 1) {
      const row = element("div", "chart-tooltip-row chart-tooltip-row--total");
      row.append(element("span", "chart-tooltip-name", texts.total), element("span", "chart-tooltip-value", amount(total, data)));
      box.append(row);
    }
    if ((data.incomplete || []).includes(label)) box.append(element("p", "chart-tooltip-event", texts.incomplete));
    for (const event of data.events || []) if (event.date === label.slice(0, 10)) box.append(element("p", "chart-tooltip-event", event.text));
    box.hidden = false;
    const room = plot.clientWidth;
    const left = model.caretX + 14 + box.offsetWidth > room ? model.caretX - box.offsetWidth - 14 : model.caretX + 14;
    box.style.left = `${Math.max(0, Math.min(left, room - box.offsetWidth))}px`;
    box.style.top = `${Math.max(0, chart.chartArea.top)}px`;
  };

  const select = (chart, index) => {
    const hasValue = ({ datasetIndex }) => chart.isDatasetVisible(datasetIndex) && typeof chart.data.datasets[datasetIndex].data[index] === "number";
    const active = chart.data.datasets.map((_, datasetIndex) => ({ datasetIndex, index })).filter(hasValue); // none for -1
    chart.setActiveElements(active);
    chart.tooltip.setActiveElements(active, { x: 0, y: 0 });
    chart.update("none");
  };
  const onKey = (event) => {
    const figure = event.target.closest("figure[data-chart]");
    const chart = figure && event.target.tagName === "CANVAS" && charts.get(figure);
    if (!chart) return;
    const last = chart.data.labels.length - 1;
    const active = chart.getActiveElements()[0];
    const current = active ? active.index : -1;
    const moves = { ArrowRight: Math.min(last, current + 1), ArrowLeft: current < 0 ? last : Math.max(0, current - 1), Home: 0, End: last };
    if (event.key in moves) select(chart, moves[event.key]);
    else if (event.key === "Escape") select(chart, -1);
    else return;
    event.preventDefault();
  };
  const onLeave = (event) => {
    if (event.target.tagName !== "CANVAS") return;
    const figure = event.target.closest("figure[data-chart]");
    const chart = figure && charts.get(figure);
    if (chart) select(chart, -1);
  };

  const seriesSums = (data) =>
    data.series.map((series) => {
      const known = series.values.filter((value) => value !== null && value !== undefined).map(micros);
      return data.sums === false ? known.at(-1) || 0n : known.reduce((sum, value) => sum + value, 0n);
    });

  // Legend: a button per series with total and share; a click hides, a double click leaves only that one.
  const legend = (figure, chart, data) => {
    const place = figure.querySelector("[data-chart-legend]");
    if (!place) return;
    const sums = seriesSums(data);
    const whole = sums.reduce((sum, value) => sum + value, 0n);
    const hidden = figure.$hidden || (figure.$hidden = new Set());
    const show = () => {
      [...place.children].forEach((button, index) => {
        if (chart.config.type === "doughnut") chart.getDatasetMeta(0).data.length && chart.getDataVisibility(index) === hidden.has(index) && chart.toggleDataVisibility(index);
        else chart.setDatasetVisibility(index, !hidden.has(index));
        button.setAttribute("aria-pressed", String(!hidden.has(index)));
      });
      chart.update("none");
    };
    place.replaceChildren(
      ...data.series.map((series, index) => {
        const button = element("button", "chart-legend-item");
        button.type = "button";
        const swatch = element("span", "chart-swatch");
        swatch.style.backgroundColor = seriesColor(series);
        button.append(swatch, element("span", "", series.name), element("span", "chart-legend-total", roundAmount(sums[index], data)));
        if (whole > 0n) button.append(element("span", "chart-legend-share", withUnit(decimal((sums[index] * 100000000n) / whole, 1, data), { ...data, unit: "percent" })));
        button.addEventListener("click", (event) => {
          if (event.detail > 1) {
            hidden.clear();
            data.series.forEach((_, other) => other !== index && hidden.add(other));
          } else if (hidden.has(index)) hidden.delete(index);
          else hidden.add(index);
          if (hidden.size === data.series.length) hidden.clear();
          show();
        });
        return button;
      }),
    );
    show();
  };

  const dataset = (series, position, kind, count) => {
    const color = seriesColor(series);
    const values = series.values.map((value) => (value === null || value === undefined ? null : Number(value)));
    if (kind === "stacked") {
      const edge = count > 150 ? 0 : 1;
      return { label: series.name, data: values, backgroundColor: color, hoverBackgroundColor: color, borderColor: css("--color-raised"), hoverBorderColor: css("--color-raised"), borderWidth: { top: 1, left: edge, right: 0, bottom: 0 }, borderSkipped: false, categoryPercentage: 1, barPercentage: count > 45 ? 1 : 0.9, stack: "all" };
    }
    if (kind === "area" || kind === "lines") {
      const fill = kind === "area" ? (position ? "-1" : "origin") : false;
      return { label: series.name, data: values, borderColor: color, borderWidth: 1.75, pointRadius: 0, pointHoverRadius: 3, pointHoverBackgroundColor: color, tension: 0, spanGaps: false, fill, backgroundColor: faded(color, 0.55), stack: kind === "area" ? "all" : undefined };
    }
    if (series.role === "low" || series.role === "high")
      return { label: series.name, data: values, borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, tension: 0, fill: series.role === "high" ? "-1" : false, backgroundColor: faded(css("--color-secondary"), 0.16), order: position };
    if (series.role === "forecast")
      return { label: series.name, data: values, borderColor: color, borderWidth: 1.75, borderDash: [5, 4], pointRadius: 0, pointHoverRadius: 3, pointHoverBackgroundColor: color, tension: 0, spanGaps: false, fill: false, order: position };
    const stepColor = kind === "step" ? css("--color-secondary") : color;
    return {
      label: series.name, data: values, borderColor: stepColor, borderWidth: series.role === "maximum" ? 1 : 1.75, pointRadius: 0, pointHoverRadius: 3, pointHoverBackgroundColor: stepColor,
      tension: 0, stepped: kind === "step", spanGaps: false, fill: series.role === "maximum" ? false : "origin", backgroundColor: faded(stepColor, 0.1), order: position,
    };
  };

  // Doughnut: each series' sum, the whole in the middle.
  const middle = (data) => ({
    id: "middle",
    afterDraw(chart) {
      const { ctx, chartArea } = chart;
      const shown = seriesSums(data).filter((_, index) => chart.getDataVisibility(index));
      ctx.save();
      ctx.fillStyle = css("--color-text");
      ctx.font = `600 15px ${css("--font")}`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.fillText(roundAmount(shown.reduce((sum, value) => sum + value, 0n), data), (chartArea.left + chartArea.right) / 2, (chartArea.top + chartArea.bottom) / 2);
      ctx.restore();
    },
  });
  const partTooltip = (figure, data) => ({ tooltip: model }) => {
    const plot = figure.querySelector(".chart-plot");
    let box = plot.querySelector(".chart-tooltip");
    if (!model.opacity || !model.dataPoints || !model.dataPoints.length) {
      if (box) box.hidden = true;
      return;
    }
    if (!box) {
      box = element("div", "chart-tooltip");
      box.setAttribute("role", "status");
      plot.append(box);
    }
    const index = model.dataPoints[0].dataIndex;
    const sums = seriesSums(data);
    const whole = sums.reduce((sum, value) => sum + value, 0n);
    const row = element("div", "chart-tooltip-row");
    row.append(element("span", "chart-tooltip-name", amount(sums[index], data)));
    if (whole > 0n) row.append(element("span", "chart-tooltip-value", withUnit(decimal((sums[index] * 100000000n) / whole, 1, data), { ...data, unit: "percent" })));
    box.replaceChildren(element("p", "chart-tooltip-title", data.series[index].name), row);
    box.hidden = false;
    box.style.left = `${Math.max(0, Math.min(model.caretX + 14, plot.clientWidth - box.offsetWidth))}px`;
    box.style.top = `${Math.max(0, model.caretY - box.offsetHeight / 2)}px`;
  };
  const buildDoughnut = (figure, canvas, data) => {
    const sums = seriesSums(data);
    const chart = new Chart(canvas, {
      type: "doughnut",
      data: {
        labels: data.series.map((series) => series.name),
        datasets: [{ data: sums.map((sum) => Math.max(0, Number(sum) / 1e6)), backgroundColor: data.series.map(seriesColor), borderColor: css("--color-raised"), borderWidth: 1 }],
      },
      plugins: [middle(data)],
      options: { animation: false, responsive: true, maintainAspectRatio: false, cutout: "68%", plugins: { legend: { display: false }, tooltip: { enabled: false, external: partTooltip(figure, data) } } },
    });
    charts.set(figure, chart);
    legend(figure, chart, data);
  };

  const build = (figure) => {
    const source = document.getElementById(figure.dataset.source);
    const canvas = figure.querySelector("canvas");
    if (!source || !canvas) return;
    const data = JSON.parse(source.textContent);
    const kind = figure.dataset.chart;
    if (kind === "doughnut") return buildDoughnut(figure, canvas, data);
    const muted = css("--color-text-muted");
    const font = { size: 11, family: css("--font") };
    const plugins = [];
    if (kind === "stacked") plugins.push(veils(data));
    else if ((data.incomplete || []).length) plugins.push(bands(data));
    if (data.threshold) plugins.push(threshold(data));
    if ((data.events || []).length) plugins.push(events(data, figure.querySelector("[data-chart-events]")));
    let shown = null;
    let shownFor = 0;
    const chart = new Chart(canvas, {
      type: kind === "stacked" ? "bar" : "line",
      data: { labels: data.labels, datasets: data.series.map((series, position) => dataset(series, position, kind, data.labels.length)) },
      plugins,
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        events: ["mousemove", "mouseout", "click", "touchstart", "touchmove"],
        interaction: { mode: "index", intersect: false },
        layout: { padding: { top: (data.events || []).length ? EVENT_LINE + 6 : 4, right: 0, bottom: 0, left: 0 } },
        scales: {
          x: {
            stacked: isStacked(kind),
            offset: kind === "stacked",
            grid: { display: false },
            border: { display: false },
            ticks: {
              color: muted, font, autoSkip: false, maxRotation: 0, padding: 4,
              callback(_, index) {
                const width = this.chart.width;
                if (!shown || shownFor !== width) [shown, shownFor] = [axisLabels(data, width), width];
                return shown.has(index) ? shortDay(data.labels[index]) : "";
              },
            },
          },
          y: {
            stacked: isStacked(kind),
            beginAtZero: true,
            suggestedMax: data.threshold ? Number(data.threshold.value) : undefined,
            grid: { color: css("--color-border"), drawTicks: false },
            border: { display: false },
            ticks: {
              color: muted, font, padding: 8, maxTicksLimit: kind === "line" || kind === "step" ? 4 : 6,
              callback(value) {
                return axisNumber(value, this.max, data);
              },
            },
          },
        },
        plugins: { legend: { display: false }, tooltip: { enabled: false, external: tooltip(figure, data, kind) } },
      },
    });
    charts.set(figure, chart);
    legend(figure, chart, data);
  };

  // [data-chart-png="source"] saves that chart as a picture, on the page's background.
  const picture = (chart, name) => {
    const scale = chart.currentDevicePixelRatio || 1;
    const copy = document.createElement("canvas");
    copy.width = chart.canvas.width;
    copy.height = chart.canvas.height;
    const ctx = copy.getContext("2d");
    ctx.fillStyle = css("--color-raised");
    ctx.fillRect(0, 0, copy.width, copy.height);
    ctx.drawImage(chart.canvas, 0, 0, chart.width * scale, chart.height * scale);
    copy.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `${name}.png`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-png]");
    const figure = button && document.querySelector(`figure[data-source="${CSS.escape(button.dataset.chartPng)}"]`);
    if (figure && charts.has(figure)) picture(charts.get(figure), button.dataset.chartPng);
  });

  const draw = () => {
    for (const button of document.querySelectorAll("[data-chart-png][hidden]")) button.hidden = false;
    for (const [figure, chart] of charts) {
      if (figure.isConnected) continue;
      chart.destroy();
      charts.delete(figure);
    }
    for (const figure of document.querySelectorAll("figure[data-chart]")) if (!charts.has(figure)) build(figure);
  };
  const redraw = () => {
    for (const chart of charts.values()) chart.destroy();
    charts.clear();
    draw();
  };

  document.addEventListener("keydown", onKey);
  document.addEventListener("focusout", onLeave);
  document.addEventListener("htmx:afterSwap", draw);
  document.addEventListener("htmx:historyRestore", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("(max-width: 640px)").addEventListener("change", redraw);
  draw();
})();
