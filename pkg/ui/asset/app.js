// What every page has: keys, theme, messages, times in the reader's zone.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// el makes an element: attributes, then children.
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) {
    if (v === false || v == null) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (k === 'class') e.className = v;
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children);
  return e;
}

const SVG = 'http://www.w3.org/2000/svg';

// svg makes an element of a drawing.
export function svg(name, attributes = {}, ...children) {
  const e = document.createElementNS(SVG, name);
  for (const [k, v] of Object.entries(attributes)) if (v != null) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

export function icon(name) {
  const i = svg('svg', {class: 'i', 'aria-hidden': 'true'}, svg('use', {href: '#i-' + name}));
  return i;
}

// toast says something for a moment; undo, when there is one, takes it back.
export function toast(text, bad = false, undo = null) {
  const t = el('div', {class: bad ? 'toast bad' : 'toast'}, text);
  if (undo) t.append(el('button', {type: 'button', onclick: () => { t.remove(); undo(); }}, 'Undo'));
  $('.toasts').append(t);
  setTimeout(() => t.remove(), bad || undo ? 8000 : 3500);
}

// ask fetches JSON; what the server says is wrong becomes an Error with hints.
export async function ask(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, {...options, headers: {Accept: 'application/json', ...options.headers}});
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Error('the server does not answer');
  }
  if (answer.ok) return answer.json();
  if (answer.status === 401) location.assign('/signin?next=' + encodeURIComponent(location.pathname + location.search));
  const said = await answer.json().catch(() => ({error: answer.statusText}));
  const e = new Error([said.error, ...(said.hints || [])].join(' – '));
  e.status = answer.status;
  throw e;
}

export const post = (url, body) => ask(url, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});

// number writes a value in six significant digits, or fewer.
export function number(v, digits = 5) {
  if (v == null) return '';
  if (!(Math.abs(v) < Number.MAX_VALUE)) return Number.isNaN(v) ? 'NaN' : v > 0 ? '∞' : '−∞'; // MLflow's clients send the largest number for infinity
  if (v === 0 || Number.isInteger(v) && Math.abs(v) < 1e12) return String(v);
  const size = Math.abs(v);
  if (size >= 1e12 || size < 1e-4) return v.toExponential(3).replace(/\.?0+e/, 'e');
  return size >= 10 ** digits ? String(Math.round(v)) : String(Number(v.toPrecision(digits)));
}

export function duration(s) {
  if (s == null) return '';
  if (s < 0.0005) return '0 s';
  if (s < 1) return Math.round(s * 1000) + ' ms';
  if (s < 60) return s.toFixed(1) + ' s';
  const two = (n) => String(Math.floor(n)).padStart(2, '0');
  if (s < 3600) return Math.floor(s / 60) + ' min ' + two(s % 60) + ' s';
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + two(s / 60 % 60) + ' min';
  return Math.floor(s / 86400) + ' d ' + two(s / 3600 % 24) + ' h';
}

const near = new Intl.DateTimeFormat(undefined, {month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit'});
const far = new Intl.DateTimeFormat(undefined, {year: 'numeric', month: 'short', day: 'numeric'});
const full = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'medium'});

export function when(seconds, now = Date.now() / 1000) {
  if (!seconds) return '';
  const ago = now - seconds;
  if (ago < 60) return 'just now';
  if (ago < 3600) return Math.floor(ago / 60) + ' min ago';
  if (ago < 86400) return Math.floor(ago / 3600) + ' h ago';
  return (ago < 300 * 86400 ? near : far).format(seconds * 1000);
}

export const exactly = (seconds) => seconds ? full.format(seconds * 1000) : '';

// color is what a custom property is at the moment, for canvases.
export function color(name) {
  const probe = color.probe ||= document.body.appendChild(el('i', {hidden: true}));
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

const dark = matchMedia('(prefers-color-scheme: dark)');

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : dark.matches;
}

