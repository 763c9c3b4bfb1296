// What every test here needs: the running product's address, a browser, and pages that notice what
// must never happen (an error on the console, a request to anywhere else).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const base = (process.env.TAPSCOPE_URL ?? '').replace(/\/$/, '');
if (base === '') throw new Error('TAPSCOPE_URL is not set: the address of a running tapscope, http://127.0.0.1:PORT');

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser']
  .find((path) => path !== undefined && existsSync(path));

export function launch() {
  if (executablePath === undefined) throw new Error('chromium is missing: apt-get install chromium, or set CHROMIUM');
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** Runs `drive` on a fresh page, then checks that nothing went wrong behind its back. */
export async function onPage(browser, drive, options = {}) {
  const context = await browser.newContext({ viewport: WIDE, ...options });
  const problems = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(base).origin) problems.push(`request elsewhere: ${request.url()}`);
    });
    await drive(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(problems, []);
}

export async function api(path, options) {
  const response = await fetch(`${base}/api/v1${path}`, options);
  assert.ok(response.ok, `${options?.method ?? 'GET'} ${path}: ${response.status} ${await peek(response)}`);
  return response.json();
}

export function setStatus(id, status, comment = '') {
  return api(`/findings/${id}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ status, comment }),
  });
}

/** Goes to a view by its address, as a bookmark would, and waits until it has read its data. */
export async function visit(page, hash) {
  await page.goto(`${base}/${hash}`);
  await page.locator('main').waitFor();
  await page.waitForFunction(() => {
    const main = document.querySelector('main');
    return main !== null && main.querySelector('h1') !== null && !/Reading…/.test(main.textContent ?? '');
  });
}

/** Waits for what only shows a moment later, and says what it was that never came. */
export async function until(what, test, attempts = 150) {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (await test()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`this never came: ${what}`);
}

/** A number as the page writes it. */
export const numberOf = (text) => Number(text.replaceAll(',', ''));

async function peek(response) {
  return response.ok ? '' : (await response.text()).slice(0, 300);
}
