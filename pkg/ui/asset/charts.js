// Charts of metrics over steps or time. A chart is made, and its points are
// fetched, only when it comes near the window.
import uPlot from './uplot/uPlot.esm.js';
import {$, $$, ask, color, duration, el, exactly, icon, number} from './app.js';

// smooth is a moving average that leans on what is near, without a bias to 0 at
// the beginning.
export function smooth(values, weight) {
  if (!weight) return values;
  let last = 0, n = 0;
  return values.map((v) => {
    if (v == null || !Number.isFinite(v)) return v;
    last = last * weight + (1 - weight) * v;
    n++;
    return last / (1 - weight ** n);
  });
}

// real turns what JSON cannot say into gaps.
const real = (values) => values.map((v) => (typeof v === 'number' && Math.abs(v) < Number.MAX_VALUE ? v : null));

export const options = {x: 'step', log: false, weight: 0};

// axes are the names of what is across, with the distances that lines may have.
const axes = {
  step: {label: 'Step'},
  relative: {label: 'Duration', space: 80, incrs: [.001, .01, .1, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, ...[1, 2, 5, 10, 20, 50, 100].map((days) => days * 86400)]},
  time: {label: 'Time'},
};

// ago is a duration at a line, without what is zero in it.
const ago = (v) => (v < 0 ? '' : duration(v)).replace(/ 00 \w+$/, '').replace('.0 s', ' s');

const paint = () => [...Array(10).keys()].map((i) => color('--s' + i));

// Chart is one metric of some runs in a figure.
export class Chart {
  constructor(figure, key, runs) {
    Object.assign(this, {figure, key, runs, plot: null, data: null, zoomed: false});
    this.tip = el('div', {class: 'tip', 'aria-hidden': 'true'});
    this.room = el('div', {role: 'img', 'aria-label': `Chart of ${key}`});
    this.told = el('p', {class: 'left-out'});
    const big = el('button', {type: 'button', class: 'btn ghost icon small', 'aria-label': 'Enlarge ' + key, title: 'Enlarge', 'aria-pressed': 'false', onclick: () => {
      big.setAttribute('aria-pressed', String(figure.classList.toggle('big')));
      this.draw();
    }}, icon('zoom'));
    this.reset = el('button', {type: 'button', class: 'btn ghost small', hidden: true, onclick: () => this.zoom(null)}, 'Reset zoom');
    $('figcaption', figure).append(this.reset, big);
    figure.append(this.room, this.told, this.tip);
    new ResizeObserver(() => this.plot && this.plot.width !== this.width && this.plot.setSize({width: this.width, height: this.height})).observe(figure);
  }

  get width() { return Math.max(120, this.figure.clientWidth - 24); }
  get height() { return this.figure.classList.contains('big') ? 454 : 228; }

  async load() {
    const p = new URLSearchParams({key: this.key});
    for (const r of this.runs) p.append('run', r.id);
    const feed = await ask('/ui/curves?' + p);
    const text = JSON.stringify(feed.series);
    if (text === this.text) return;
    this.text = text;
    this.series = feed.series.map((s) => ({...s, y: real(s.y), run: this.runs.find((r) => r.id === s.run)}));
    const one = this.series.length === 1 && this.series[0].y;
    const caption = $('figcaption .num', this.figure);
    if (one?.length && caption) caption.textContent = number(Number(feed.series[0].y.at(-1)));
    this.draw();
  }

  tables() {
    return this.series.map((s) => {
      const start = s.t[0];
      let xs = options.x === 'step' ? s.x : s.t.map((t) => (options.x === 'time' ? t : t - start) / 1000);
      let ys = s.y;
      // One x may have one point only: of several the last one stays.
      const order = xs.map((_, i) => i).sort((a, b) => xs[a] - xs[b] || a - b).filter((i, k, all) => k === all.length - 1 || xs[all[k + 1]] !== xs[i]);
      xs = order.map((i) => xs[i]);
      ys = order.map((i) => ys[i]);
      if (options.log) ys = ys.map((y) => (y > 0 ? y : null));
      return options.weight ? [xs, smooth(ys, options.weight), ys] : [xs, ys];
    });
  }

