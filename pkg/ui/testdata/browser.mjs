// Walks through the pages in a real browser, as people do: node browser.mjs
// URL, with MLOPS_TEST_NPM (where playwright-core and axe-core are),
// MLOPS_TEST_CHROMIUM and, if pictures are wanted, MLOPS_TEST_SCREENSHOTS.
// MLOPS_TEST_SCENES, a regular expression, chooses some of the scenes.
import assert from 'node:assert/strict';
import {accessible, base, end, picture, ready, scene} from './harness.mjs';

// Axe needs to run a script that the policy of the pages forbids to come from
// text; evaluate goes through the debugger, which it does not bind.
const pages = {
  runs: '/runs', group: '/runs?group=params.lr', nested: '/runs?open=eeeeeeeeeeee&experiment=digits', deleted: '/runs?deleted', nothing: '/runs?filter=nobody',
  run: '/runs/rich', charts: '/runs/rich/metrics', files: '/runs/rich/files', image: '/runs/rich/files/plots/heat.png', table: '/runs/rich/files/plots/confusion.csv',
  markdown: '/runs/rich/files/notes.md', json: '/runs/rich/files/config.json', html: '/runs/rich/files/report.html', audio: '/runs/rich/files/tone.wav',
  lineage: '/runs/pipeline-first/data', stages: '/runs/pipeline-first/stages', code: '/runs/pipeline-slower/code?against=pipeline-first', running: '/runs/still-running',
  compare: '/compare?runs=trial-01,trial-02,trial-03,rich', many: '/compare?runs=' + [...Array(14).keys()].map((i) => 'trial-' + String(i).padStart(2, '0')).join(','),
  nothing_to_compare: '/compare', experiments: '/experiments', data: '/data', versions: '/data/data/train?from=HEAD~1&to=HEAD', models: '/models', model: '/models/digits',
  parquet: '/runs/rich/files/rows.parquet', damaged: '/runs/rich/files/damaged.parquet', gallery: '/runs/rich/files/plots', about: '/experiments/1/about', flat: '/runs?experiment=digits&group=flat',
  version: '/models/digits/1', pipelines: '/pipelines?stage=train', missing: '/runs/nobody-here',
};
const rich = 'b'.repeat(31) + '2';
const looked = [];
for (const [name, path] of Object.entries(pages)) {
  looked.push([`${name}`, {colorScheme: 'light'}, async (page) => {
    if (name === 'missing') page.expected = /404/;
    await page.goto(base + path);
    await ready(page);
    await picture(page, `${name}-light`);
    await accessible(page, name);
    await page.emulateMedia({colorScheme: 'dark'});
    await ready(page);
    await picture(page, `${name}-dark`);
    await accessible(page, name + ' in the dark', ['color-contrast']);
    if (!['runs', 'run', 'charts', 'compare', 'pipelines', 'versions', 'table', 'model', 'lineage', 'version', 'parquet', 'gallery', 'about', 'experiments', 'stages', 'models', 'data', 'code'].includes(name)) return;
    await page.emulateMedia({colorScheme: 'light'});
    await page.setViewportSize({width: 390, height: 844});
    await ready(page);
    await picture(page, `${name}-narrow`);
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `the page is ${wide} wide in a window of ${room}`);
    await accessible(page, name + ' in a narrow window', ['color-contrast', 'scrollable-region-focusable', 'target-size', 'region', 'link-name']);
  }]);
}
// Some at a time: most of a scene is waiting.
const next = async () => { for (let one; (one = looked.shift());) await scene(...one); };
await Promise.all([next(), next(), next()]);

const names = (page) => page.locator('#grid tbody tr:not(.pad):not([hidden]) .name a:not([hidden])').allTextContents();

await scene('sort, and the address keeps it', {}, async (page) => {
  await page.goto(base + '/runs?experiment=digits&cols=metrics.accuracy,params.lr');
  await page.getByRole('button', {name: 'accuracy'}).click();
  await page.waitForFunction(() => location.search.includes('sort=-metrics.accuracy'));
  assert.equal((await names(page))[0], 'rich');
  await page.reload();
  await page.locator('#grid tbody a').first().waitFor();
  assert.equal((await names(page))[0], 'rich');
  assert.equal(await page.locator('th[aria-sort]').count(), 1);
});

