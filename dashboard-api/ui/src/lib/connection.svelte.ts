// The page's one live connection, and its state for whoever shows it.
import { BASE } from './api';
import { Live, type LiveState, type Source } from './live';

export const live = new Live(
  () => new EventSource(`${BASE}/events`) as unknown as Source,
  {
    set: (action, ms) => window.setTimeout(action, ms),
    clear: (timer) => window.clearTimeout(timer as number | undefined),
  },
);

/** How long a window may be out of sight before it lets go of its connection. */
const HIDDEN_MS = 30_000;

/**
 * Calls `action` when what is shown may have missed changes: the product is back after having been
 * away, or it says so itself. Returns the way to end it.
 */
export function whenStale(action: () => void): () => void {
  const ends = [
    live.watch((_, again) => {
      if (again) action();
    }),
    live.on('reset', action),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** A browser has six connections to one place: windows out of sight must not hold them all. */
export function restWhileHidden(): void {
  let timer: number | undefined;
  document.addEventListener('visibilitychange', () => {
    window.clearTimeout(timer);
    if (document.hidden) timer = window.setTimeout(() => live.stop(), HIDDEN_MS);
    else live.start();
  });
}

class Connection {
  state = $state<LiveState>('connecting');

  constructor() {
    live.watch((state) => {
      this.state = state;
    });
  }
}

export const connection = new Connection();
