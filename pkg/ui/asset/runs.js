// The page of runs.
import {$, ask, duration, el, exactly, icon, number, onKey, post, toast, when} from './app.js';
import {columnsMenu} from './columns.js';
import {filterField} from './filter.js';
import {FLAT, Runs, STATUS, summary, view} from './rows.js';

const deleted = new URLSearchParams(location.search).has('deleted');

// addressed is the state that the address has.
function addressed() {
  const address = new URLSearchParams(location.search);
  return {
    experiment: address.get('experiment') || '',
    filter: address.get('filter') || '',
    sort: (address.get('sort') || '-start').replace(/^-/, ''),
    descending: (address.get('sort') || '-start').startsWith('-'),
    group: address.get('group') || '',
    cols: address.has('cols') ? address.get('cols').split(',').filter(Boolean) : null,
    open: new Set((address.get('open') || '').split(',').filter(Boolean)),
    picked: new Set((address.get('runs') || '').split(',').filter(Boolean)),
  };
}
const state = addressed();
let runs = null, rows = [], columns = [], at = -1, anchor = null, loading = null;

// remember puts the state into the address, so that a link shows the same; as a
// step that the browser's Back takes back, where that is asked for.
function remember(step = false) {
  const p = new URLSearchParams();
  if (deleted) p.set('deleted', '');
  if (state.experiment) p.set('experiment', state.experiment);
  if (state.filter) p.set('filter', state.filter);
  if (state.sort !== 'start' || !state.descending) p.set('sort', (state.descending ? '-' : '') + state.sort);
  if (state.group) p.set('group', state.group);
  if (state.cols) p.set('cols', state.cols.join(','));
  if (state.open.size && state.open.size < 60) p.set('open', [...state.open].join(','));
  if (state.picked.size && state.picked.size < 60) p.set('runs', [...state.picked].join(','));
  const text = p.toString().replaceAll('%2C', ',').replaceAll('%2F', '/').replace('deleted=', 'deleted');
  const url = location.pathname + (text ? '?' + text : '');
  if (step && url !== location.pathname + location.search) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}

function feedURL(path, more = {}) {
  const p = new URLSearchParams(more);
  if (deleted) p.set('deleted', '');
  if (state.experiment) p.set('experiment', state.experiment);
  if (state.filter) p.set('filter', state.filter);
  const wanted = state.cols || (more.since ? runs.shown : null);
  if (wanted) {
    const all = new Set(wanted);
    for (const extra of [state.group, state.sort]) if (extra.includes('.')) all.add(extra);
    if (!all.size) p.append('cols', '');
    for (const key of all) p.append('cols', key);
  }
  return path + '?' + p;
}

// load fetches the rows anew.
async function load() {
  loading?.abort();
  const mine = loading = new AbortController();
  const complaint = $('#complaint');
  grid.setAttribute('aria-busy', 'true');
  try {
    const feed = await ask(feedURL('/ui/runs'), {signal: mine.signal});
    const keys = runs?.keys || [];
    const before = runs?.shown;
    runs = new Runs(feed);
    if (state.filter && keys.length) { // completion goes on to know what the filter leaves out
      const have = new Set(runs.keys.map((k) => k.key));
      runs.keys.push(...keys.filter((k) => !have.has(k.key)));
    }
    if (!runs.shown) runs.shown = before;
    else if (before && state.filter) runs.shown = [...new Set([...runs.shown, ...before.filter((k) => runs.columns.has(k))])];
    const extra = [state.group, state.sort].filter((k) => k.includes('.') && !runs.columns.has(k));
    if (extra.length && !state.cols) {
      state.cols = [...runs.shown];
      await load();
      return;
    }
    complaint.hidden = true;
    draw();
  } catch (e) {
    if (e.name === 'AbortError') return;
    complaint.textContent = e.message;
    complaint.hidden = false;
  } finally {
    if (loading === mine) grid.removeAttribute('aria-busy');
  }
}

