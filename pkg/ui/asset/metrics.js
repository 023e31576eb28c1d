// The charts of one run.
import {$} from './app.js';
import {charts} from './charts.js';

const room = $('#charts');
if (room) charts([{id: room.dataset.runs, name: room.dataset.names, color: 0}], {live: !!$('[data-running]')});