  draw() {
    if (!this.series) return;
    const tables = this.tables().filter((t) => t[0].length);
    const kept = this.plot && !this.reset.hidden && this.across === options.x ? this.plot.scales.x : null;
    this.across = options.x;
    this.reset.hidden = true;
    this.plot?.destroy();
    this.plot = null;
    this.room.replaceChildren();
    this.told.textContent = '';
    if (!tables.length || !tables.some((t) => t[1].some((y) => y !== null))) {
      this.figure.classList.add('none');
      this.room.append(el('p', {class: 'note-line'}, options.log ? 'No value above 0: nothing to draw on a logarithmic axis.' : 'No number to draw.'));
      return;
    }
    this.figure.classList.remove('none');
    this.told.textContent = this.leftOut();
    const data = uPlot.join(tables);
    const colors = paint();
    const dim = color('--dim'), line = color('--line');
    const shown = this.series.filter((s) => s.y.length);
    const series = [{}];
    this.lines = [];
    shown.forEach((s, i) => {
      const c = colors[s.run.color % 10];
      const alone = s.y.length === 1;
      this.lines.push({index: series.length, run: s.run, color: c});
      // There are ten colors: the next ten runs are dashed.
      const dash = [undefined, [7, 4], [2, 3], [10, 3, 2, 3]][Math.floor(this.runs.indexOf(s.run) / 10) % 4];
      series.push({label: s.run.name, stroke: c, dash, width: 1.8, points: {show: alone || data[0].length < 24, size: alone ? 8 : 5, filter: lonely}});
      if (tables[i].length > 2) series.push({label: 'raw', stroke: c, width: 1, alpha: 0.28, points: {show: false}});
    });
    const axis = {stroke: dim, grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1, size: 4}, font: '11px system-ui, sans-serif'};
    const xs = data[0];
    this.plot = new uPlot({
      width: this.width, height: this.height, series,
      legend: {show: false},
      padding: [8, 10, 0, 0],
      cursor: {drag: {x: true, y: false, setScale: true}, points: {size: 6}, focus: {prox: 24}, sync: {key: options.x, scales: ['x', null]}},
      focus: {alpha: shown.length > 2 ? 0.3 : 1},
      scales: {x: {time: options.x === 'time', range: xs.length === 1 ? () => [xs[0] - 1, xs[0] + 1] : undefined}, y: options.log ? {distr: 3} : {range: (u, low, high) => pad(low, high)}},
      axes: [
        {...axis, size: 30, space: 60, labelSize: 16, labelGap: 0, labelFont: axis.font, ...axes[options.x], values: options.x === 'relative' ? (u, at) => at.map(ago) : options.x === 'step' ? (u, at) => at.map((v) => (Number.isInteger(v) ? compact(v) : '')) : undefined},
        {...axis, grid: {...axis.grid, filter: (u, at) => powers(at)}, size: letters, values: (u, at, i, space, step) => at.map((v) => (v == null ? '' : number(v, digits(at, step))))},
      ],
      hooks: {
        setCursor: [(u) => this.point(u)],
        setScale: [(u, key) => {
          if (key !== 'x' || !u.data[0]?.length || xs.length < 2) return;
          this.reset.hidden = !(u.scales.x.min > xs[0] || u.scales.x.max < xs.at(-1));
        }],
      },
    }, data, this.room);
    if (kept) this.zoom({min: kept.min, max: kept.max}); // what is looked at stays, whatever comes in
    const last = shown.map((s) => `${shown.length > 1 ? s.run.name + ': ' : ''}${s.y.length} points, last ${number(s.y.at(-1))}`).slice(0, 12).join('; ');
    this.room.setAttribute('aria-label', `Chart of ${this.key} by ${axes[options.x].label.toLowerCase()}. ${last}`);
  }

  // leftOut says which values the lines have gaps for.
  leftOut() {
    const some = (is) => this.series.some((s) => s.y.some(is));
    return [some((y) => y === null) && 'NaN and infinite values are left out.',
      options.log && some((y) => y !== null && y <= 0) && 'Values of 0 and less are left out: a logarithmic axis has no place for them.'].filter(Boolean).join(' ');
  }

  zoom(range) {
    const xs = this.plot.data[0];
    this.plot.setScale('x', range || {min: xs[0], max: xs.at(-1)});
  }

  // point shows the values at the pointer, those near it first.
  point(u) {
    const i = u.cursor.idx;
    if (i == null || u.cursor.left < 0 || !u.over.matches(':hover')) {
      this.tip.style.display = 'none';
      return;
    }
    const x = u.data[0][i];
    const found = [];
    for (const l of this.lines) {
      const y = near(u.data[l.index], i);
      if (y != null) found.push({...l, y, away: Math.abs(u.valToPos(y, 'y') - u.cursor.top)});
    }
    if (!found.length) {
      this.tip.style.display = 'none';
      return;
    }
    found.sort((a, b) => a.away - b.away);
    const some = found.slice(0, 8).sort((a, b) => b.y - a.y);
    const title = options.x === 'step' ? 'step ' + x : options.x === 'time' ? exactly(x) : duration(x);
    this.tip.replaceChildren(el('div', {class: 'dim num'}, title), ...some.map((l) => {
      const dot = el('i', {class: 'dot'});
      dot.style.background = l.color;
      return el('div', {class: 'row'}, dot, el('span', {}, l.run.name), el('b', {}, number(l.y, 6)));
    }));
    if (found.length > 8) this.tip.append(el('div', {class: 'dim'}, `and ${found.length - 8} more`));
    this.tip.style.display = 'block';
    const left = u.cursor.left + u.over.offsetLeft + 12;
    const flip = left + 26 + this.tip.offsetWidth > this.figure.clientWidth;
    this.tip.style.left = (flip ? Math.max(4, left - this.tip.offsetWidth - 8) : left + 22) + 'px';
    this.tip.style.top = Math.max(40, Math.min(u.cursor.top + 30, this.figure.clientHeight - this.tip.offsetHeight - 4)) + 'px';
  }
}