// --- drawing

const grid = $('#grid');
const head = el('thead');
const body = el('tbody');
const table = el('table', {'aria-label': 'Runs'}, head, body);
const top_ = el('tr', {class: 'pad', 'aria-hidden': 'true'}, el('td'));
const bottom = el('tr', {class: 'pad', 'aria-hidden': 'true'}, el('td'));
const pool = [];
const narrowWindow = matchMedia('(max-width: 820px)');
let nested = false, rowHeight = 34, first = -1, last = -1;

const base = {
  status: {title: 'Status', width: 112}, start: {title: 'Started', width: 148}, took: {title: 'Took', width: 104, right: true},
};

function describe(key) {
  if (base[key]) return {key, ...base[key]};
  const dot = key.indexOf('.');
  const kind = key.slice(0, dot), name = key.slice(dot + 1);
  const values = runs.columns.get(key) || [];
  const isNumber = kind === 'metrics' || (kind === 'params' && values.every((v) => v === null || v === '' || !Number.isNaN(Number(v))));
  let longest = 0, low = Infinity, high = -Infinity, small = Infinity;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v === null) continue;
    if (kind === 'metrics') {
      if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
      if (v && Math.abs(v) < Math.abs(small)) small = v; // it takes the most letters
    } else if (longest < 30) longest = Math.max(longest, v.length);
  }
  if (kind === 'metrics') longest = Math.max(8, ...[low, high, small].filter(Number.isFinite).map((v) => number(v).length)) + (state.group && state.group !== FLAT ? 2 : 0); // groups say ø before their mean
  const title = kind === 'attributes' ? name[0].toUpperCase() + name.slice(1) : name;
  const width = Math.max(84, Math.min(240, 7.2 * Math.max(longest, Math.min(title.length + (kind === 'params' || kind === 'tags' ? 5 : 0), 26)) + 30));
  return {key, kind, title, right: isNumber, width, low, high, bars: kind === 'metrics' && high > low};
}

function shownColumns() {
  return state.cols || runs.shown || [];
}

function drawHead() {
  columns = ['status', 'start', 'took', ...shownColumns()].map(describe);
  const header = (key, title, kind, cls) => el('th', {class: cls, scope: 'col', 'aria-sort': state.sort === key ? (state.descending ? 'descending' : 'ascending') : null},
    el('button', {type: 'button', title: kind ? kind + '.' + title : title, 'data-sort': key, onclick: () => sortBy(key)}, el('span', {}, title)));
  const all = el('input', {type: 'checkbox', id: 'all', 'aria-label': 'Select all runs', onchange: () => pickAll(all.checked)});
  head.replaceChildren(el('tr', {'aria-rowindex': 1},
    el('th', {class: 'sel', scope: 'col'}, all), header('name', 'Name', '', 'name'),
    ...columns.map((c) => header(c.key, c.title, c.kind, c.right ? 'r' : '')), el('td', {'aria-hidden': 'true'})));
  const narrow = narrowWindow.matches;
  const longest = runs.names.reduce((n, name) => Math.max(n, name.length), 0);
  const widths = [narrow ? 36 : 42, narrow ? 158 : Math.max(180, Math.min(300, longest * 7.6 + (runs.parent && state.group !== FLAT || state.group ? 70 : 30))), ...columns.map((c) => c.width)];
  // What room is left belongs to a last column without a width.
  const group = el('colgroup', {}, ...widths.map(() => el('col')), el('col'));
  widths.forEach((w, i) => { group.children[i].style.width = w + 'px'; });
  table.style.minWidth = widths.reduce((a, b) => a + b, 0) + 'px';
  table.querySelector('colgroup')?.remove();
  table.prepend(group);
  for (const b of head.querySelectorAll('button')) {
    const c = columns.find((x) => x.key === b.dataset.sort);
    if (c?.kind && c.kind !== 'metrics' && c.kind !== 'attributes') b.append(el('span', {class: 'kind'}, c.kind.replace(/s$/, '')));
  }
  body.replaceChildren(top_, bottom);
  pool.length = 0;
}

