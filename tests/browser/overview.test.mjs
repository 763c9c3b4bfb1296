// The overview shows what the API says, with numbers above zero, and leads to the rows it counts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, launch, numberOf, onPage, until, visit } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the overview shows numbers above zero, the API\'s own', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/');
    const overview = await api('/overview');
    const shown = async (name) => numberOf(await page.locator('.stat', { hasText: name }).locator('[data-value]').innerText());
    assert.ok(overview.endpoints > 0 && overview.requests > 0 && overview.consumers > 0);
    await until('the API\'s number of endpoints', async () => (await shown('Endpoints')) === overview.endpoints);
    assert.equal(await shown('Consumers'), overview.consumers);
    const open = Object.values(overview.findings_open).reduce((sum, n) => sum + n, 0);
    assert.ok(open > 0);
    assert.equal(await shown('Open findings'), open);
  }));

test('the overview draws its traffic', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/');
    const canvas = page.locator('section', { hasText: 'requests a minute' }).locator('canvas');
    await canvas.waitFor();
    const box = await canvas.boundingBox();
    assert.ok(box.width > 200 && box.height > 80, JSON.stringify(box));
  }));

test('a part of the lifecycle bar leads to the endpoints it counts', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/');
    const { lifecycle } = await api('/overview');
    await page.locator('section', { hasText: 'Lifecycle' }).getByRole('link', { name: /^Shadow/ }).click();
    await page.locator('[data-list=endpoints] tbody tr').first().waitFor();
    assert.match(page.url(), /lifecycle=shadow/);
    assert.equal(await page.locator('[data-list=endpoints] tbody tr').count(), Math.min(100, lifecycle.shadow));
  }));

test('the connection says it is live', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/');
    await page.locator('[data-state=live]').waitFor();
  }));

test('an address that names nothing says so', () =>
  onPage(browser, async (page) => {
    await page.goto(`${process.env.TAPSCOPE_URL}/#/nowhere`);
    await page.getByText('There is no such page').waitFor();
  }));
