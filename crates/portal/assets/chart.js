// Charts of readings: <div class="chart" data-chart="URL" …>. Draws with uPlot, which is loaded before
// this module as a plain script. The markup is described in COMPONENTS.md.

const { uPlot } = globalThis;
const root = document.documentElement;
const language = root.lang.startsWith("zh") ? "zh-CN" : "en";
const zone = usableZone(root.dataset.zone);

const DAY_MS = 86_400_000;
const HEIGHT_PX = 288;
const POINTS_MAX = 800;
const LIVE_EVERY_MS = 30_000;
const COLOURS = 8;

function usableZone(name) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name || "UTC";
  } catch {
    return "UTC";
  }
}

const format = (options) => {
  const formatter = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: zone, hourCycle: "h23", ...options });
  return (ms) => formatter.format(ms);
};
const asTime = format({ hour: "2-digit", minute: "2-digit" });
const asSeconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const asDay = format({ day: "numeric", month: "short" });
const asMonth = format({ month: "short" });
const asYear = format({ year: "numeric" });
const asFull = format({ year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });

/** Labels of the time axis: small unit above; the larger one below, where it changes. */
function timeLabels(_plot, splits, _axis, _space, step) {
  const [small, large] =
    step >= 360 * DAY_MS ? [asYear, () => ""] :
    step >= 28 * DAY_MS ? [asMonth, asYear] :
    step >= DAY_MS ? [asDay, asYear] :
    step >= 60_000 ? [asTime, asDay] : [asSeconds, asDay];
  let shown = "";
  return splits.map((ms) => {
    const below = large(ms);
    const label = below && below !== shown ? `${small(ms)}\n${below}` : small(ms);
    shown = below;
    return label;
  });
}

/** Colours of the theme as canvas understands them: light-dark() must be resolved by an element. */
function themeColours(element) {
  const probe = element.appendChild(document.createElement("span"));
  const read = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    series: Array.from({ length: COLOURS }, (_, i) => read(`--series-${i + 1}`)),
    text: read("--muted"),
    grid: read("--border"),
  };
  probe.remove();
  return colours;
}

const translucent = (rgb, alpha) => {
  const [r, g, b] = rgb.match(/[\d.]+/g);
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
};

/** The longest time between two readings that still counts as one line: three usual intervals. */
function gapLimit(times, values, widthMs) {
  const steps = [];
  let last = null;
  values.forEach((value, i) => {
    if (value == null) return;
    if (last != null) steps.push(times[i] - last);
    last = times[i];
  });
  if (!steps.length) return Infinity;
  steps.sort((a, b) => a - b);
  return Math.max(3 * steps[steps.length >> 1], 2 * widthMs);
}

/** As many decimals as the values have (averages have more than was measured), and about four digits. */
function decimals({ min, max }) {
  let size = 0;
  let have = 0;
  for (const value of [...min, ...max]) {
    if (value == null) continue;
    size = Math.max(size, Math.abs(value));
    if (have < 3 && !Number.isInteger(value)) have = Math.max(have, (String(value).split(".")[1] ?? "000").length);
  }
  return Math.min(have, size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0);
}

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text != null) made.textContent = text;
  return made;
};

class Chart {
  constructor(box) {
    this.box = box;
    this.url = box.dataset.chart;
    this.eui = (box.dataset.eui || (this.url.match(/devices\/([0-9A-F]{16})/i) ?? [])[1] || "").toUpperCase();
    this.form = box.id ? document.querySelector(`form[data-chart-form="#${CSS.escape(box.id)}"]`) : null;
    this.shown = (box.dataset.series || "").split(",").filter(Boolean);
    const all = this.boxes().map((input) => input.value);
    // A series keeps its colour whatever else is shown.
    this.order = [...all, ...this.shown.filter((key) => !all.includes(key))];
    if (all.length) this.shown = all.filter((_, i) => this.boxes()[i].checked);
    this.zoom = null;
    this.data = null;
    this.fetchedAt = 0;

    this.plotBox = element("div", "chart-plot");
    this.legendBox = element("div", "chart-legend");
    this.note = element("p", "chart-note");
    this.note.setAttribute("role", "status");
    box.replaceChildren(this.plotBox, this.note, this.legendBox);
    box.tabIndex = 0;
    this.listen();
    this.load();
  }

