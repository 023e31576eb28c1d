// Measures the page of many runs: bytes over the wire, time until rows are
// there, and the frames of a scroll from top to bottom.
import {createRequire} from 'node:module';
import assert from 'node:assert/strict';

const require = createRequire(process.env.MLOPS_TEST_NPM + '/');
const {chromium} = require('playwright-core');
const browser = await chromium.launch({executablePath: process.env.MLOPS_TEST_CHROMIUM, args: ['--no-sandbox']});
const base = process.argv[2];
const times = [];
for (let i = 0; i < 4; i++) {
  const context = await browser.newContext({viewport: {width: 1360, height: 860}});
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', (e) => { bytes += e.encodedDataLength; });
  const began = performance.now();
  await page.goto(base + '/runs');
  await page.locator('#grid tbody a').first().waitFor();
  const usable = await page.evaluate(() => performance.now());
  times.push(usable);
  await page.waitForTimeout(300);
  assert.ok(bytes > 50_000 && bytes <= 300_000, `${bytes} bytes over the wire`);
  console.log(`usable after ${usable.toFixed(0)} ms of the page (${(performance.now() - began - 300).toFixed(0)} ms seen from outside), ${bytes} bytes`);
  if (i === 3) {
    const frames = await page.evaluate(async () => {
      const grid = document.querySelector('#grid');
      const worst = [];
      for (let y = 0; y < grid.scrollHeight; y += grid.scrollHeight / 120) {
        const from = performance.now();
        grid.scrollTop = y;
        await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        worst.push(performance.now() - from);
      }
      return worst.sort((a, b) => a - b);
    });
    console.log(`scroll: half of the jumps under ${frames[60].toFixed(1)} ms, 95 % under ${frames[114].toFixed(1)} ms`);
    const sort = await page.evaluate(() => { const from = performance.now(); document.querySelector('[data-sort="metrics.loss"]').click(); return performance.now() - from; });
    console.log(`sort by a metric: ${sort.toFixed(0)} ms`);
    const shown = await page.locator('#grid tbody tr').count();
    assert.ok(shown < 120, `${shown} rows are drawn`);
  }
  await context.close();
}
await browser.close();