// draw does everything anew: columns, order, rows.
function draw() {
  fillGroups();
  drawHead();
  arrange();
  remember();
}

// arrange orders the rows and draws those that are seen.
function arrange() {
  rows = view(runs, state);
  nested = rows.some((r) => r.kids && !r.group);
  rowHeight = parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row')) || 34;
  if (!runs.n) {
    const none = $(state.filter || state.experiment ? '#no-match' : '#no-runs').content.cloneNode(true);
    grid.replaceChildren(none);
    $('.origin', grid)?.append(location.origin);
    $('#unfilter', grid)?.addEventListener('click', () => { field.set(''); setFilter(''); });
  } else if (!table.isConnected) grid.replaceChildren(table);
  table.setAttribute('aria-rowcount', rows.length + 1);
  at = Math.min(at, rows.length - 1);
  first = -1;
  paint();
  told();
}

function told() {
  const n = runs.n.toLocaleString();
  $('#count').textContent = runs.n ? (runs.more ? `the newest ${n}; a filter reaches older ones` : n + (runs.n === 1 ? ' run' : ' runs')) : '';
  const running = deleted ? 0 : runs.running;
  $('#live').hidden = !running;
  $('#live-text').textContent = running + ' running';
  const picked = state.picked.size;
  $('#picked').hidden = !picked;
  $('#picked-count').textContent = picked + ' selected';
  const all = $('#all');
  if (all) {
    all.checked = picked > 0 && picked >= runs.n;
    all.indeterminate = picked > 0 && picked < runs.n;
  }
}

// paint fills the rows in and near the window.
function paint() {
  if (!runs || !table.isConnected) return;
  const from = Math.max(0, Math.floor(grid.scrollTop / rowHeight) - 8);
  const to = Math.min(rows.length, Math.ceil((grid.scrollTop + grid.clientHeight) / rowHeight) + 8);
  if (from === first && to === last) return;
  [first, last] = [from, to];
  while (pool.length < to - from) {
    const r = makeRow();
    pool.push(r);
    bottom.before(r.tr);
  }
  pool.forEach((r, k) => {
    const n = from + k;
    r.tr.hidden = n >= to;
    if (n < to) fill(r, n);
  });
  pad(top_, from);
  pad(bottom, rows.length - to);
}

function pad(tr, n) {
  tr.hidden = n <= 0;
  tr.firstChild.style.height = n * rowHeight + 'px';
}

function makeRow() {
  const box = el('input', {type: 'checkbox'});
  const twist = el('button', {type: 'button', class: 'twist'}, icon('chevron'));
  const link = el('a', {});
  const label = el('span', {});
  const status = el('span', {});
  const name = el('th', {class: 'name', scope: 'row'}, twist, link, label);
  const cells = columns.map((c) => el('td', {class: c.right ? 'r' : ''}));
  cells[0].append(status);
  const tr = el('tr', {}, el('td', {class: 'sel'}, box), name, ...cells, el('td', {'aria-hidden': 'true'}));
  const r = {tr, box, twist, link, label, name, status, cells, n: -1};
  box.addEventListener('click', (e) => pick(r.n, box.checked, e.shiftKey));
  twist.addEventListener('click', () => toggle(r.n));
  tr.addEventListener('mousedown', () => { move(r.n, false); });
  return r;
}

