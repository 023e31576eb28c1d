// Scenes of charts and of files, part of browser.mjs.
import assert from 'node:assert/strict';
import {base, picture, ready, scene} from './harness.mjs';

await scene('a zoom stays while a run goes on', {}, async (page) => {
  await page.goto(base + '/runs/still-running/metrics');
  for (const value of [0.1, 0.2, 0.3, 0.4]) await fetch(base + '/test/log?value=' + value);
  const chart = page.locator('figure[data-key=accuracy]');
  await chart.locator('figcaption .num', {hasText: '0.4'}).waitFor();
  await chart.getByRole('img', {name: 'Chart of accuracy by step'}).waitFor();
  const b = await chart.locator('.u-over').boundingBox();
  await page.mouse.move(b.x + b.width * 0.2, b.y + 50);
  await page.mouse.down();
  await page.mouse.move(b.x + b.width * 0.6, b.y + 50);
  await page.mouse.up();
  await chart.getByRole('button', {name: 'Reset zoom'}).waitFor();
  await fetch(base + '/test/log?value=0.456');
  await chart.locator('figcaption .num', {hasText: '0.456'}).waitFor();
  await page.waitForTimeout(100);
  assert.ok(await chart.getByRole('button', {name: 'Reset zoom'}).isVisible());
});

await scene('charts: smoothing, axes, zoom, values', {}, async (page) => {
  await page.goto(base + '/runs/rich/metrics');
  const chart = page.locator('figure[data-key="train/loss"]');
  await chart.scrollIntoViewIfNeeded();
  await chart.locator('canvas').waitFor();
  const hover = async (x, y) => { const b = await chart.locator('.u-over').boundingBox(); await page.mouse.move(b.x + b.width * x, b.y + b.height * y); };
  await hover(0.5, 0.5);
  await chart.locator('.tip').getByText(/step 1?\d\d/).waitFor();
  await picture(page, 'tooltip');
  await page.locator('#smooth').fill('0.9');
  await page.getByRole('button', {name: 'Log'}).click();
  await page.getByRole('button', {name: 'Duration'}).click();
  await picture(page, 'smoothed');
  await chart.scrollIntoViewIfNeeded();
  await hover(0.3, 0.5);
  await page.mouse.down();
  await hover(0.6, 0.5);
  await page.mouse.up();
  await chart.getByRole('button', {name: 'Reset zoom'}).click();
  await chart.getByRole('button', {name: 'Reset zoom'}).waitFor({state: 'hidden'});
  await chart.getByRole('button', {name: 'Enlarge train/loss'}).click();
  await picture(page, 'enlarged');
  await page.getByLabel('Find a metric').fill('accu');
  assert.equal(await page.locator('figure.chart:visible').count(), 1);
});

await scene('charts: what has no place on an axis is a gap, and said', {}, async (page) => {
  await page.goto(base + '/runs/rich/metrics?y=log');
  const told = (key) => page.locator(`figure[data-key="${key}"] .left-out`).textContent();
  await ready(page);
  assert.match(await told('margin'), /0 and less are left out/);
  assert.equal(await told('accuracy'), 'Values of 0 and less are left out: a logarithmic axis has no place for them.');
  await page.getByRole('button', {name: 'Linear'}).click();
  assert.match(await told('margin'), /NaN and infinite values are left out/);
  // What smoothing makes of a constant differs by rounding only.
  await page.locator('#smooth').fill('0.9');
  await page.setViewportSize({width: 390, height: 844});
  await page.locator('figure[data-key="constant"]').scrollIntoViewIfNeeded();
  await ready(page);
  await picture(page, 'constant');
});

await scene('files: a picture that is none, and the place in the tree', {}, async (page) => {
  await page.goto(base + '/runs/rich/files/plots/none.png');
  await page.getByText('not a picture that the browser can show').waitFor();
  assert.equal(await page.locator('.viewer img').count(), 0);
  await page.setViewportSize({width: 390, height: 600});
  await page.goto(base + '/runs/rich/files/weights.bin');
  await page.locator('.tree [aria-current]').waitFor();
  const inSight = await page.evaluate(() => {
    const [at, tree] = ['.tree [aria-current]', '.tree'].map((s) => document.querySelector(s).getBoundingClientRect());
    return at.top >= tree.top && at.bottom <= tree.bottom;
  });
  assert.ok(inSight, 'the file that is shown is out of sight in the tree');
});

await scene('narrow: the tab, the revision and the stage that are looked at are in sight', {viewport: {width: 390, height: 844}}, async (page) => {
  const inSight = (inner, outer) => page.evaluate(([a, b]) => {
    const [i, o] = [a, b].map((s) => document.querySelector(s).getBoundingClientRect());
    return i.left >= o.left - 1 && i.right <= o.right + 1;
  }, [inner, outer]);
  await page.goto(base + '/runs/pipeline-first/code');
  await ready(page);
  assert.ok(await inSight('.tabs [aria-current]', '.tabs'), 'the tab is out of sight');
  await page.goto(base + '/pipelines?stage=evaluate');
  await ready(page);
  assert.ok(await inSight('.dag .on', '.dag'), 'the stage is out of sight');
  await page.goto(base + '/data/data/train?from=HEAD~1');
  await page.getByRole('heading', {name: 'HEAD~1 → workspace', exact: true}).waitFor();
});

await scene('keys scroll the table wherever the focus is', {viewport: {width: 1000, height: 400}}, async (page) => {
  await page.goto(base + '/runs');
  await page.locator('#grid tbody a').first().waitFor();
  const top = () => page.evaluate(() => { const g = document.querySelector('#grid'); return [g.scrollTop, g.scrollHeight - g.clientHeight]; });
  await page.keyboard.press('PageDown');
  const [down] = await top();
  assert.ok(down > 100, `PageDown led to ${down}`);
  await page.keyboard.press('End');
  assert.equal(...await top());
  await page.keyboard.press('Home');
  assert.equal((await top())[0], 0);
  await page.setViewportSize({width: 390, height: 844}); // a telephone is turned
  await page.waitForFunction(() => document.querySelector('#grid th.name').offsetWidth < 170);
});
