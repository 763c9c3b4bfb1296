// Saves the pictures that README.md shows to the directory named by SCREENSHOTS.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { NARROW, WIDE, api, launch, visit } from './support.mjs';

const directory = process.env.SCREENSHOTS;
if (!directory) throw new Error('SCREENSHOTS is not set: the directory to save to');
mkdirSync(directory, { recursive: true });

// A finding that measured something says more in a picture than one that did not.
const findings = (await api('/findings?status=open&sort=severity&order=desc&limit=100')).items;
const details = await Promise.all(findings.map((one) => api(`/findings/${one.id}`)));
const telling = details.find((one) => one.kind === 'error_anomaly') ?? details.find((one) => one.evidence.length > 1) ?? details[0];
const [busiest] = (await api('/endpoints?sort=requests&order=desc&limit=1')).items;
const subject = telling?.endpoint?.id ?? busiest.id;

const browser = await launch();
const pictures = [
  ['overview', '#/', WIDE], ['inventory', '#/inventory', WIDE], ['endpoint', `#/inventory/${subject}`, WIDE],
  ['finding', `#/findings/${telling?.id ?? ''}`, WIDE], ['narrow', '#/inventory', NARROW],
];
for (const [name, hash, viewport] of pictures) {
  const page = await (await browser.newContext({ viewport, deviceScaleFactor: 1.5, colorScheme: 'light' })).newPage();
  await visit(page, hash);
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(directory, `${name}.png`) });
  await page.context().close();
}
await browser.close();
