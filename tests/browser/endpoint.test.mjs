// An endpoint's page draws its charts and shows what the API knows.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, base, launch, onPage, visit } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('opening the busiest endpoint from the inventory draws its charts', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/inventory');
    const link = page.locator('[data-list=endpoints] tbody tr').first().locator('a.template');
    const template = await link.innerText();
    await link.click();
    await page.locator('main canvas').nth(2).waitFor();
    assert.ok((await page.locator('h1').innerText()).replace(/\s/g, '').endsWith(template.replace(/\s/g, '')));
    const sizes = await page.locator('main canvas').evaluateAll((all) => all.map((one) => [one.width, one.height]));
    assert.equal(sizes.length, 3);
    for (const [width, height] of sizes) assert.ok(width > 100 && height > 50, JSON.stringify(sizes));
    // Something is drawn: at least one pixel of each is not transparent.
    const drawn = await page.locator('main canvas').evaluateAll((all) =>
      all.map((one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((value) => value !== 0)));
    assert.deepEqual(drawn, [true, true, true]);
  }));

test('an endpoint shows its reason, statuses, parameters and consumers', () =>
  onPage(browser, async (page) => {
    const [busiest] = (await api('/endpoints?limit=1')).items;
    const detail = await api(`/endpoints/${busiest.id}`);
    await visit(page, `#/inventory/${busiest.id}`);
    const text = await page.locator('main').innerText();
    assert.ok(text.includes(detail.lifecycle_reason));
    for (const status of Object.keys(detail.statuses)) {
      if (/^\d/.test(status)) assert.ok(text.includes(status), `status ${status}`);
    }
    for (const consumer of detail.top_consumers.slice(0, 8)) assert.ok(text.includes(consumer.label), consumer.label);
    for (const parameter of detail.parameters.slice(0, 5)) assert.ok(text.includes(parameter.name), parameter.name);
  }));

test('an endpoint that is not there is said so in the API\'s words', async () => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${base}/#/inventory/0000000000000000`);
  const alert = page.getByRole('alert');
  await alert.waitFor();
  const problem = await (await fetch(`${base}/api/v1/endpoints/0000000000000000`)).json();
  assert.ok((await alert.innerText()).includes(problem.detail));
  await page.context().close();
});
