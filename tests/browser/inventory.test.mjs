// The inventory lists, filters, sorts, and keeps its filters in the address.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, launch, onPage, until, visit } from './support.mjs';

const ROWS = '[data-list=endpoints] tbody tr';
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const total = async (page) => Number(await page.locator('h1 + [data-total]').getAttribute('data-total'));

test('every endpoint of the API is listed', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/inventory');
    const all = await api('/endpoints?limit=500');
    assert.ok(all.total > 0);
    assert.equal(await total(page), all.total);
    assert.equal(await page.locator(ROWS).count(), Math.min(100, all.total));
  }));

test('typing into the filter narrows the list, and the address keeps it', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/inventory');
    const before = await total(page);
    const template = await page.locator(`${ROWS} .template`).first().innerText();
    const word = template.split('/').filter((part) => /^[a-z-]{3,}$/.test(part)).at(-1) ?? template;
    await page.getByRole('searchbox').pressSequentially(word);
    await until(`fewer than ${before} rows for "${word}"`, async () => (await total(page)) < before && (await total(page)) > 0);
    for (const name of await page.locator(`${ROWS} .endpoint`).allInnerTexts()) {
      assert.ok(name.toLowerCase().includes(word), `${name} has no "${word}"`);
    }
    const narrowed = await total(page);
    assert.match(page.url(), new RegExp(`q=${word}`));
    await page.reload();
    await page.locator(ROWS).first().waitFor();
    assert.equal(await total(page), narrowed);
    assert.equal(await page.getByRole('searchbox').inputValue(), word);
  }));

test('the lifecycle filter shows only shadow endpoints', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/inventory');
    const { lifecycle } = await api('/overview');
    assert.ok(lifecycle.shadow > 0, 'the sample has shadow endpoints');
    await page.getByRole('button', { name: 'Lifecycle' }).first().click();
    await page.getByRole('checkbox', { name: /^Shadow/ }).check();
    await until('shadow endpoints only', async () => (await total(page)) === lifecycle.shadow);
    const shown = await page.locator(ROWS).evaluateAll((rows) => rows.map((row) => row.dataset.lifecycle));
    assert.deepEqual(new Set(shown), new Set(['shadow']));
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await until('all endpoints again', async () => (await total(page)) > lifecycle.shadow);
  }));

test('a filter that matches nothing says what to do', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/inventory?q=no-such-thing-anywhere');
    await page.getByText('Nothing matches these filters').waitFor();
    await page.getByRole('button', { name: 'clear them all' }).click();
    await page.locator(ROWS).first().waitFor();
  }));

test('a column sorts both ways', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/inventory');
    const head = page.getByRole('columnheader', { name: 'Requests' });
    assert.equal(await head.getAttribute('aria-sort'), 'descending');
    const first = () => page.locator(ROWS).first().getAttribute('data-id');
    const lists = {};
    for (const order of ['desc', 'asc']) {
      lists[order] = (await api(`/endpoints?sort=requests&order=${order}&limit=1`)).items[0].id;
    }
    assert.equal(await first(), lists.desc);
    await head.getByRole('button').click();
    await until('the least called first', async () => (await first()) === lists.asc);
    assert.equal(await head.getAttribute('aria-sort'), 'ascending');
  }));

test('a slash goes to the filter', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/inventory');
    await page.keyboard.press('/');
    assert.ok(await page.getByRole('searchbox').evaluate((box) => box === document.activeElement));
  }));