  boxes() {
    return this.form ? [...this.form.querySelectorAll('input[name="series"]')] : [];
  }

  listen() {
    for (const input of this.boxes()) {
      input.style.accentColor = `var(--series-${this.colourIndex(input.value) + 1})`;
      input.addEventListener("change", () => this.choose());
    }
    new ResizeObserver(() => this.resize()).observe(this.box);
    this.box.addEventListener("keydown", (event) => this.key(event));
    const redraw = () => this.data && this.draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new MutationObserver(redraw).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    document.addEventListener("senstation:uplink", ({ detail }) => {
      if (detail.eui?.toUpperCase() === this.eui) this.refreshSoon();
    });
    document.addEventListener("visibilitychange", () => this.missed && this.refreshSoon());
  }

  colourIndex(key) {
    return Math.max(0, this.order.indexOf(key)) % COLOURS;
  }

  /** The window to ask for. An empty end is now, and the start then moves along with it. */
  range() {
    if (this.zoom) return this.zoom;
    const now = Date.now();
    const { from, to } = this.box.dataset;
    if (to) return [Number(from) || to - DAY_MS, Number(to)];
    this.lengthMs ??= from ? now - Number(from) : DAY_MS;
    return [now - this.lengthMs, now];
  }

  choose() {
    this.shown = this.boxes().filter((input) => input.checked).map((input) => input.value);
    const loaded = this.data?.series.map(({ key }) => key) ?? [];
    if (this.shown.every((key) => loaded.includes(key))) this.draw();
    else this.load();
  }