function fill(r, n) {
  const row = rows[n];
  r.n = n;
  r.tr.setAttribute('aria-rowindex', n + 2);
  r.tr.classList.toggle('at', n === at);
  r.tr.classList.toggle('group', !!row.group);
  r.twist.hidden = !row.kids;
  if (row.kids) {
    r.twist.setAttribute('aria-expanded', String(!!row.open));
    r.twist.setAttribute('aria-label', (row.open ? 'Close ' : 'Open ') + (row.group ? row.label : runs.names[row.i]));
  }
  r.name.style.paddingLeft = 4 + 18 * row.depth + (nested && !row.kids ? 24 : 0) + 'px';
  r.link.hidden = !!row.group;
  r.status.hidden = !!row.group;
  r.label.hidden = !row.group && !row.kids;
  if (row.group) {
    const picked = row.list.filter((i) => state.picked.has(runs.ids[i])).length;
    r.box.checked = picked === row.list.length;
    r.box.indeterminate = picked > 0 && picked < row.list.length;
    r.box.setAttribute('aria-label', 'Select the runs of ' + row.label);
    r.tr.classList.remove('picked');
    r.label.className = '';
    r.label.textContent = `${row.label}  (${row.list.length})`;
    r.name.title = row.label;
    r.cells.forEach((cell, k) => {
      const s = columns[k].right ? summary(runs, columns[k].key, row.list) : null;
      if (k) cell.textContent = '';
      cell.className = columns[k].right ? 'r' : '';
      cell.title = '';
      if (s && columns[k].kind === 'metrics') {
        cell.textContent = 'ø ' + number(s.mean, 4);
        cell.title = `mean ${number(s.mean)}, from ${number(s.low)} to ${number(s.high)} over ${s.n}`;
      }
    });
    return;
  }
  const i = row.i;
  const picked = state.picked.has(runs.ids[i]);
  r.tr.classList.toggle('picked', picked);
  r.box.checked = picked;
  r.box.indeterminate = false;
  r.box.setAttribute('aria-label', 'Select ' + runs.names[i]);
  r.link.href = '/runs/' + runs.ids[i];
  r.link.textContent = runs.names[i];
  r.name.title = runs.names[i];
  if (row.kids) {
    r.label.className = 'dim';
    r.label.textContent = '  ' + row.kids;
  }
  const status = STATUS[runs.status[i]] || '';
  r.status.className = 'status ' + status.toLowerCase();
  r.status.textContent = status[0] + status.slice(1).toLowerCase();
  for (let k = 1; k < columns.length; k++) {
    const c = columns[k], cell = r.cells[k];
    const v = runs.value(c.key, i);
    let text, title = '';
    if (c.key === 'start') [text, title] = [when(v, runs.now / 1000), exactly(v)];
    else if (c.key === 'took') text = duration(v);
    else if (c.kind === 'metrics') text = number(v);
    else {
      text = v === null ? '' : c.key === 'attributes.commit' ? v.slice(0, 10) : v;
      title = v || '';
    }
    cell.textContent = text;
    cell.title = title;
    cell.className = (c.right ? 'r' : '') + (c.key === 'start' || c.key === 'took' ? ' dim' : '') + (c.bars && Number.isFinite(v) ? ' bars' : '');
    if (c.bars && Number.isFinite(v)) cell.style.setProperty('--p', ((v - c.low) / (c.high - c.low)).toFixed(3));
  }
}

// repaint draws the rows that are seen again, in place.
function repaint() {
  first = -1;
  paint();
  told();
}

let frame = 0;
grid.addEventListener('scroll', () => {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(paint);
}, {passive: true});
new ResizeObserver(() => { first = -1; paint(); }).observe(grid);
narrowWindow.addEventListener('change', () => runs && draw());

// --- what people do

function sortBy(key) {
  if (state.sort === key) state.descending = !state.descending;
  else {
    state.sort = key;
    const c = columns.find((x) => x.key === key);
    state.descending = key === 'start' || c?.kind === 'metrics';
  }
  draw();
  $(`[data-sort="${CSS.escape(key)}"]`, head)?.focus();
}

let typed = false; // all that is typed into the filter at once is one step

function setFilter(text) {
  state.filter = text;
  grid.scrollTop = 0;
  remember(!typed);
  typed = document.activeElement === $('#filter');
  load();
}
$('#filter').addEventListener('blur', () => { typed = false; });

