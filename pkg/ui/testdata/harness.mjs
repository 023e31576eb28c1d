// What scenes are made of: a browser, pages whose errors fail them, axe-core.
import {createRequire} from 'node:module';
import {mkdirSync, readFileSync} from 'node:fs';
import assert from 'node:assert/strict';

const require = createRequire(process.env.MLOPS_TEST_NPM + '/');
const {chromium} = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const base = process.argv[2];
const pictures = process.env.MLOPS_TEST_SCREENSHOTS;
if (pictures) mkdirSync(pictures, {recursive: true});

const browser = await chromium.launch({executablePath: process.env.MLOPS_TEST_CHROMIUM, args: ['--no-sandbox']});
const failures = [];
const chosen = new RegExp(process.env.MLOPS_TEST_SCENES || '');

// scene runs fn on a page of its own; errors of the console fail it.
export async function scene(name, options, fn) {
  if (!chosen.test(name)) return;
  const context = await browser.newContext({viewport: {width: 1360, height: 860}, reducedMotion: 'reduce', ...options});
  const page = await context.newPage();
  const wrong = [];
  page.on('console', (m) => { if (m.type() === 'error' && !page.expected?.test(m.text())) wrong.push('console: ' + m.text()); });
  page.on('pageerror', (e) => wrong.push('script: ' + e.message));
  page.setDefaultTimeout(8000);
  try {
    await fn(page);
    assert.deepEqual(wrong, []);
    assert.equal(await page.evaluate(() => window.evil), undefined, 'a text of a user ran as a script');
    console.log('ok  ', name);
  } catch (e) {
    failures.push(name);
    console.log('FAIL', name, '\n', e.message, '\n', wrong.join('\n'));
    if (pictures) await page.screenshot({path: `${pictures}/failed-${name.replace(/\W+/g, '-')}.png`}).catch(() => {});
  }
  await context.close();
}

// ready waits until tables and charts are drawn.
export async function ready(page) {
  await page.waitForLoadState('load');
  await page.waitForFunction(() => {
    const near = [...document.querySelectorAll('figure.chart')].filter((f) => f.getBoundingClientRect().top < innerHeight && !f.hidden);
    return near.every((f) => f.querySelector('canvas, .note-line')) && (!document.querySelector('#grid') || document.querySelector('#grid table, #grid .empty'));
  });
  await page.waitForTimeout(60);
}

const levels = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// accessible asks axe-core for what is wrong: all rules, or some.
export async function accessible(page, name, rules) {
  await page.evaluate(axe);
  const {violations} = await page.evaluate((runOnly) => axe.run(document, {runOnly, resultTypes: ['violations']}), rules || levels);
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + (n.failureSummary || '').split('\n').slice(1, 2)).join(' | ')}`), [], name);
}

export const picture = (page, name) => pictures && page.screenshot({path: `${pictures}/${name}.png`});

// end closes the browser and says what failed.
export async function end() {
  await browser.close();
  if (failures.length) {
    console.log(`${failures.length} of the scenes failed: ${failures.join('; ')}`);
    process.exit(1);
  }
}
