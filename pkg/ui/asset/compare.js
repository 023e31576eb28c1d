// The page that compares runs.
import {$, el, number, svg} from './app.js';
import {charts} from './charts.js';

const data = JSON.parse($('#compare-data')?.textContent || 'null');

if (data) {
  if ($('figure.chart')) charts(data.runs.map((r) => ({id: r.id, name: r.name, color: r.color})));
  const dimensions = gather(data);
  parallel(data.runs, dimensions);
  scatter(data.runs, dimensions);
}

// gather lists what differs between runs, as numbers where they are.
function gather({params, metrics}) {
  const all = [];
  for (const [kind, values] of [['params', params], ['metrics', metrics]]) {
    for (const [key, list] of Object.entries(values)) {
      const known = list.filter((v) => v != null && v !== 'NaN');
      if (known.length < 2) continue;
      const numeric = known.every((v) => v !== '' && Number.isFinite(Number(v)));
      const distinct = [...new Set(known)];
      if (distinct.length < 2 && kind === 'params') continue;
      if (!numeric && distinct.length > 24) continue;
      const names = numeric ? null : distinct.map(String).sort();
      all.push({key, kind, names, values: list.map((v) => (v == null || v === 'NaN' ? null : numeric ? Number(v) : names.indexOf(String(v))))});
    }
  }
  return all;
}

function scale(d, from, to) {
  const known = d.values.filter((v) => v !== null);
  let low = Math.min(...known), high = Math.max(...known);
  const logs = !d.names && low > 0 && high / low >= 100;
  const f = logs ? Math.log10 : (v) => v;
  if (low === high) { low -= Math.abs(low) * 0.1 || 1; high += Math.abs(high) * 0.1 || 1; }
  const [a, b] = [f(low), f(high)];
  const distinct = [...new Set(known)].sort((p, q) => p - q);
  const apart = distinct.length <= 7 && distinct.every((v, i) => i === 0 || (f(v) - f(distinct[i - 1])) / (b - a) > 0.07);
  const ticks = d.names ? d.names.map((n, i) => [i, n]) : apart ? distinct.map((v) => [v, number(v, 4)]) : [0, 0.25, 0.5, 0.75, 1].map((p) => {
    const v = logs ? 10 ** (a + p * (b - a)) : a + p * (b - a);
    return [v, number(v, 3)];
  });
  return {at: (v) => from + (to - from) * (f(v) - a) / (b - a), ticks};
}

