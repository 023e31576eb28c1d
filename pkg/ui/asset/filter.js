// The field of the filter language, with completion.
import {$, el} from './app.js';

// operatorsOf are the operators that the language has for a key.
function operatorsOf(entity, name) {
  if (entity === 'metrics' || entity === 'attributes' && /_time$/.test(name)) return ['>', '>=', '<', '<=', '=', '!='];
  const all = ['=', '!=', 'LIKE', 'ILIKE'];
  if (entity === 'params' || entity === 'tags') all.push('IS NULL', 'IS NOT NULL');
  if (entity === 'attributes' && name === 'run_id') all.push('IN', 'NOT IN');
  return all;
}
const attributes = ['run_name', 'status', 'experiment', 'user_id', 'start_time', 'end_time', 'kind', 'source', 'branch', 'commit'];
const statuses = ['FINISHED', 'RUNNING', 'FAILED', 'KILLED', 'SCHEDULED'];

// spell writes a key as the language has it.
export function spell(key) {
  const dot = key.indexOf('.');
  const name = key.slice(dot + 1);
  return key.slice(0, dot + 1) + (/^[\w\-./]+$/.test(name) ? name : '`' + name + '`');
}

// suggestions returns what may stand at the end of text, and what it replaces.
export function suggestions(text, keys) {
  const clause = text.split(/\s+and\s+/i).pop();
  const m = clause.match(/^\s*((?:metrics?|params?|tags?|attributes?)\.(?:`[^`]*`|"[^"]*"|[^\s=<>!]+))(\s*)(=|!=|>=|<=|<|>|(?:LIKE|ILIKE|IN|NOT IN|IS NULL|IS NOT NULL)\b|[!A-Za-z][A-Za-z ]*|)(\s*)('[^']*'?|\S*)(\s*)(.*)$/i);
  if (!m || (m[2] === '' && m[3] === '')) {
    const part = clause.trimStart();
    const low = part.toLowerCase().replace(/`/g, '');
    const all = [...keys.map((k) => ({text: spell(k.key), note: k.n + (k.n === 1 ? ' run' : ' runs'), key: k.key})),
      ...attributes.map((a) => ({text: 'attributes.' + a, note: '', key: 'attributes.' + a}))];
    const seen = new Set();
    const found = all.filter((o) => !seen.has(o.key) && seen.add(o.key) && o.key.toLowerCase().includes(low) && o.text !== part);
    found.sort((a, b) => rank(a, low) - rank(b, low));
    return {part, list: found.slice(0, 60).map((o) => ({...o, insert: o.text + ' '}))};
  }
  const [, key, , op, afterOp, value, afterValue, rest] = m;
  const entity = key.split('.')[0].replace(/s?$/, 's');
  const name = key.slice(key.indexOf('.') + 1).replace(/[`"]/g, '');
  const known = operatorsOf(entity, name);
  if (!known.includes(op.toUpperCase()) || (afterOp === '' && value === '' && !/[=<>]$/.test(op))) {
    return {part: op, list: known.filter((o) => o.startsWith(op.toUpperCase())).map((o) => ({text: o, note: '', insert: o.endsWith('IN') ? o + " ('" : o + ' '}))};
  }
  const unary = /NULL$/i.test(op);
  if (afterValue === '' && !unary) {
    if (entity === 'metrics') return {part: value, list: []};
    let values = keys.find((k) => k.key === entity + '.' + name.replace(/^user_id$/, 'user'))?.t || [];
    if (entity === 'attributes' && name === 'status') values = statuses;
    const low = value.replace(/'/g, '').toLowerCase();
    const list = values.filter((v) => v.toLowerCase().includes(low) && !v.includes("'")).slice(0, 30);
    return {part: value, list: list.map((v) => ({text: `'${v}'`, note: '', insert: `'${v}' `})).filter((o) => o.text !== value)};
  }
  const more = unary ? value + afterValue + rest : rest;
  return {part: more, list: 'AND'.startsWith(more.toUpperCase()) ? [{text: 'AND', note: 'another condition', insert: 'AND '}] : []};
}

function rank(option, low) {
  const name = option.key.slice(option.key.indexOf('.') + 1).toLowerCase();
  return name.startsWith(low) || option.key.toLowerCase().startsWith(low) ? 0 : 1;
}

// filterField makes the field work: done is called with a text to filter by,
// keys returns what can be named.
export function filterField({keys, done}) {
  const input = $('#filter');
  const box = $('#suggest');
  let list = [], part = '', at = -1, timer = 0, last = input.value;

  function close() {
    box.hidden = true;
    at = -1;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }

  function open() {
    const before = input.value.slice(0, input.selectionStart);
    ({list, part} = suggestions(before, keys()));
    if (!list.length || document.activeElement !== input) return close();
    at = -1;
    box.replaceChildren(...list.map((o, i) => el('li', {role: 'option', id: 'option-' + i, 'aria-selected': 'false',
      onmousedown: (e) => { e.preventDefault(); take(i); }}, o.text, el('span', {}, o.note))));
    box.hidden = false;
    box.scrollTop = 0;
    input.setAttribute('aria-expanded', 'true');
  }

  function mark(to) {
    box.children[at]?.setAttribute('aria-selected', 'false');
    at = (to + list.length) % list.length;
    box.children[at].setAttribute('aria-selected', 'true');
    box.children[at].scrollIntoView({block: 'nearest'});
    input.setAttribute('aria-activedescendant', 'option-' + at);
  }

  function take(i) {
    const caret = input.selectionStart;
    const head = input.value.slice(0, caret - part.length) + list[i].insert;
    let tail = input.value.slice(caret);
    if (part) tail = tail.replace(part.startsWith("'") ? /^[^'\s]*'?/ : /^[^\s'"]*/, ''); // the rest of what is completed
    input.value = head + (head.endsWith(' ') ? tail.trimStart() : tail);
    input.setSelectionRange(head.length, head.length);
    open();
    later(700);
  }

  function submit() {
    clearTimeout(timer);
    if (input.value.trim() === last) return;
    last = input.value.trim();
    done(last);
  }

  // later filters by what is typed when typing pauses, but only by what is whole.
  function later(ms) {
    clearTimeout(timer);
    timer = setTimeout(() => { if (input.value.trim() === '' || whole(input.value)) submit(); }, ms);
  }

  input.addEventListener('input', () => { open(); later(350); });
  input.addEventListener('click', open);
  input.addEventListener('focus', open);
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (e) => {
    if (e.key === 'ArrowDown' && !box.hidden) mark(at + 1);
    else if (e.key === 'ArrowUp' && !box.hidden) mark(at < 0 ? list.length - 1 : at - 1);
    else if (e.key === 'Tab' && !box.hidden && !e.shiftKey && input.value !== '') take(Math.max(at, 0));
    else if (e.key === 'Enter' && at >= 0) take(at);
    else if (e.key === 'Enter') { close(); submit(); }
    else if (e.key === 'Escape' && !box.hidden) close();
    else if (e.key === 'Escape') input.blur();
    else return;
    e.preventDefault();
  });
  return {set(text) { input.value = text; last = text; }};
}

// whole tells whether a text may be meant as it stands.
export function whole(text) {
  const words = /[=<>]|\b(LIKE|ILIKE|IN|NULL)\b/i.test(text);
  if (!words) return !/^\s*(metrics?|params?|tags?|attributes?)\./.test(text);
  const last = text.trim().split(/\s+and\s+/i).pop();
  return !/\band$/i.test(text.trim()) && /(=|<|>|LIKE|IN)\s*('[^']*'|"[^"]*"|[-+.\dA-Za-z]+|\(.*\))$|\bIS( NOT)? NULL$/i.test(last);
}