await scene('filter with completion', {}, async (page) => {
  await page.goto(base + '/runs');
  await page.locator('#grid tbody a').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('param');
  await page.getByRole('option', {name: /params\.lr/}).first().waitFor();
  await picture(page, 'completion');
  await accessible(page, 'completion');
  await page.getByRole('option', {name: /^params\.lr/}).first().click();
  await page.getByRole('option', {name: '=', exact: true}).click();
  await page.getByRole('option', {name: "'0.01'"}).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#count').textContent.startsWith('8 runs'));
  assert.match(page.url(), /filter=params\.lr/);
  page.expected = /400/;
  await page.locator('#filter').fill('metrics.accuracy > > 3');
  await page.keyboard.press('Enter');
  await page.locator('#complaint').waitFor();
  await picture(page, 'complaint');
  await page.locator('#filter').fill('trial-1');
  await page.waitForFunction(() => document.querySelector('#count').textContent.startsWith('10 runs'));
});

await scene('filter: operators that the key has, in the middle, Back and Forward', {}, async (page) => {
  await page.goto(base + '/runs');
  await page.locator('#grid tbody a').first().waitFor();
  const filter = page.locator('#filter');
  const options = () => page.locator('#suggest [role=option]').allTextContents();
  await filter.fill('params.lr ');
  assert.deepEqual(await options(), ['=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL']);
  await filter.fill('attributes.start_time ');
  assert.ok(!(await options()).includes('LIKE'));
  await filter.fill("metrics.acuracy > 0.1 AND params.lr = '0.01'");
  await page.waitForFunction(() => location.search.includes('0.01'));
  for (let i = 0; i < 11; i++) await filter.press(i ? 'ArrowRight' : 'Home');
  await filter.press('c');
  await filter.press('Tab');
  assert.equal(await filter.inputValue(), "metrics.accuracy > 0.1 AND params.lr = '0.01'");
  await page.waitForFunction(() => document.querySelector('#count').textContent.startsWith('8 runs'));
  await page.locator('#experiment').selectOption('pipelines');
  await page.waitForFunction(() => location.search.includes('experiment=pipelines'));
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('#count').textContent.startsWith('8 runs'));
  assert.equal(await page.locator('#experiment').inputValue(), '');
  await page.goBack();
  await page.waitForFunction(() => !location.search && document.querySelector('#filter').value === '' && !document.querySelector('#count').textContent.startsWith('8 runs'));
  await page.goForward();
  await page.waitForFunction(() => document.querySelector('#count').textContent.startsWith('8 runs'));
});

await scene('a range is selected from where it began, also after a sort', {}, async (page) => {
  await page.goto(base + '/runs?filter=trial-1&cols=params.seed&sort=name');
  await page.locator('#grid tbody a').first().waitFor();
  await page.getByLabel('Select trial-10').click();
  await page.locator('[data-sort=name]').click();
  await page.getByLabel('Select trial-12').click({modifiers: ['Shift']});
  assert.equal(await page.locator('#picked-count').textContent(), '3 selected');
});

await scene('keys: walk, select, compare, help', {}, async (page) => {
  await page.goto(base + '/runs?filter=trial-1');
  await page.locator('#grid tbody a').first().waitFor();
  for (const key of ['j', 'x', 'j', 'j', 'x']) await page.keyboard.press(key);
  assert.equal(await page.locator('#picked-count').textContent(), '2 selected');
  await picture(page, 'selected');
  await page.keyboard.press('?');
  assert.ok(await page.getByRole('dialog', {name: 'Keys'}).isVisible());
  await picture(page, 'help');
  await accessible(page, 'help');
  await page.keyboard.press('Escape');
  await page.keyboard.press('c');
  await page.waitForURL(/\/compare\?runs=/);
  await page.getByRole('heading', {name: '2 runs compared'}).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('p');
  await page.waitForURL(/\/pipelines/);
});

await scene('columns', {}, async (page) => {
  await page.goto(base + '/runs');
  await page.locator('#grid tbody a').first().waitFor();
  await page.getByRole('button', {name: 'Columns'}).click();
  await picture(page, 'columns');
  await accessible(page, 'columns');
  await page.getByLabel('Find a column').fill('batch');
  const batch = page.locator('#columns-menu label input');
  await batch.uncheck();
  await page.waitForFunction(() => !document.querySelector('[data-sort="params.batch"]'));
  await batch.check();
  await page.locator('[data-sort="params.batch"]').waitFor();
  assert.match(page.url(), /cols=.*params\.batch/);
});

await scene('groups and nested runs', {}, async (page) => {
  await page.goto(base + '/runs?experiment=digits');
  await page.getByRole('button', {name: 'Open sweep'}).click();
  await page.getByRole('link', {name: 'trial-03'}).waitFor();
  assert.match(page.url(), /open=eeeeeeeeeeee/);
  await page.locator('#group').selectOption('params.lr');
  await page.getByText('0.01  (8)').waitFor();
  const cell = await page.locator('tr.group', {hasText: '0.01  (8)'}).locator('td', {hasText: 'ø'}).first().getAttribute('title');
  assert.match(cell, /mean .* over 8/);
  await page.getByRole('button', {name: 'Close 0.01', exact: true}).click();
  await picture(page, 'groups');
});

