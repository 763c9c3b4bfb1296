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

/** Calls `action` when the product is back after having been away; returns the way to end it. */
export function whenBack(action: () => void): () => void {
  return live.watch((_, again) => {
    if (again) action();
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
