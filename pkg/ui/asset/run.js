// The pages of one run: while it runs, the parts that change are fetched anew.
import {$$, exactly} from './app.js';

async function refresh() {
  if (document.hidden || document.querySelector('dialog[open]')) return true;
  const answer = await fetch(location.href, {headers: {Accept: 'text/html'}});
  if (!answer.ok) return true;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of $$('[data-live]')) {
    const now = fresh.getElementById(part.id);
    if (!now || now.isEqualNode(part) || part.contains(document.activeElement)) continue;
    for (const t of $$('time[datetime]', now)) t.title = exactly(Date.parse(t.dateTime) / 1000);
    for (const d of $$('details[id]', part)) if (d.open) now.querySelector('#' + CSS.escape(d.id))?.setAttribute('open', '');
    part.replaceWith(document.adoptNode(now));
  }
  return !!fresh.querySelector('[data-running]');
}

async function again() {
  const more = await refresh().catch(() => true);
  if (more) setTimeout(again, 3000);
}
if (document.querySelector('[data-running]')) setTimeout(again, 2000);