await scene('tag, delete and restore', {}, async (page) => {
  await page.goto(base + '/runs?filter=trial-07');
  await page.getByLabel('Select trial-07').check();
  await page.getByRole('button', {name: 'Tag', exact: true}).click();
  const dialog = page.getByRole('dialog', {name: 'Tag the selected runs'});
  await dialog.getByLabel('Key').fill('reviewed');
  await dialog.getByLabel('Value').fill('yes');
  await picture(page, 'tag');
  await dialog.getByRole('button', {name: 'Tag'}).click();
  await page.getByText('1 run tagged').waitFor();
  await page.getByRole('button', {name: 'Delete', exact: true}).click();
  await page.getByText('1 run deleted').waitFor();
  await page.getByRole('heading', {name: 'No run matches'}).waitFor();
  await page.goto(base + '/runs?deleted');
  await page.getByLabel('Select trial-07').check();
  await page.getByRole('button', {name: 'Restore'}).click();
  await page.getByText('1 run restored').waitFor();
  await page.goto(base + '/runs/trial-07');
  await page.getByRole('rowheader', {name: 'reviewed'}).waitFor();
});

await scene('tag by Enter; Esc and Cancel do not tag', {viewport: {width: 390, height: 844}}, async (page) => {
  await page.goto(base + '/runs?filter=trial-05');
  await page.getByLabel('Select trial-05').click();
  const tag = page.getByRole('button', {name: 'Tag', exact: true});
  const clear = await page.getByRole('button', {name: 'Clear the selection'}).boundingBox();
  assert.ok(clear.x + clear.width <= 390, 'the bar of what is selected is cut off');
  let posted = 0;
  page.on('request', (r) => { if (r.url().endsWith('/ui/runs/tag')) posted++; });
  await tag.click();
  await page.locator('#tag-dialog [name=key]').fill('by-enter');
  await page.keyboard.press('Enter');
  await page.getByText('1 run tagged').waitFor();
  assert.equal(posted, 1);
  for (const leave of [() => page.keyboard.press('Escape'), () => page.locator('#tag-dialog').getByRole('button', {name: 'Cancel'}).click()]) {
    await tag.click();
    assert.equal(await page.locator('#tag-dialog [name=key]').inputValue(), '');
    await leave();
    await page.locator('#tag-dialog').waitFor({state: 'hidden'});
  }
  await page.waitForTimeout(200);
  assert.equal(posted, 1);
});

await scene('a run that goes on shows in the table', {}, async (page) => {
  await page.goto(base + '/runs?experiment=digits&cols=metrics.accuracy');
  await page.locator('#grid tbody a', {hasText: 'still-running'}).waitFor();
  await fetch(base + '/test/log?value=0.777');
  await page.getByRole('cell', {name: '0.777'}).waitFor({timeout: 9000});
  await fetch(base + '/test/start');
  await page.locator('#grid tbody a', {hasText: 'newcomer'}).waitFor({timeout: 9000});
});

await scene('a run that goes on shows on its page', {}, async (page) => {
  await page.goto(base + '/runs/still-running');
  await fetch(base + '/test/log?value=0.888');
  await page.getByRole('cell', {name: '0.888'}).first().waitFor({timeout: 9000});
  await page.goto(base + '/runs/still-running/metrics');
  await fetch(base + '/test/log?value=0.999');
  await page.locator('figure[data-key=accuracy] figcaption .num', {hasText: '0.999'}).waitFor({timeout: 9000});
});

await scene('compare: parallel coordinates, scatter, axes', {}, async (page) => {
  await page.goto(base + '/compare?runs=' + [...Array(9).keys()].map((i) => 'trial-0' + i).join(','));
  await page.locator('#parallel .line').first().waitFor();
  const hit = page.locator('#parallel .hit').first();
  await hit.scrollIntoViewIfNeeded();
  const b = await hit.boundingBox();
  await page.mouse.move(b.x + b.width / 2, b.y + 20);
  await page.mouse.down();
  await page.mouse.move(b.x + b.width / 2, b.y + b.height / 3);
  await page.mouse.up();
  assert.ok(await page.locator('#parallel .line.off').count() > 0, 'a range keeps some lines only');
  await picture(page, 'parallel');
  await page.locator('#scatter-x').selectOption({label: 'batch'});
  assert.equal(await page.locator('#scatter circle').count(), 9);
  await page.getByRole('link', {name: 'All rows'}).click();
  await page.getByRole('heading', {name: 'Everything'}).waitFor();
});