function parallel(runs, dimensions) {
  if (dimensions.length < 2 || runs.length < 2) return;
  const section = $('#parallel'), room = $('#parallel-room'), menu = $('#axes-menu');
  section.hidden = false;
  const chosen = new Set([...dimensions.filter((d) => d.kind === 'params').slice(0, 6), ...dimensions.filter((d) => d.kind === 'metrics' && !d.key.startsWith('system/')).slice(0, 5)]);
  const ranges = new Map();
  menu.append(el('h2', {}, 'Axes'), ...dimensions.map((d) => el('label', {class: 'check'}, el('input', {type: 'checkbox', checked: chosen.has(d), onchange: (e) => {
    e.target.checked ? chosen.add(d) : chosen.delete(d);
    ranges.delete(d);
    draw();
  }}), d.key)));
  menu.addEventListener('beforetoggle', () => {
    const b = $('#axes').getBoundingClientRect();
    menu.style.top = Math.min(b.bottom + 6, innerHeight - 240) + 'px';
    menu.style.right = Math.max(8, innerWidth - b.right) + 'px';
  });

  function draw() {
    const axes = dimensions.filter((d) => chosen.has(d));
    const width = Math.max(room.clientWidth, axes.length * 96), height = 330, top = 40, bottom = 312;
    const x = (i) => 60 + i * (width - 130) / Math.max(1, axes.length - 1);
    const scales = axes.map((d) => scale(d, bottom, top));
    const out = svg('svg', {class: 'drawn', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': `Parallel coordinates of ${runs.length} runs over ${axes.map((d) => d.key).join(', ')}`});
    out.style.minWidth = width + 'px'; // scrolls in a narrow window
    const lines = runs.map((r, k) => {
      let path = '';
      axes.forEach((d, i) => {
        const v = d.values[k];
        if (v !== null) path += `${path && axes[i - 1].values[k] !== null ? 'L' : 'M'}${x(i).toFixed(1)} ${scales[i].at(v).toFixed(1)}`;
      });
      const line = svg('path', {class: 'line c' + r.color, d: path, tabindex: 0, role: 'img', 'aria-label': r.name + ': ' + axes.map((d) => d.key + ' ' + shown(d, d.values[k])).join(', ')}, svg('title', {}, r.name));
      line.addEventListener('focus', () => line.classList.add('on'));
      line.addEventListener('blur', () => line.classList.remove('on'));
      return line;
    });
    out.append(...lines);
    const apply = () => lines.forEach((line, k) => line.classList.toggle('off', [...ranges].some(([d, [a, b]]) => {
      const i = axes.indexOf(d);
      if (i < 0) return false;
      const y = d.values[k] === null ? -1 : scales[i].at(d.values[k]);
      return y < a - 1 || y > b + 1;
    })));
    axes.forEach((d, i) => {
      const g = svg('g', {});
      g.append(svg('line', {class: 'axis', x1: x(i), x2: x(i), y1: top, y2: bottom}));
      const title = svg('text', {class: 'strong', x: x(i), y: 18, 'text-anchor': i === 0 ? 'start' : i === axes.length - 1 ? 'end' : 'middle'}, clip(d.key, i === 0 || i === axes.length - 1 ? 22 : Math.max(8, (width / axes.length) / 7.4)));
      title.append(svg('title', {}, d.key));
      if (i === 0) {
        const short = d.key.length < 14;
        title.setAttribute('x', short ? x(0) : 8);
        title.setAttribute('text-anchor', short ? 'middle' : 'start');
      }
      g.append(title);
      const room = Math.max(1, Math.ceil(scales[i].ticks.length / 14));
      scales[i].ticks.forEach(([v, text], n) => {
        if (n % room === 0) g.append(svg('text', {x: x(i) + 7, y: scales[i].at(v) + 4}, clip(text, 14)));
      });
      const brush = svg('rect', {class: 'brush', x: x(i) - 7, width: 14, y: 0, height: 0});
      const had = ranges.get(d);
      if (had) { brush.setAttribute('y', had[0]); brush.setAttribute('height', had[1] - had[0]); }
      const hit = svg('rect', {class: 'hit', x: x(i) - 14, width: 28, y: top - 10, height: bottom - top + 20});
      let from = null;
      const y = (e) => Math.max(top, Math.min(bottom, (e.clientY - out.getBoundingClientRect().top) * height / out.getBoundingClientRect().height));
      hit.addEventListener('pointerdown', (e) => { from = y(e); hit.setPointerCapture(e.pointerId); });
      hit.addEventListener('pointermove', (e) => {
        if (from === null) return;
        const [a, b] = [Math.min(from, y(e)), Math.max(from, y(e))];
        brush.setAttribute('y', a);
        brush.setAttribute('height', b - a);
        ranges.set(d, [a, b]);
        apply();
      });
      hit.addEventListener('pointerup', (e) => {
        if (Math.abs(y(e) - from) < 3) {
          ranges.delete(d);
          brush.setAttribute('height', 0);
          apply();
        }
        from = null;
      });
      g.append(brush, hit);
      out.append(g);
    });
    room.replaceChildren(out);
    apply();
  }
  draw();
  new ResizeObserver(draw).observe(room);
}

function shown(d, v) { return v === null ? 'none' : d.names ? d.names[v] : number(v); }
function clip(s, n) { return s.length > n ? s.slice(0, n / 2) + '…' + s.slice(1 - n / 2) : s; }

function scatter(runs, dimensions) {
  if (dimensions.length < 2) return;
  const section = $('#scatter'), room = $('#scatter-room'), sx = $('#scatter-x'), sy = $('#scatter-y');
  section.hidden = false;
  for (const s of [sx, sy]) s.append(...dimensions.map((d, i) => el('option', {value: i}, d.key)));
  const metric = dimensions.findIndex((d) => d.kind === 'metrics' && !d.key.startsWith('system/'));
  sy.value = Math.max(metric, 0);
  sx.value = dimensions.findIndex((d, i) => i !== Number(sy.value));
  function draw() {
    const dx = dimensions[sx.value], dy = dimensions[sy.value];
    const width = Math.max(320, room.clientWidth), height = 320;
    const X = scale(dx, 80, width - 48), Y = scale(dy, height - 46, 34);
    const out = svg('svg', {class: 'drawn', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': `${dy.key} over ${dx.key}`});
    for (const [v, text] of Y.ticks) out.append(svg('line', {class: 'gridline', x1: 70, x2: width - 20, y1: Y.at(v), y2: Y.at(v)}), svg('text', {x: 62, y: Y.at(v) + 4, 'text-anchor': 'end'}, clip(text, 9)));
    for (const [v, text] of X.ticks) out.append(svg('line', {class: 'gridline', x1: X.at(v), x2: X.at(v), y1: 12, y2: height - 38}), svg('text', {x: X.at(v), y: height - 22, 'text-anchor': 'middle'}, clip(text, 12)));
    out.append(svg('text', {class: 'strong', x: width - 20, y: height - 4, 'text-anchor': 'end'}, dx.key), svg('text', {class: 'strong', x: 8, y: 12}, dy.key));
    runs.forEach((r, k) => {
      if (dx.values[k] === null || dy.values[k] === null) return;
      const text = `${r.name}: ${dx.key} ${shown(dx, dx.values[k])}, ${dy.key} ${shown(dy, dy.values[k])}`;
      out.append(svg('a', {href: '/runs/' + r.id, 'aria-label': text}, svg('circle', {class: 'c' + r.color, cx: X.at(dx.values[k]), cy: Y.at(dy.values[k]), r: 6.5}, svg('title', {}, text))));
    });
    room.replaceChildren(out);
  }
  sx.addEventListener('change', draw);
  sy.addEventListener('change', draw);
  draw();
  new ResizeObserver(draw).observe(room);
}