function move(to, scroll = true) {
  if (!rows.length) return;
  at = Math.max(0, Math.min(rows.length - 1, to));
  if (scroll) {
    const y = at * rowHeight;
    const room = grid.clientHeight - rowHeight - 4;
    if (y < grid.scrollTop) grid.scrollTop = y;
    else if (y + rowHeight > grid.scrollTop + room) grid.scrollTop = y + rowHeight - room;
  }
  for (const r of pool) r.tr.classList.toggle('at', r.n === at);
  first = -1;
  paint();
}

const keyOf = (row) => row.group || runs.ids[row.i];

function idsOf(row) {
  return row.group ? row.list.map((i) => runs.ids[i]) : [runs.ids[row.i]];
}

function pick(n, on, range) {
  const from = range ? rows.findIndex((row) => keyOf(row) === anchor) : -1;
  const [a, b] = from >= 0 ? [Math.min(from, n), Math.max(from, n)] : [n, n];
  for (let k = a; k <= b; k++) for (const id of idsOf(rows[k])) on ? state.picked.add(id) : state.picked.delete(id);
  anchor = keyOf(rows[n]);
  repaint();
  remember();
}

function pickAll(on) {
  state.picked = new Set(on ? runs.ids : []);
  repaint();
  remember();
}

function toggle(n, to) {
  const row = rows[n];
  if (!row?.kids || to === !!row.open) return;
  const key = keyOf(row);
  state.open.has(key) ? state.open.delete(key) : state.open.add(key);
  arrange();
  remember();
}

function compare() {
  if (state.picked.size < 2) return toast('Select two runs or more to compare them');
  if (state.picked.size > 100) return toast('Compare takes up to 100 runs: select fewer', true);
  location.assign('/compare?runs=' + [...state.picked].join(','));
}

async function change(url, body, done) {
  const ids = [...state.picked];
  try {
    await post(url, {runs: ids, ...body});
    done(ids);
  } catch (e) {
    toast(e.message, true);
  }
}

function drop(ids, text, undo) {
  runs.remove(new Set(ids));
  state.picked.clear();
  arrange();
  remember();
  toast(text, false, undo);
}

// undelete takes back what was just deleted.
const undelete = (ids) => post('/ui/runs/restore', {runs: ids}).then(() => { toast(many(ids) + ' restored'); return load(); }).catch((e) => toast(e.message, true));

const many = (ids) => ids.length + (ids.length === 1 ? ' run' : ' runs');

$('#compare')?.addEventListener('click', compare);
$('#clear').addEventListener('click', () => pickAll(false));
$('#delete')?.addEventListener('click', () => change('/ui/runs/delete', {}, (ids) => drop(ids, many(ids) + ' deleted', () => undelete(ids))));
$('#restore')?.addEventListener('click', () => change('/ui/runs/restore', {}, (ids) => drop(ids, many(ids) + ' restored')));
const tagDialog = $('#tag-dialog');
$('#tag')?.addEventListener('click', () => {
  $('form', tagDialog).reset();
  tagDialog.returnValue = ''; // Esc leaves what the last one was closed with
  tagDialog.showModal();
});
tagDialog.addEventListener('close', () => {
  if (tagDialog.returnValue !== 'ok') return;
  const form = new FormData($('form', tagDialog));
  change('/ui/runs/tag', {key: form.get('key'), value: form.get('value')}, (ids) => {
    toast(`${many(ids)} tagged`);
    if (state.cols && !state.cols.includes('tags.' + form.get('key'))) state.cols.push('tags.' + form.get('key'));
    load();
  });
});
$('#experiment').addEventListener('change', (e) => {
  state.experiment = e.target.value;
  about();
  state.picked.clear();
  runs.shown = null;
  grid.scrollTop = 0;
  remember(true);
  load();
});

// Back and Forward.
addEventListener('popstate', () => {
  const before = state.experiment;
  Object.assign(state, addressed());
  field.set(state.filter);
  $('#experiment').value = state.experiment;
  about();
  if (runs && before !== state.experiment) runs.shown = null;
  load();
});