// lonely are the points that no line leads to, as those between two gaps; an
// undefined value is no gap, but a place where other curves have a point.
function lonely(u, series, all) {
  if (all) return null;
  const ys = u.data[series];
  const at = [...ys.keys()].filter((i) => ys[i] !== undefined);
  return at.filter((i, k) => ys[i] !== null && (ys[at[k - 1]] ?? null) === null && (ys[at[k + 1]] ?? null) === null);
}

// letters is the room that the longest text of an axis takes.
function letters(u, values, axis, round) {
  const a = u.axes[axis];
  if (round > 1) return a._size; // it settles
  u.ctx.font = a.font[0];
  return Math.max(34, Math.ceil(a.ticks.size + a.gap + Math.max(0, ...(values || []).map((v) => u.ctx.measureText(v || '').width)) / devicePixelRatio));
}

// digits are as many as tell the lines of an axis apart.
function digits(at, step) {
  const most = Math.max(...at.map((v) => Math.abs(v || 0)));
  return options.log || !(step > 0) || !most ? 4 : Math.max(4, Math.min(12, Math.floor(Math.log10(most)) - Math.floor(Math.log10(step)) + 1));
}

// near is the value at i, or the closest one where a curve has no point there.
function near(values, i) {
  if (values[i] === null) return null;
  for (let d = 0; d < values.length; d++) {
    if (values[i - d] != null) return values[i - d];
    if (values[i + d] != null) return values[i + d];
    if (d > 400) return null;
  }
  return null;
}

// powers leaves only lines of 1, 10, 100… where a logarithmic axis has some.
function powers(at) {
  if (!options.log) return at;
  const whole = at.map((v) => (v > 0 && Number.isInteger(Math.round(Math.log10(v) * 1e6) / 1e6) ? v : null));
  return whole.filter((v) => v !== null).length > 1 ? whole : at;
}

// pad is the range of an axis: a curve that moves by rounding only is flat.
function pad(low, high) {
  if (low == null) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  const room = high - low <= size * 1e-9 ? size * 0.1 || 1 : (high - low) * 0.06;
  return [low - room, high + room];
}

const compact = (v) => (Math.abs(v) >= 10000 ? new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 2}).format(v) : String(v));

// charts brings the figures on a page to life, with the tools above them.
export function charts(runs, {live = false} = {}) {
  const all = new Map();
  const near = new Set();
  const watch = new IntersectionObserver((seen) => {
    for (const s of seen) {
      if (!s.isIntersecting) {
        near.delete(s.target);
        continue;
      }
      near.add(s.target);
      if (all.has(s.target)) continue;
      const c = new Chart(s.target, s.target.dataset.key, runs);
      all.set(s.target, c);
      c.load().catch((e) => c.room.replaceChildren(el('p', {class: 'note-line'}, e.message)));
    }
  }, {rootMargin: '300px'});
  const figures = $$('figure.chart[data-key]');
  figures.forEach((f) => watch.observe(f));
  const redraw = () => all.forEach((c) => c.draw());

  const address = new URLSearchParams(location.search);
  const keep = (key, value) => {
    const p = new URLSearchParams(location.search);
    value ? p.set(key, value) : p.delete(key);
    const text = p.toString().replaceAll('%2C', ',');
    history.replaceState(null, '', location.pathname + (text ? '?' + text : '') + location.hash);
  };
  const tools = $('#chart-tools');
  const press = (button) => [...button.parentNode.children].forEach((b) => b.setAttribute('aria-pressed', String(b === button)));
  for (const b of $$('[data-x]', tools)) {
    b.addEventListener('click', () => { options.x = b.dataset.x; keep('x', options.x === 'step' ? '' : options.x); press(b); redraw(); });
    if (b.dataset.x === address.get('x')) { options.x = b.dataset.x; press(b); }
  }
  for (const b of $$('[data-y]', tools)) {
    b.addEventListener('click', () => { options.log = b.dataset.y === 'log'; keep('y', options.log ? 'log' : ''); press(b); redraw(); });
    if (b.dataset.y === address.get('y')) { options.log = b.dataset.y === 'log'; press(b); }
  }
  const slider = $('#smooth', tools), value = $('#smooth-value', tools);
  const weigh = () => { options.weight = Number(slider.value); value.textContent = slider.value; };
  slider.addEventListener('input', () => { weigh(); redraw(); });
  slider.addEventListener('change', () => keep('smooth', slider.value === '0' ? '' : slider.value));
  if (address.has('smooth')) { slider.value = address.get('smooth'); weigh(); }
  const find = $('#find-metric', tools);
  find?.addEventListener('input', () => {
    const text = find.value.toLowerCase();
    for (const f of figures) f.hidden = !f.dataset.key.toLowerCase().includes(text);
    const values = $$('.values > [data-key]');
    for (const v of values) v.hidden = !v.dataset.key.toLowerCase().includes(text);
    for (const s of $$('#charts section')) s.hidden = !$$('[data-key]', s).some((f) => !f.hidden);
  });
  addEventListener('theme', redraw);
  if (live) {
    setInterval(() => {
      if (!document.hidden) for (const f of near) all.get(f)?.load().catch(() => {});
    }, 2000);
  }
}
