// What happens on the wire of server-sent events: parse, coalesce, reconnect. No DOM and no global:
// the event source and the timers come in from outside, so that every situation can be tested.

export type LiveState = 'connecting' | 'live' | 'waiting';
/** `reset`: too much changed to be told row by row, or a row is gone; lists are to be read again. */
export type LiveKind = 'overview' | 'endpoint' | 'finding' | 'health' | 'reset';
export const LIVE_KINDS: LiveKind[] = ['overview', 'endpoint', 'finding', 'health', 'reset'];

/** The part of EventSource that is used. */
export interface Source {
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  addEventListener(kind: string, listener: (event: { data: string }) => void): void;
  close(): void;
}

export interface Timers {
  set(action: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** What is handed to listeners: everything of one kind since the last time, the latest per id. */
export type Batch = Record<string, unknown>[];

/** Rows are redrawn at most this often, whatever the server sends. */
export const FLUSH_MS = 400;
/** First wait before a reconnection; doubles up to the maximum. */
export const RETRY_MIN_MS = 1_000;
export const RETRY_MAX_MS = 15_000;
/** Between two flushes at most this many rows are kept per kind; the oldest go first. */
export const PENDING_MAX = 2_000;

export class Live {
  private source: Source | null = null;
  private readonly pending = new Map<LiveKind, Map<string, Record<string, unknown>>>();
  private readonly listeners = new Map<LiveKind, Set<(batch: Batch) => void>>();
  private readonly watchers = new Set<(state: LiveState, again: boolean) => void>();
  private flushTimer: unknown = null;
  private retryTimer: unknown = null;
  private retryMs = RETRY_MIN_MS;
  private opened = false;
  private stopped = true;
  state: LiveState = 'connecting';

  constructor(
    private readonly open: () => Source,
    private readonly timers: Timers,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.source?.close();
    this.source = null;
    this.timers.clear(this.flushTimer);
    this.timers.clear(this.retryTimer);
    this.flushTimer = null;
    this.retryTimer = null;
    this.pending.clear();
  }

  /** Calls `listener` with batches of `kind`; returns the way to end it. */
  on(kind: LiveKind, listener: (batch: Batch) => void): () => void {
    const set = this.listeners.get(kind) ?? new Set();
    this.listeners.set(kind, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  /** Calls `watcher` when the state changes; `again` when it is live after having been lost. */
  watch(watcher: (state: LiveState, again: boolean) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private connect(): void {
    const source = this.open();
    this.source = source;
    source.onopen = () => {
      if (this.source !== source) return;
      const again = this.opened;
      this.opened = true;
      this.retryMs = RETRY_MIN_MS;
      this.become('live', again);
    };
    source.onerror = () => {
      if (this.source !== source) return;
      // EventSource retries by itself after some errors and never after others (an HTTP error
      // status); closing it and retrying here makes both alike.
      source.close();
      this.source = null;
      this.become('waiting', false);
      this.retryTimer = this.timers.set(() => this.connect(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    };
    for (const kind of LIVE_KINDS) {
      source.addEventListener(kind, (event) => {
        if (this.source === source) this.take(kind, event.data);
      });
    }
  }

  private become(state: LiveState, again: boolean): void {
    this.state = state;
    for (const watcher of this.watchers) watcher(state, again);
  }

  private take(kind: LiveKind, data: string): void {
    for (const item of rowsOf(data)) {
      const rows = this.pending.get(kind) ?? new Map<string, Record<string, unknown>>();
      this.pending.set(kind, rows);
      const key = typeof item['id'] === 'string' ? item['id'] : '';
      rows.delete(key);
      rows.set(key, item);
      if (rows.size > PENDING_MAX) {
        const oldest = rows.keys().next();
        if (!oldest.done) rows.delete(oldest.value);
      }
    }
    this.flushTimer ??= this.timers.set(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    this.flushTimer = null;
    const batches = [...this.pending];
    this.pending.clear();
    for (const [kind, rows] of batches) {
      for (const listener of this.listeners.get(kind) ?? []) listener([...rows.values()]);
    }
  }
}

/** One event's rows: an object, or an array of them. What is not JSON is passed over. */
function rowsOf(data: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(data);
    const rows = Array.isArray(value) ? value : [value];
    return rows.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null);
  } catch {
    return [];
  }
}