await scene('edit a note, a name and a tag', {}, async (page) => {
  await page.goto(base + '/runs/trial-08');
  await page.getByRole('button', {name: 'Edit'}).click();
  await page.getByLabel('Markdown').fill('Looks **good**');
  await picture(page, 'note');
  await page.getByRole('button', {name: 'Save'}).click();
  await page.locator('.md strong', {hasText: 'good'}).waitFor();
  await page.getByRole('button', {name: 'Rename the run'}).click();
  await page.getByRole('textbox', {name: 'Name'}).fill('the-best');
  await page.getByRole('button', {name: 'Rename', exact: true}).click();
  await page.getByRole('heading', {name: 'the-best'}).waitFor();
  await page.getByRole('button', {name: 'Add'}).click();
  const dialog = page.getByRole('dialog', {name: 'Add a tag'});
  await dialog.getByLabel('Key').fill('k');
  await dialog.getByLabel('Value').fill('v');
  await dialog.getByRole('button', {name: 'Add'}).click();
  await page.getByRole('button', {name: 'Remove the tag k'}).click();
  await page.getByText('No tags.').waitFor();
});

await scene('a page that was logged runs apart from ours', {}, async (page) => {
  page.expected = /Blocked|sandbox|Content Security Policy/;
  await page.goto(base + '/runs/rich/files/report.html');
  const frame = page.frameLocator('iframe');
  await frame.locator('body[data-ran=yes]').waitFor();
  assert.equal(await frame.locator('body').getAttribute('data-kept'), 'out');
  await page.goto(base + `/raw/${rich}/files/report.html`);
  assert.equal(await page.evaluate(() => origin), 'null');
  await page.goto(base + `/raw/${rich}/files/evil.svg`);
});

await scene('models: alias and stage', {}, async (page) => {
  await page.goto(base + '/models/digits/2');
  await page.getByRole('button', {name: 'Set an alias'}).click();
  await page.getByRole('textbox', {name: 'Alias'}).fill('champion');
  await page.getByRole('button', {name: 'Set', exact: true}).click();
  await page.locator('.head .chip', {hasText: '@champion'}).waitFor();
  await page.getByRole('button', {name: 'Stage', exact: true}).click();
  await page.getByRole('dialog', {name: 'Stage'}).getByRole('combobox').selectOption('Staging');
  await page.getByRole('button', {name: 'Move', exact: true}).click();
  await page.locator('.head .chip', {hasText: 'Staging'}).waitFor();
  await picture(page, 'gates');
  await page.getByRole('button', {name: 'Approve'}).click();
  await page.getByRole('button', {name: 'Promote'}).click();
  await page.locator('.head .chip', {hasText: '@production'}).waitFor();
});

await scene('links that MLflow prints lead here', {}, async (page) => {
  await page.goto(base + `/#/experiments/0/runs/${rich}`);
  await page.waitForURL(base + '/runs/' + rich);
  await page.goto(base + '/#/models/digits/versions/2');
  await page.waitForURL(base + '/models/digits/2');
});

await scene('theme: switched, and kept', {colorScheme: 'light'}, async (page) => {
  await page.goto(base + '/runs/rich/metrics');
  await page.keyboard.press('t');
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(14, 16, 20)');
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
});

await scene('a plain list of nested runs', {}, async (page) => {
  await page.goto(base + '/runs?experiment=digits&cols=metrics.accuracy&sort=-metrics.accuracy');
  await page.locator('#grid tbody a').first().waitFor();
  await page.locator('#group').selectOption('flat');
  await page.getByRole('link', {name: 'trial-03'}).waitFor();
  assert.equal(await page.getByRole('button', {name: 'Open sweep'}).count(), 0);
  assert.match(page.url(), /group=flat/);
});

await scene('delete, and think again', {}, async (page) => {
  await page.goto(base + '/runs?filter=trial-11');
  await page.getByLabel('Select trial-11').check();
  await page.getByRole('button', {name: 'Delete', exact: true}).click();
  await page.getByRole('button', {name: 'Undo'}).click();
  await page.getByText('1 run restored').waitFor();
  await page.getByLabel('Select trial-11').waitFor();
  await page.getByLabel('Select trial-11').check();
  await page.getByRole('button', {name: 'Delete', exact: true}).click();
  await page.getByText('1 run deleted').waitFor();
  await page.getByRole('link', {name: 'Deleted'}).click();
  await page.getByRole('heading', {name: 'Deleted runs'}).waitFor();
  await page.getByRole('link', {name: 'trial-11'}).click();
  await page.getByText('This run is deleted').waitFor();
  await page.getByRole('button', {name: 'Restore'}).click();
  await page.getByRole('button', {name: 'Delete'}).waitFor();
});

