// What every view needs to know of the product: the overview (its "now" is packet time, which may be
// long ago when a capture was replayed) and the feed's verdict. Read once, then kept live.
import { health as readHealth, overview as readOverview } from './api';
import { live } from './connection.svelte';
import { Resource } from './resource.svelte';
import type { Health, Overview } from './types';

/** Events that do not carry the whole object make it be read again, at most this often. */
const REREAD_MS = 1_500;

class Product {
  readonly overview = new Resource<Overview>();
  readonly health = new Resource<Health>();

  /** Packet time of the latest record, or the wall clock while nothing was seen. */
  get now(): string {
    return this.overview.data?.now ?? new Date().toISOString();
  }

  start(): () => void {
    this.read();
    const ends = [
      live.on('overview', ([latest]) => {
        if (latest !== undefined && 'top_endpoints' in latest) {
          this.overview.data = latest as unknown as Overview;
        } else {
          this.overview.later(readOverview, REREAD_MS);
        }
      }),
      live.on('health', ([latest]) => {
        if (latest !== undefined && 'verdict' in latest && 'sources' in latest) {
          this.health.data = latest as unknown as Health;
        } else {
          this.health.later(readHealth, REREAD_MS);
        }
      }),
      live.watch((state, again) => {
        if (again || (state === 'live' && this.overview.error !== null)) this.read();
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  read(): void {
    void this.overview.load(readOverview);
    void this.health.load(readHealth);
  }
}

export const product = new Product();
