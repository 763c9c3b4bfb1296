// Removes what an earlier build left in dist/, and nothing else: placeholder.html is committed.
import { rmSync } from 'node:fs';

for (const made of ['assets', 'index.html']) {
  rmSync(new URL(`./dist/${made}`, import.meta.url), { recursive: true, force: true });
}
