// Pages that change while something runs: the parts that change are fetched
// anew, and logs that grow go on where they end.
import {$$, ask, exactly} from './app.js';

async function refresh() {
  if (document.hidden || document.querySelector('dialog[open]')) return true;
  const answer = await fetch(location.href, {headers: {Accept: 'text/html'}});
  if (!answer.ok) return true;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of $$('[data-live]')) {
    const now = fresh.getElementById(part.id);
    if (!now || part.contains(document.activeElement) && !part.querySelector('[data-log]')) continue;
    for (const t of $$('time[datetime]', now)) t.title = exactly(Date.parse(t.dateTime) / 1000);
    for (const d of $$('details[id]', part)) if (d.open) now.querySelector('#' + CSS.escape(d.id))?.setAttribute('open', '');
    const logs = $$('[data-log]', part).map((log) => [log, now.querySelector('#' + CSS.escape(log.id) + '[data-log]'), log.scrollTop]).filter(([, fresh]) => fresh);
    for (const [log, fresh] of logs) { // what is shown goes on
      fresh.textContent = log.textContent;
      fresh.dataset.next = log.dataset.next;
    }
    for (const log of $$('[data-log]', part)) { // one that ended is still looked at
      now.querySelector('#' + CSS.escape(log.id.replace(/^live-/, 'log-')))?.setAttribute('open', '');
    }
    if (now.isEqualNode(part)) continue;
    for (const [log, fresh] of logs) fresh.replaceWith(log);
    const places = scrolled(part);
    part.replaceWith(document.adoptNode(now));
    scrolled(now).forEach(([e], i) => { if (places[i]) [, e.scrollLeft, e.scrollTop] = places[i]; });
    for (const [log,, top] of logs) log.scrollTop = top;
  }
  return !!fresh.querySelector('[data-running]');
}

// scrolled are the parts that scroll, and where to.
const scrolled = (part) => [part, ...$$('.scroll, .dag', part)].map((e) => [e, e.scrollLeft, e.scrollTop]);

// again looks every three seconds while something runs, and now and then where
// something may begin.
async function again() {
  const more = await refresh().catch(() => true);
  if (more) follow();
  if (more || document.querySelector('[data-watch]')) setTimeout(again, more ? 3000 : 5000);
}

const most = 400_000; // characters of a log that are kept here

// Tail is a log as a terminal would leave it: of a line that is written over,
// as bars of progress are, the last state is shown.
class Tail {
  constructor(text) {
    const at = text.lastIndexOf('\n') + 1;
    [this.done, this.line] = [text.slice(0, at), text.slice(at)];
  }

  add(text) {
    const lines = (this.line + text).split('\n');
    this.line = lines.pop();
    if (this.line.length > 20_000) this.line = this.line.slice(this.line.lastIndexOf('\r', this.line.length - 2) + 1);
    if (lines.length) this.done = (this.done + lines.map(last).join('\n') + '\n').slice(-most);
    return this.done + last(this.line);
  }
}

const colors = /\x1b(?:\[[0-?]*[ -/]*[@-~]|.)?/g;

function last(line) {
  const text = line.replace(/\r+$/, '').replace(colors, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

const tails = new WeakMap();
let following = false;

async function follow() {
  if (following) return;
  following = true;
  let wait = 1000;
  for (const log of $$('[data-log]')) {
    if (document.hidden) break;
    if (!tails.has(log)) {
      tails.set(log, new Tail(log.textContent));
      log.scrollTop = log.scrollHeight;
    }
    const {text, next, over} = await ask(`${log.dataset.log}?from=${log.dataset.next}`).catch(() => ({text: ''}));
    if (next !== undefined) log.dataset.next = next;
    if (text) {
      const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 30;
      log.textContent = tails.get(log).add(text);
      if (atEnd) log.scrollTop = log.scrollHeight;
      if (text.length > 60_000) wait = 50; // there is more
    }
    if (over) refresh().catch(() => {});
  }
  following = false;
  if (document.querySelector('[data-log]')) setTimeout(follow, wait);
}

if (document.querySelector('[data-running], [data-watch]')) setTimeout(again, 2000);
follow();