  refreshSoon() {
    if (this.box.dataset.to || this.zoom || this.timer) return;
    // A tab nobody looks at catches up when it is shown again.
    this.missed = document.hidden;
    if (this.missed) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.load();
    }, Math.max(0, this.fetchedAt + LIVE_EVERY_MS - Date.now()));
  }

  async load() {
    this.request?.abort();
    if (!this.shown.length) {
      this.data = null;
      this.draw();
      return;
    }
    const request = (this.request = new AbortController());
    const [from, to] = this.range().map(Math.round);
    const points = Math.max(50, Math.min(POINTS_MAX, Math.round(this.box.clientWidth / 2)));
    const url = new URL(this.url, location.href);
    // Commas and slashes stay readable: URLSearchParams would escape them.
    const query = `from=${from}&to=${to}&series=${this.shown.map(encodeURIComponent).join(",").replaceAll("%2F", "/")}&points=${points}`;
    url.search = url.search ? `${url.search}&${query}` : query;
    this.fetchedAt = Date.now();
    this.box.classList.add("loading");
    try {
      const answer = await fetch(url, { signal: request.signal, headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(`chart: status ${answer.status}`);
      this.data = await answer.json();
      this.draw();
    } catch (error) {
      if (error.name === "AbortError") return;
      console.warn(error);
      // An old drawing with a note is worth more than an empty box.
      this.note.textContent = this.box.dataset.error || this.box.dataset.empty || "";
    } finally {
      if (this.request === request) this.box.classList.remove("loading");
    }
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    this.legendBox.replaceChildren();
    const series = (this.data?.series ?? []).filter(({ key }) => this.shown.includes(key));
    const empty = !series.some(({ avg }) => avg.some((value) => value != null));
    this.note.textContent = empty ? this.box.dataset.empty || "" : "";
    if (empty && !this.zoom) return;

    const { times, from, to, width_ms: widthMs } = this.data;
    this.colours = themeColours(this.box);
    this.lines = series.map((one) => ({
      ...one,
      colour: this.colours.series[this.colourIndex(one.key)],
      limit: gapLimit(times, one.avg, widthMs),
      digits: decimals(one),
    }));
    // Many dense lines are told apart better when thin, and without a GPU they draw twice as fast.
    this.lineWidth = times.length * this.lines.length > 2000 ? 1 : 1.75;
    // Bands first, so that no band covers a line: max 1, min 1, max 2, min 2, …, avg 1, avg 2, …
    const bandCount = 2 * this.lines.length;
    const data = [times, ...this.lines.flatMap(({ max, min }) => [max, min]), ...this.lines.map(({ avg }) => avg)];
    // uPlot also asks for the colours of points that are not shown.
    const colourOf = (_plot, i) => this.lines[i - bandCount - 1]?.colour ?? "transparent";
    this.drawLegend();
    this.plot = new uPlot({
      width: Math.max(200, this.plotBox.clientWidth),
      height: HEIGHT_PX,
      ms: 1,
      tzDate: (ms) => uPlot.tzDate(new Date(ms), zone),
      legend: { show: false },
      padding: [12, 12, 0, 0],
      scales: this.scales(from, to),
      axes: this.axes(),
      series: [
        {},
        ...this.lines.flatMap((line) => [this.edge(line), this.edge(line)]),
        ...this.lines.map((line) => this.average(line)),
      ],
      bands: this.lines.map(({ colour }, i) => ({ series: [2 * i + 1, 2 * i + 2], fill: translucent(colour, 0.16) })),
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        points: {
          size: 7,
          show: (plot, i) => i > bandCount && pointElement(plot, i),
          stroke: colourOf,
          fill: colourOf,
        },
        // Series report at different times: each shows its own reading nearest to the cursor.
        dataIdx: (_plot, i, near) => (i > bandCount ? nearest(data[0], data[i], near, this.lines[i - bandCount - 1].limit) : near),
        bind: { dblclick: () => () => this.reset() },
      },
      hooks: {
        setSelect: [(plot) => this.select(plot)],
        setCursor: [(plot) => this.showLegend(plot.cursor.idx == null ? null : plot.cursor.idxs.slice(bandCount + 1), plot.cursor.idx)],
      },
    }, data, this.plotBox);
    this.showLegend(null, null);
    this.plot.root.setAttribute("role", "img");
    this.plot.root.setAttribute("aria-label", this.lines.map(({ name }) => name).join(", "));
  }

  scales(from, to) {
    const scales = { x: { time: true, range: () => [from, to] } };
    for (const { unit } of this.lines) scales[`y ${unit}`] = { auto: true };
    return scales;
  }

  /** One axis per unit, left then right. A third unit has its own scale but no axis: the legend tells. */
  axes() {
    const { text, grid } = this.colours;
    const font = `12px ${getComputedStyle(this.box).fontFamily}`;
    const units = [...new Set(this.lines.map(({ unit }) => unit))];
    const base = { stroke: text, font, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
    return [
      { ...base, values: timeLabels, space: 64, gap: 6, size: 46 },
      ...units.slice(0, 2).map((unit, i) => {
        const own = this.lines.filter((line) => line.unit === unit);
        return {
          ...base,
          scale: `y ${unit}`,
          side: i ? 1 : 3,
          // The colour of its only line, so that it is clear which axis is whose.
          stroke: units.length > 1 && own.length === 1 ? own[0].colour : text,
          grid: { ...base.grid, show: i === 0 },
          label: unit || undefined,
          labelFont: font,
          labelSize: 18,
          labelGap: 0,
          gap: 6,
          size: (plot, values) => axisSize(plot, values, font),
        };
      }),
    ];
  }

  edge(line) {
    return { scale: `y ${line.unit}`, width: 0, stroke: "transparent", points: { show: false }, gaps: (...args) => gaps(line, ...args) };
  }

  average(line) {
    return {
      scale: `y ${line.unit}`,
      width: this.lineWidth,
      stroke: line.colour,
      gaps: (...args) => gaps(line, ...args),
      // A reading without neighbours has no line to be seen by.
      points: { show: true, size: 4, width: 0, fill: line.colour, filter: (plot, i) => lonely(plot, i, line) },
    };
  }

  drawLegend() {
    const { labelMin, labelAvg, labelMax } = this.box.dataset;
    const table = element("table");
    const head = table.createTHead().insertRow();
    this.clock = head.appendChild(element("th"));
    this.clock.scope = "col";
    for (const label of [labelAvg || "Avg", labelMin || "Min", labelMax || "Max"]) {
      head.appendChild(element("th", "num", label)).scope = "col";
    }
    const body = table.createTBody();
    for (const line of this.lines) {
      const row = body.insertRow();
      const name = row.appendChild(element("th"));
      name.scope = "row";
      const swatch = name.appendChild(element("span", "swatch"));
      swatch.style.background = line.colour;
      name.append(line.name + (line.unit ? ` (${line.unit})` : ""));
      line.cells = ["avg", "min", "max"].map(() => row.appendChild(element("td", "num")));
    }
    this.legendBox.replaceChildren(table);
  }

  /** Values under the cursor, or the latest ones when there is no cursor. */
  showLegend(indexes, at) {
    const { times } = this.data;
    let latest = 0;
    this.lines.forEach((line, n) => {
      const i = indexes ? indexes[n] : line.avg.findLastIndex((value) => value != null);
      if (!indexes && i > latest) latest = i;
      ["avg", "min", "max"].forEach((part, k) => {
        const value = i == null || i < 0 ? null : line[part][i];
        line.cells[k].textContent = value == null ? "–" : value.toLocaleString(language, { minimumFractionDigits: line.digits, maximumFractionDigits: line.digits });
      });
    });
    const ms = times[at ?? latest];
    this.clock.textContent = ms == null ? "" : asFull(ms);
  }

  select(plot) {
    const { left, width } = plot.select;
    if (width < 4) return;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (to - from < 60_000) return;
    this.zoom = [from, to];
    this.load();
  }

  reset() {
    if (!this.zoom) return;
    this.zoom = null;
    this.load();
  }

  key(event) {
    if (event.key === "Escape") return this.reset();
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.plot) return;
    event.preventDefault();
    const times = this.data.times;
    const at = this.plot.cursor.idx ?? (step < 0 ? times.length : -1);
    const left = this.plot.valToPos(times[Math.min(times.length - 1, Math.max(0, at + step))], "x");
    this.plot.setCursor({ left, top: HEIGHT_PX / 3 });
  }

  resize() {
    const width = Math.max(200, this.plotBox.clientWidth);
    if (this.plot && this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT_PX });
  }
}