// about leads to the page of the experiment that is chosen.
function about() {
  const link = $('#about'), id = $('#experiment').selectedOptions[0]?.dataset.id;
  link.hidden = !id;
  if (id) link.href = `/experiments/${id}/about`;
}
about();

function fillGroups() {
  const select = $('#group');
  const keys = runs.keys.filter((k) => k.t && k.t.length > 0 && k.key !== 'attributes.note' && !k.key.startsWith('tags.mlflow.log')).map((k) => k.key);
  select.replaceChildren(el('option', {value: ''}, runs.parent ? 'Nested' : 'No groups'),
    runs.parent || state.group === FLAT ? el('option', {value: FLAT, selected: state.group === FLAT}, 'Flat list') : '', el('option', {value: 'status', selected: state.group === 'status'}, 'Group by status'),
    ...[...new Set([...(state.group && state.group !== 'status' && state.group !== FLAT ? [state.group] : []), ...keys])].map((k) => el('option', {value: k, selected: k === state.group}, 'Group by ' + k.replace(/^attributes\./, ''))));
}
$('#group').addEventListener('change', (e) => {
  state.group = e.target.value;
  state.open.clear();
  grid.scrollTop = 0;
  remember(true);
  if (state.group.includes('.') && !runs.columns.has(state.group)) {
    state.cols ||= [...runs.shown];
    load();
  } else draw();
});

columnsMenu({
  keys: () => runs?.keys, shown: shownColumns,
  choose(key, on) {
    const now = [...shownColumns()];
    state.cols = on ? [...now, key] : now.filter((k) => k !== key);
    on && !runs.columns.has(key) ? load() : draw();
  },
  again() {
    state.cols = null;
    load();
  },
});

const field = filterField({keys: () => runs?.keys || [], done: setFilter});
field.set(state.filter);

onKey('/', () => $('#filter').focus());
onKey('j', () => move(at + 1));
onKey('ArrowDown', () => move(at + 1));
onKey('k', () => move(at - 1));
onKey('ArrowUp', () => move(at - 1));
// The table scrolls, not the page: these keys are meant for it wherever the focus is.
for (const [key, to] of [['Home', () => 0], ['End', () => grid.scrollHeight], ['PageUp', () => grid.scrollTop - grid.clientHeight + 2 * rowHeight], ['PageDown', () => grid.scrollTop + grid.clientHeight - 2 * rowHeight]]) {
  onKey(key, () => { grid.scrollTop = to(); });
}
onKey('x', () => at >= 0 && pick(at, !idsOf(rows[at]).every((id) => state.picked.has(id)), false));
onKey('X', () => at >= 0 && pick(at, true, true));
onKey('c', compare);
onKey('ArrowRight', () => toggle(at, true));
onKey('ArrowLeft', () => toggle(at, false));
onKey('Escape', () => state.picked.size && pickAll(false));
onKey('Enter', (e) => {
  if (at < 0 || e.target.closest('a, button')) return;
  rows[at].group ? toggle(at) : location.assign('/runs/' + runs.ids[rows[at].i]);
});

// --- what goes on meanwhile

async function live() {
  let pause = 5000;
  if (runs && !document.hidden && !deleted) {
    try {
      if (runs.merge(await ask(feedURL('/ui/runs/changes', {since: runs.now})))) {
        const keep = at >= 0 && rows[at]?.i !== undefined ? runs.ids[rows[at].i] : null;
        if (!table.isConnected) draw();
        else arrange();
        if (keep) at = rows.findIndex((r) => r.i !== undefined && runs.ids[r.i] === keep);
        repaint();
      } else if (runs.running) repaint();
      if (runs.running) pause = 2000;
    } catch {
      pause = 10000;
    }
  }
  setTimeout(live, pause);
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) repaint(); });
load().then(() => setTimeout(live, 1500));
