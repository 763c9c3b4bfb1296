// Triage: from the list to the evidence, to a decision that stays.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { api, launch, onPage, setStatus, until, visit } from './support.mjs';

const ROWS = '[data-list=findings] tbody tr';
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('open findings are listed, the most severe first', () =>
  onPage(browser, async (page) => {
    await visit(page, '#/findings');
    const all = await api('/findings?status=open&sort=severity&order=desc&limit=100');
    assert.ok(all.total > 0);
    const shown = await page.locator(ROWS).evaluateAll((rows) => rows.map((row) => row.dataset.id));
    assert.deepEqual(shown, all.items.map((item) => item.id));
    const order = ['critical', 'high', 'medium', 'low', 'info'];
    const ranks = (await page.locator(ROWS).evaluateAll((rows) => rows.map((row) => row.dataset.severity)))
      .map((name) => order.indexOf(name));
    assert.deepEqual(ranks, [...ranks].sort((a, b) => a - b));
  }));

test('from the list to the evidence, to a decision that is there after a reload', () =>
  onPage(browser, async (page) => {
    const [subject] = (await api('/findings?sort=severity&order=desc&limit=1')).items;
    if (subject.status !== 'open') await setStatus(subject.id, 'open');
    await visit(page, '#/findings');
    await page.locator(`${ROWS}[data-id="${subject.id}"] .title a`).click();
    await page.getByRole('heading', { name: subject.title }).waitFor();

    const detail = await api(`/findings/${subject.id}`);
    assert.ok(detail.evidence.length > 0);
    const evidence = page.locator('[data-list=evidence] tbody tr');
    assert.equal(await evidence.count(), detail.evidence.length);
    assert.ok((await evidence.first().innerText()).includes(detail.evidence[0].summary));
    const text = (await page.locator('main').innerText()).replace(/\s+/g, ' ');
    assert.ok(text.includes(detail.explanation.replace(/\s+/g, ' ').trim()));
    for (const tag of detail.owasp) assert.ok(text.includes(tag), tag);

    const comment = `looked at ${detail.history.length}`;
    await page.getByLabel('Status').selectOption('acknowledged');
    await page.getByLabel('Comment').fill(comment);
    await page.getByRole('button', { name: 'Save decision' }).click();
    await page.getByText('Saved.').waitFor();

    await page.reload();
    await page.locator('li[data-change=acknowledged]').last().waitFor();
    assert.equal(await page.getByLabel('Status').inputValue(), 'acknowledged');
    assert.ok((await page.locator('li[data-change=acknowledged]').last().innerText()).includes(comment));
    assert.equal((await api(`/findings/${subject.id}`)).status, 'acknowledged');

    await visit(page, '#/findings?status=acknowledged');
    await page.locator(`${ROWS}[data-id="${subject.id}"]`).waitFor();
    await setStatus(subject.id, 'open');
  }));

test('severity and kind narrow the list', () =>
  onPage(browser, async (page) => {
    const [one] = (await api('/findings?limit=1')).items;
    const matching = await api(`/findings?severity=${one.severity}&kind=${one.kind}&limit=100`);
    await visit(page, `#/findings?status=all&severity=${one.severity}&kind=${one.kind}`);
    assert.equal(await page.locator(ROWS).count(), Math.min(100, matching.total));
  }));

test('a finding changed elsewhere changes here, without a reload', () =>
  onPage(browser, async (page) => {
    const [subject] = (await api('/findings?limit=1')).items;
    await visit(page, '#/findings?status=all');
    await page.locator('[data-state=live]').waitFor();
    await page.evaluate(() => { window.sameDocument = true; });
    const row = page.locator(`${ROWS}[data-id="${subject.id}"]`);
    for (const status of ['resolved', 'accepted_risk', 'open']) {
      await setStatus(subject.id, status);
      await until(`the row says ${status}`, async () => (await row.getAttribute('data-status')) === status);
    }
    assert.equal(await page.evaluate(() => window.sameDocument), true);
  }));
