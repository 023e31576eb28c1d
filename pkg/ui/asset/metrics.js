// The charts of one run.
import {$, el} from './app.js';
import {charts} from './charts.js';

document.head.append(el('link', {rel: 'stylesheet', href: new URL('./uplot/uPlot.min.css', import.meta.url).href}));
const room = $('#charts');
if (room) charts([{id: room.dataset.runs, name: room.dataset.names, color: 0}], {live: !!$('[data-running]')});