function switchTheme() {
  const theme = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  document.cookie = `mlops_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
  dispatchEvent(new Event('theme'));
}
dark.addEventListener('change', () => dispatchEvent(new Event('theme')));

const help = $('#help');
$('#theme').addEventListener('click', switchTheme);
$('#help-open').addEventListener('click', () => help.showModal());

for (const t of $$('time[datetime]')) {
  const seconds = Date.parse(t.dateTime) / 1000;
  t.title = exactly(seconds);
  if (t.dataset.full !== undefined) t.textContent = exactly(seconds);
}
for (const o of $$('.origin')) o.textContent = location.origin;

// Keys. Pages add theirs with onKey; a key pressed in a field is the field's.
const keys = new Map();
let going = false;

export const onKey = (key, fn) => keys.set(key, fn);
export const typing = (target) => target.closest('input:not([type=checkbox]), textarea, select, [contenteditable]');

document.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || $('dialog[open]')) return;
  if (typing(e.target)) return;
  if (going) {
    going = false;
    const to = {r: '/runs', e: '/experiments', m: '/models', d: '/data', p: '/pipelines'}[e.key];
    if (to) location.assign(to);
    return;
  }
  if (e.key === 'g') {
    going = true;
    setTimeout(() => { going = false; }, 1200);
  } else if (e.key === '?') help.showModal();
  else if (e.key === 't') switchTheme();
  else if (keys.has(e.key)) keys.get(e.key)(e);
  else return;
  if (e.key !== 'Enter') e.preventDefault();
});

// In a narrow window the navigation and tabs scroll.
for (const at of $$('.side nav [aria-current], .tabs [aria-current]')) at.scrollIntoView({block: 'nearest', inline: 'nearest'});

// In a long tree the file that is shown is in sight.
const shown = $('.tree [aria-current]'), tree = shown?.closest('.tree');
if (tree) tree.scrollTop = shown.getBoundingClientRect().top - tree.getBoundingClientRect().top - tree.clientHeight / 2;

// So is what a drawing is about.
for (const on of $$('.dag .on')) {
  const dag = on.closest('.dag'), at = on.getBoundingClientRect();
  dag.scrollLeft = at.left + at.width / 2 - dag.getBoundingClientRect().left - dag.clientWidth / 2;
}

// A picture that is none says so.
for (const img of $$('.viewer img, .gallery img, .side-by-side img')) {
  const broken = () => img.replaceWith(el('span', {class: 'broken dim'}, 'not a picture that the browser can show'));
  img.addEventListener('error', broken);
  if (img.complete) img.decode().catch(broken); // it was there before this script
}

// Links that MLflow's clients print.
const mlflow = location.hash.match(/^#\/experiments\/([^/]+)(?:\/runs\/([0-9a-f]+))?/);
const model = location.hash.match(/^#\/models\/([^/]+)(?:\/versions\/(\d+))?/);
if (mlflow) location.replace(mlflow[2] ? '/runs/' + mlflow[2] : '/experiments/' + mlflow[1]);
else if (model) location.replace('/models/' + model[1] + (model[2] ? '/' + model[2] : ''));

// A list that is a plain table is walked with j and k too.
const rows = $$('[data-rows] tbody tr');
if (rows.length) {
  let at = -1;
  const go = (to) => {
    at = Math.max(0, Math.min(rows.length - 1, to));
    $('a', rows[at])?.focus();
  };
  onKey('j', () => go(at + 1));
  onKey('k', () => go(at - 1));
}

// Forms that ask before they do what cannot be undone.
for (const form of $$('form[data-confirm]')) {
  form.addEventListener('submit', (e) => { if (!confirm(form.dataset.confirm)) e.preventDefault(); });
}
// Buttons that open a dialog, and that show an editor in the place of a text.
for (const b of $$('[data-dialog]')) b.addEventListener('click', () => document.getElementById(b.dataset.dialog).showModal());
for (const b of $$('[data-close]')) b.addEventListener('click', () => b.closest('dialog').close());
// Notes are looked at before they are saved.
for (const area of $$('textarea[data-preview]')) {
  const shown = el('div', {class: 'md preview', hidden: true, tabindex: 0, role: 'region', 'aria-label': 'Preview'});
  const show = async (preview) => {
    if (preview) {
      shown.style.minHeight = area.offsetHeight + 'px';
      const {html} = await post('/ui/markdown', {text: area.value}).catch((e) => ({html: '', error: toast(e.message, true)}));
      shown.innerHTML = html || '<p class="dim">Nothing to preview.</p>'; // made by the server, from marks it knows
    }
    [area.hidden, shown.hidden] = [preview, !preview];
    [...tabs.children].forEach((b, i) => b.setAttribute('aria-pressed', String(!!i === preview)));
    if (!preview) area.focus();
  };
  const tab = (name, preview) => el('button', {type: 'button', 'aria-pressed': String(!preview), onclick: () => show(preview)}, name);
  const tabs = el('div', {class: 'seg', role: 'group', 'aria-label': 'Note'}, tab('Write', false), tab('Preview', true));
  area.closest('label').before(tabs);
  area.closest('label').after(shown);
  area.closest('form').addEventListener('keydown', (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) e.currentTarget.requestSubmit(); });
}
// Choices that take effect at once.
for (const s of $$('select[data-submit]')) s.addEventListener('change', () => s.form.submit());
