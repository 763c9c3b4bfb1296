// Waits until the capture has been replayed: every source says it is finished, and nothing changes.
import { api } from './support.mjs';

const ATTEMPTS = 600;
let before = -1;
for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
  const [health, overview] = await Promise.all([api('/health'), api('/overview')]).catch(() => []);
  const finished = health?.sources.length > 0 && health.sources.every((source) => source.state !== 'running');
  if (finished && overview.requests > 0 && overview.requests === before) process.exit(0);
  before = overview?.requests ?? -1;
  await new Promise((resolve) => setTimeout(resolve, 300));
}
console.error('browser test: the replay did not finish');
process.exit(1);