function pointElement(plot, i) {
  const point = document.createElement("div");
  const size = plot.cursor.points.size(plot, i);
  Object.assign(point.style, { width: `${size}px`, height: `${size}px`, marginLeft: `${-size / 2}px`, marginTop: `${-size / 2}px` });
  return point;
}

function nearest(times, values, near, limit) {
  if (values[near] != null) return near;
  let [left, right] = [near - 1, near + 1];
  while (left >= 0 && values[left] == null) left -= 1;
  while (right < values.length && values[right] == null) right += 1;
  const distance = (i) => (i >= 0 && i < values.length ? Math.abs(times[i] - times[near]) : Infinity);
  const best = distance(left) <= distance(right) ? left : right;
  return distance(best) <= limit / 2 ? best : null;
}

/** Where the line breaks, in pixels. A bucket without a reading is no gap by itself: a device that
    reports each hour leaves most buckets of a short range empty. */
function gaps(line, plot, seriesIndex, first, last) {
  const times = plot.data[0];
  const values = plot.data[seriesIndex];
  const found = [];
  let before = null;
  for (let i = first; i <= last; i += 1) {
    if (values[i] == null) continue;
    if (before != null && times[i] - before > line.limit) {
      found.push([plot.valToPos(before, "x", true), plot.valToPos(times[i], "x", true)]);
    }
    before = times[i];
  }
  return found;
}

/** Indexes to draw as dots: all when they are few, otherwise those between two gaps. */
function lonely(plot, seriesIndex, line) {
  const times = plot.data[0];
  const present = [];
  plot.data[seriesIndex].forEach((value, i) => value != null && present.push(i));
  if (present.length * 16 < plot.width) return present;
  const far = (a, b) => a == null || b == null || times[b] - times[a] > line.limit;
  return present.filter((i, n) => far(present[n - 1], i) && far(i, present[n + 1]));
}

function axisSize(plot, values, font) {
  if (!values?.length) return 40;
  plot.ctx.save();
  plot.ctx.font = font;
  const width = Math.max(...values.map((value) => plot.ctx.measureText(value ?? "").width));
  plot.ctx.restore();
  return Math.ceil(width) + 14;
}

for (const box of document.querySelectorAll(".chart[data-chart]")) new Chart(box);
