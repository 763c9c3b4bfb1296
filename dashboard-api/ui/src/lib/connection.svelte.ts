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

class Connection {
  state = $state<LiveState>('connecting');

  constructor() {
    live.watch((state) => {
      this.state = state;
    });
  }
}

export const connection = new Connection();
