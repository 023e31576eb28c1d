// What the table of runs knows: columns of values, and the order and nesting of
// rows made from them. No DOM here.

export const STATUS = {R: 'RUNNING', S: 'SCHEDULED', F: 'FINISHED', X: 'FAILED', K: 'KILLED'};

// Runs is the feed, unpacked.
export class Runs {
  constructor(feed) {
    this.take(feed);
  }

  take(feed) {
    const n = feed.status.length;
    Object.assign(this, {n, now: feed.now, more: feed.more, width: feed.width, keys: feed.keys || [], shown: feed.shown});
    this.ids = Array.from({length: n}, (_, i) => feed.ids.slice(i * feed.width, (i + 1) * feed.width));
    this.names = feed.names || [];
    this.status = [...feed.status];
    let at = 0;
    this.start = (feed.start || []).map((d) => (at += d));
    this.took = feed.took || [];
    this.parent = feed.parent || null;
    this.columns = new Map((feed.cols || []).map((c) => [c.key, unpack(c, n)]));
    this.index();
  }

  index() {
    this.at = new Map(this.ids.map((id, i) => [id, i]));
  }

  // merge takes in rows that changed; it tells whether anything did.
  merge(feed) {
    const fresh = new Runs({...feed, keys: this.keys, shown: this.shown});
    let changed = false;
    const added = [];
    for (let j = 0; j < fresh.n; j++) {
      const i = this.at.get(fresh.ids[j].slice(0, this.width));
      if (i === undefined) {
        added.push(j);
        continue;
      }
      for (const field of ['names', 'status', 'start', 'took']) {
        if (this[field][i] !== fresh[field][j]) {
          this[field][i] = fresh[field][j];
          changed = true;
        }
      }
      for (const [key, c] of this.columns) {
        const v = fresh.columns.get(key)?.[j];
        if (v !== undefined && !Object.is(v, c[i])) {
          c[i] = v;
          changed = true;
        }
      }
    }
    if (added.length) {
      const ids = added.map((j) => fresh.ids[j].slice(0, this.width));
      if (this.parent || fresh.parent) {
        const full = new Map(fresh.ids.map((id) => [id.slice(0, this.width), id]));
        const old = (this.parent || this.ids.map(() => -1)).map((p) => (p < 0 ? p : p + added.length));
        const of = (j) => {
          const p = fresh.parent?.[j] ?? -1;
          if (p < 0) return -1;
          const short = fresh.ids[p].slice(0, this.width);
          const k = ids.indexOf(short);
          return k >= 0 ? k : full.has(short) && this.at.has(short) ? this.at.get(short) + added.length : -1;
        };
        this.parent = [...added.map(of), ...old];
      }
      this.ids.unshift(...ids);
      for (const field of ['names', 'status', 'start', 'took']) this[field].unshift(...added.map((j) => fresh[field][j]));
      for (const [key, c] of this.columns) c.unshift(...added.map((j) => fresh.columns.get(key)?.[j] ?? null));
      this.n = this.ids.length;
      this.index();
      changed = true;
    }
    this.now = feed.now;
    return changed;
  }

  remove(gone) {
    const keep = this.ids.map((id, i) => i).filter((i) => !gone.has(this.ids[i]));
    const to = new Map(keep.map((i, j) => [i, j]));
    for (const field of ['names', 'status', 'start', 'took']) this[field] = keep.map((i) => this[field][i]);
    for (const [key, c] of this.columns) this.columns.set(key, keep.map((i) => c[i]));
    if (this.parent) this.parent = keep.map((i) => to.get(this.parent[i]) ?? -1);
    this.ids = keep.map((i) => this.ids[i]);
    this.n = this.ids.length;
    this.index();
  }

  // value is what a row has in a column.
  value(key, i) {
    switch (key) {
      case 'name': return this.names[i];
      case 'status': return STATUS[this.status[i]];
      case 'start': return this.start[i];
      case 'took': return this.took[i] ?? (this.status[i] === 'R' ? Math.max(0, this.now / 1000 - this.start[i]) : null);
    }
    return this.columns.get(key)?.[i] ?? null;
  }

  get running() {
    return this.status.reduce((n, s) => n + (s === 'R' ? 1 : 0), 0);
  }
}

function unpack(c, n) {
  if (c.v) return c.v.map((v) => (typeof v === 'string' ? Number(v) : v)); // Infinity, NaN
  if (!c.i) return Array(n).fill(null);
  return c.i.map((i) => (i < 0 ? null : c.t[i]));
}

// FLAT is the group that shows nested runs as a plain list.
export const FLAT = 'flat';

const collator = new Intl.Collator(undefined, {numeric: true});

// sorter compares two rows; what is missing comes last whatever the direction.
export function sorter(runs, key, descending) {
  const values = Array.from({length: runs.n}, (_, i) => runs.value(key, i));
  const texts = values.some((v) => typeof v === 'string' && v !== '' && Number.isNaN(Number(v)));
  const cooked = texts ? values : values.map((v) => (v === null || v === '' || Number.isNaN(v) ? null : Number(v)));
  const sign = descending ? -1 : 1;
  let rank = null;
  if (texts) { // compare each text once with its kin, not with every neighbour
    const known = [...new Set(cooked.filter((v) => v !== null).map(String))].sort(collator.compare);
    rank = new Map(known.map((v, i) => [v, i]));
  }
  return (a, b) => {
    let x = cooked[a], y = cooked[b];
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    if (rank) { x = rank.get(String(x)); y = rank.get(String(y)); }
    return (x - y) * sign || a - b;
  };
}

// view is the rows in the order in which they are drawn.
export function view(runs, {sort, descending, group, open}) {
  const order = Array.from({length: runs.n}, (_, i) => i);
  if (!(sort === 'start' && descending)) order.sort(sorter(runs, sort, descending));
  if (group && group !== FLAT) return grouped(runs, order, group, open);
  if (!runs.parent || group === FLAT) return order.map((i) => ({i, depth: 0}));
  const children = new Map();
  for (const i of order) {
    const p = runs.parent[i];
    if (!children.has(p)) children.set(p, []);
    children.get(p).push(i);
  }
  const out = [];
  const add = (i, depth) => {
    const kids = children.get(i);
    const isOpen = kids && open.has(runs.ids[i]);
    out.push({i, depth, kids: kids?.length || 0, open: isOpen});
    if (isOpen && depth < 20) kids.forEach((k) => add(k, depth + 1));
  };
  (children.get(-1) || []).forEach((i) => add(i, 0));
  return out;
}

function grouped(runs, order, group, open) {
  const members = new Map();
  for (const i of order) {
    const v = runs.value(group, i) ?? '';
    if (!members.has(v)) members.set(v, []);
    members.get(v).push(i);
  }
  const out = [];
  for (const [value, list] of members) {
    const id = 'group:' + value;
    const isOpen = !open.has(id); // groups are open until closed
    out.push({group: id, label: value === '' ? '(none)' : String(value), list, open: isOpen, kids: list.length, depth: 0});
    if (isOpen) for (const i of list) out.push({i, depth: 1});
  }
  return out;
}

// summary is the mean and the range of a column over rows.
export function summary(runs, key, list) {
  let n = 0, sum = 0, low = Infinity, high = -Infinity;
  for (const i of list) {
    const v = runs.value(key, i);
    if (typeof v !== 'number' || !Number.isFinite(v)) continue;
    n++;
    sum += v;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  return n ? {n, mean: sum / n, low, high} : null;
}
