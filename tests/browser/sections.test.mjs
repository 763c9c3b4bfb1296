// Consumers, specifications and sensor health show what the API says; and what holds of every view.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NARROW, api, launch, onPage, until, visit } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** Every view's address, those of single things with the first of each. */
async function views() {
  const [endpoint] = (await api('/endpoints?limit=1')).items;
  const [finding] = (await api('/findings?limit=1')).items;
  const [consumer] = (await api('/consumers?limit=1')).items;
  const [specification] = (await api('/specifications')).items;
  return ['#/', '#/inventory', `#/inventory/${endpoint.id}`, '#/findings', `#/findings/${finding.id}`,
    '#/consumers', `#/consumers/${consumer.id}`, '#/specifications',
    `#/specifications/${encodeURIComponent(specification.name)}`, '#/health'];
}

test('a consumer leads to the endpoints it calls', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/consumers');
    const list = await api('/consumers?limit=1');
    await page.locator('[data-list=consumers] tbody tr a').first().click();
    await page.getByRole('heading', { name: 'Endpoints called' }).waitFor();
    assert.equal(await page.locator('h1').innerText(), list.items[0].label);
    await page.locator('main a.template').first().waitFor();
  }));

test('the sample\'s specification is listed and compared with the traffic', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/specifications');
    const [item] = (await api('/specifications')).items;
    const row = page.locator(`[data-list=specifications] tr[data-name="${item.name}"]`);
    assert.ok((await row.innerText()).includes(item.title));
    await row.getByRole('link', { name: 'Compare' }).click();
    await page.getByRole('heading', { name: 'Undocumented' }).waitFor();
    const diff = await api(`/specifications/${encodeURIComponent(item.name)}/diff`);
    assert.ok(diff.undocumented.length > 0);
    const text = (await page.locator('main').innerText()).replace(/\s+/g, '');
    for (const entry of [...diff.undocumented, ...diff.deprecated_seen]) assert.ok(text.includes(entry.template), entry.template);
    for (const operation of diff.unseen) assert.ok(text.includes(operation.path), operation.path);
  }));

test('a document that is none is refused in the API\'s words; one that is can be added and withdrawn', async () => {
  const name = 'browser-test';
  await onPage(browser, async (page) => {
    await visit(page, '#/specifications');
    const file = page.locator('input[type=file]');
    const good = 'openapi: 3.0.3\ninfo: {title: From the browser, version: "7"}\nservers: [{url: "http://browser-test.invalid"}]\n'
      + 'paths:\n  /things:\n    get: {responses: {"200": {description: ok}}}\n';
    await file.setInputFiles({ name: `${name}.yaml`, mimeType: 'application/yaml', buffer: Buffer.from(good) });
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const row = page.locator(`tr[data-name="${name}"]`);
    await row.waitFor();
    assert.ok((await row.innerText()).includes('From the browser'));
    await row.getByRole('button', { name: 'Withdraw…' }).click();
    await row.getByRole('button', { name: 'Withdraw for good' }).click();
    await row.waitFor({ state: 'detached' });
  });
  // The refusal is a 422, which chromium itself writes to the console: no guard here.
  const context = await browser.newContext();
  const page = await context.newPage();
  await visit(page, '#/specifications');
  await page.locator('input[type=file]').setInputFiles({ name: 'bad.yaml', mimeType: 'application/yaml', buffer: Buffer.from('just text') });
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('alert').waitFor();
  assert.ok((await page.getByRole('alert').innerText()).length > 20);
  await context.close();
});

test('sensor health shows a source and its packets', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/health');
    const row = page.locator('[data-list=sources] tbody tr').first();
    // Numbers of a source that is running move between the two looks; they meet in the end.
    await until('the source as the API tells it', async () => {
      const [source] = (await api('/health')).sources;
      const text = await row.innerText();
      return source.packets > 0 && text.includes(source.name) && text.includes(source.packets.toLocaleString('en'));
    });
    const { verdict } = await api('/health');
    assert.equal(await page.locator('[data-verdict]').getAttribute('data-verdict'), verdict.state);
    assert.ok((await page.locator('[data-verdict]').innerText()).includes(verdict.sentences[0]));
  }));

test('on a narrow window no view is wider than the window, and the menu opens', () =>
  onPage(browser, async (page) => {
    for (const view of await views()) {
      await visit(page, view);
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= window, `${view}: ${content} > ${window}`);
    }
    const menu = page.getByRole('button', { name: 'Menu' });
    const link = page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Inventory' });
    await until('the menu is closed', async () => !(await link.isVisible()));
    await menu.click();
    await link.click();
    await page.locator('[data-list=endpoints] tbody tr').first().waitFor();
    assert.ok(!(await link.isVisible()));
  }, { viewport: NARROW }));

test('every view has one heading and a name for everything that can be used', () =>
  onPage(browser, async (page) => {
    for (const view of await views()) {
      await visit(page, view);
      assert.equal(await page.locator('h1').count(), 1, view);
      const nameless = await page.locator('a, button, input, select, textarea').evaluateAll((all) =>
        all.filter((one) => one.checkVisibility() && !(one.textContent ?? '').trim() && !one.ariaLabel && !(one.labels?.length > 0))
          .map((one) => one.outerHTML.slice(0, 120)));
      assert.deepEqual(nameless, [], view);
    }
  }));

test('dark and light are told apart by the system\'s choice', async () => {
  const ground = {};
  for (const colorScheme of ['light', 'dark']) {
    await onPage(browser, async (page) => {
      await visit(page, '#/');
      ground[colorScheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    }, { colorScheme });
  }
  const lightness = (color) => color.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
  assert.ok(lightness(ground.light) > 600 && lightness(ground.dark) < 150, JSON.stringify(ground));
});