await scene('experiments: note with preview, rename, delete, restore', {}, async (page) => {
  await page.goto(base + '/runs');
  await page.locator('#experiment').selectOption('pipelines');
  await page.getByRole('link', {name: 'About the experiment'}).click();
  await page.getByRole('heading', {name: 'pipelines'}).waitFor();
  await page.getByRole('button', {name: 'Edit'}).click();
  await page.getByLabel('Markdown').fill('# Why\n\nTo *see* <script>window.evil=1</script>');
  await page.getByRole('button', {name: 'Preview'}).click();
  await page.locator('.preview em', {hasText: 'see'}).waitFor();
  await picture(page, 'preview');
  await accessible(page, 'preview');
  await page.getByRole('button', {name: 'Write'}).click();
  await page.getByLabel('Markdown').press('Control+Enter');
  await page.locator('.card .md em', {hasText: 'see'}).waitFor();
  await page.getByRole('button', {name: 'Rename the experiment'}).click();
  await page.getByRole('textbox', {name: 'Name'}).fill('pipes');
  await page.getByRole('button', {name: 'Rename', exact: true}).click();
  await page.getByRole('heading', {name: 'pipes'}).waitFor();
  page.on('dialog', (d) => d.accept());
  await page.getByRole('button', {name: 'Delete'}).click();
  await page.getByRole('heading', {name: 'Deleted experiments'}).waitFor();
  await picture(page, 'deleted-experiments');
  await accessible(page, 'deleted experiments');
  await page.getByRole('button', {name: 'Restore pipes'}).click();
  await page.getByRole('link', {name: 'Runs as a table'}).click();
  await page.getByRole('link', {name: 'pipeline-first'}).waitFor();
});

await scene('compare: pictures and confusion matrices side by side', {}, async (page) => {
  await page.goto(base + '/compare?all&runs=rich,pipeline-first');
  await page.getByRole('heading', {name: 'Pictures side by side'}).scrollIntoViewIfNeeded();
  assert.ok(await page.locator('svg.matrix').count() >= 2, 'matrices of both runs');
  await page.locator('.side-by-side img').first().evaluate((i) => i.complete || new Promise((done) => { i.onload = done; }));
  await picture(page, 'side-by-side');
});

await scene('data: from a path to what changed in a version', {}, async (page) => {
  await page.goto(base + '/data');
  await page.keyboard.press('j');
  await page.getByRole('link', {name: 'data/train/'}).click();
  await page.getByRole('link', {name: 'changes', exact: true}).click();
  await page.locator('#diff .status.deleted').waitFor();
  await page.getByRole('link', {name: 'Close'}).click();
  await page.getByRole('link', {name: 'pipeline-first'}).click();
  await page.getByRole('heading', {name: 'pipeline-first'}).waitFor();
});

await scene('code: compared with another run', {}, async (page) => {
  await page.goto(base + '/runs/pipeline-slower/code');
  await page.getByLabel('Compare with').selectOption({label: 'pipeline-first'});
  await page.waitForURL(/against=/);
  await page.getByRole('cell', {name: '0.05'}).waitFor();
});

await scene('a stage of the drawing opens', {}, async (page) => {
  await page.goto(base + '/pipelines');
  await page.locator('.dag a[href*="stage=evaluate"]').click();
  await page.getByRole('heading', {name: 'evaluate'}).waitFor();
});

await scene('the log of a stage grows while it runs', {}, async (page) => {
  await fetch(base + '/test/stage');
  await page.goto(base + '/pipelines');
  await page.locator('.dag .running').waitFor({timeout: 20000});
  await page.goto(base + '/pipelines?stage=ticker');
  await page.getByRole('log').getByText('tick 1').waitFor();
  await picture(page, 'live-stage');
  await accessible(page, 'live stage');
  await page.goto(base + '/runs/ticking/stages');
  await page.getByRole('log').getByText('tick 1').waitFor();
  await fetch(base + '/test/stage?go');
  await page.getByRole('log').getByText('tick 2').waitFor();
  assert.equal(await page.getByRole('log').textContent(), 'tick 1\n100%\ntick 2\n');
  await picture(page, 'live-log');
  await accessible(page, 'live log');
  await fetch(base + '/test/stage?end');
  await page.locator('#log-ticker pre').getByText('tick 3').waitFor({timeout: 20000});
  await page.locator('#run-head .status.finished').waitFor();
});

await import('./charts.mjs');
await end();
