// The menu that chooses columns.
import {$, el} from './app.js';

const kinds = [['attributes', 'About the run'], ['metrics', 'Metrics'], ['params', 'Params'], ['tags', 'Tags']];
const most = 500; // keys of one kind that are listed; the field finds the others by more letters

// columnsMenu makes the menu work: keys are those that there are, shown those
// that are chosen, choose is called with a key, again to choose by itself.
export function columnsMenu({keys, shown, choose, again}) {
  const menu = $('#columns-menu');
  menu.addEventListener('beforetoggle', (e) => {
    if (e.newState !== 'open' || !keys()) return;
    const search = el('input', {class: 'field', placeholder: 'Find a column', 'aria-label': 'Find a column', autofocus: true});
    const list = el('div');
    const fill = () => {
      const chosen = new Set(shown());
      const text = search.value.toLowerCase();
      list.replaceChildren(...kinds.map(([kind, title]) => {
        const found = keys().filter((k) => k.key.startsWith(kind + '.') && k.key.toLowerCase().includes(text));
        if (!found.length) return '';
        found.sort((a, b) => chosen.has(b.key) - chosen.has(a.key) || a.key.localeCompare(b.key));
        return el('section', {}, el('h2', {}, title), ...found.slice(0, most).map((k) => el('label', {class: 'check'},
          el('input', {type: 'checkbox', value: k.key, checked: chosen.has(k.key), onchange: (c) => choose(k.key, c.target.checked)}),
          k.key.slice(kind.length + 1), el('span', {class: 'n'}, k.n.toLocaleString()))));
      }).filter(Boolean));
    };
    search.addEventListener('input', fill);
    fill();
    menu.replaceChildren(search, list, el('button', {type: 'button', class: 'btn small ghost', onclick: () => { menu.hidePopover(); again(); }}, 'As chosen for me'));
    const b = $('#columns').getBoundingClientRect();
    menu.style.top = b.bottom + 6 + 'px';
    menu.style.right = Math.max(8, innerWidth - b.right) + 'px';
  });
}
