// The live connection in every situation, with a source and timers that do what the test says.
import { beforeEach, describe, expect, it } from 'vitest';
import { FLUSH_MS, Live, PENDING_MAX, RETRY_MAX_MS, RETRY_MIN_MS, type Batch, type LiveState, type Source } from './live';

/** An event source that does what the test says. */
class FakeSource implements Source {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  private readonly listeners = new Map<string, (event: { data: string }) => void>();
  addEventListener(kind: string, listener: (event: { data: string }) => void) {
    this.listeners.set(kind, listener);
  }
  close() {
    this.closed = true;
  }
  send(kind: string, value: unknown) {
    this.listeners.get(kind)?.({ data: typeof value === 'string' ? value : JSON.stringify(value) });
  }
}

/** Timers that fire when the test lets time pass. */
class FakeTimers {
  private now = 0;
  private queue: { at: number; action: () => void }[] = [];
  set = (action: () => void, ms: number) => {
    const timer = { at: this.now + ms, action };
    this.queue.push(timer);
    return timer;
  };
  clear = (timer: unknown) => {
    this.queue = this.queue.filter((other) => other !== timer);
  };
  pass(ms: number) {
    this.now += ms;
    const due = this.queue.filter((timer) => timer.at <= this.now);
    this.queue = this.queue.filter((timer) => timer.at > this.now);
    for (const timer of due) timer.action();
  }
}

let sources: FakeSource[];
let timers: FakeTimers;
let live: Live;
const source = () => sources[sources.length - 1]!;

beforeEach(() => {
  sources = [];
  timers = new FakeTimers();
  live = new Live(() => {
    const next = new FakeSource();
    sources.push(next);
    return next;
  }, timers);
});

describe('events', () => {
  it('come in batches, the latest of each id, in the order last heard', () => {
    const batches: Batch[] = [];
    live.on('endpoint', (batch) => batches.push(batch));
    live.start();
    source().send('endpoint', { id: 'a', n: 1 });
    source().send('endpoint', { id: 'b', n: 1 });
    source().send('endpoint', { id: 'a', n: 2 });
    expect(batches).toEqual([]);
    timers.pass(FLUSH_MS);
    expect(batches).toEqual([[{ id: 'b', n: 1 }, { id: 'a', n: 2 }]]);
    timers.pass(FLUSH_MS);
    expect(batches.length).toBe(1);
  });

  it('may carry several rows at once', () => {
    let ids: unknown[] = [];
    live.on('finding', (batch) => (ids = batch.map((row) => row['id'])));
    live.start();
    source().send('finding', [{ id: 'a' }, { id: 'b' }]);
    timers.pass(FLUSH_MS);
    expect(ids).toEqual(['a', 'b']);
  });

  it('tell that everything is to be read again', () => {
    let resets = 0;
    live.on('reset', () => (resets += 1));
    live.start();
    source().send('reset', {});
    source().send('reset', {});
    timers.pass(FLUSH_MS);
    expect(resets).toBe(1);
  });

  it('that are no JSON objects are passed over', () => {
    let heard = 0;
    live.on('endpoint', (batch) => (heard += batch.length));
    live.start();
    for (const bad of ['{', '3', 'null', '"x"', '[null]']) source().send('endpoint', bad);
    source().send('endpoint', { id: 'a' });
    timers.pass(FLUSH_MS);
    expect(heard).toBe(1);
  });

  it('are kept to a bound, the newest winning', () => {
    let ids: unknown[] = [];
    live.on('endpoint', (batch) => (ids = batch.map((row) => row['id'])));
    live.start();
    for (let n = 0; n < PENDING_MAX + 10; n += 1) source().send('endpoint', { id: String(n) });
    timers.pass(FLUSH_MS);
    expect(ids.length).toBe(PENDING_MAX);
    expect(ids[ids.length - 1]).toBe(String(PENDING_MAX + 9));
  });

  it('are not heard after unsubscribing', () => {
    let heard = 0;
    const end = live.on('endpoint', () => (heard += 1));
    live.start();
    end();
    source().send('endpoint', { id: 'a' });
    timers.pass(FLUSH_MS);
    expect(heard).toBe(0);
  });
});

describe('connection', () => {
  it('says when it is live, lost, and live again', () => {
    const states: [LiveState, boolean][] = [];
    live.watch((state, again) => states.push([state, again]));
    live.start();
    source().onopen?.();
    source().onerror?.();
    timers.pass(RETRY_MIN_MS);
    source().onopen?.();
    expect(states).toEqual([['live', false], ['waiting', false], ['live', true]]);
  });

  it('waits longer each time, up to the maximum, and starts over once it was live', () => {
    live.start();
    let waited = RETRY_MIN_MS;
    for (let n = 0; n < 8; n += 1) {
      const before = sources.length;
      source().onerror?.();
      expect(sources[before - 1]!.closed).toBe(true);
      timers.pass(waited - 1);
      expect(sources.length).toBe(before);
      timers.pass(1);
      expect(sources.length).toBe(before + 1);
      waited = Math.min(waited * 2, RETRY_MAX_MS);
    }
    source().onopen?.();
    source().onerror?.();
    const before = sources.length;
    timers.pass(RETRY_MIN_MS);
    expect(sources.length).toBe(before + 1);
  });

  it('does not listen to a source it has given up', () => {
    let heard = 0;
    live.on('endpoint', () => (heard += 1));
    live.start();
    const old = source();
    old.onerror?.();
    old.onerror?.();
    old.send('endpoint', { id: 'a' });
    timers.pass(FLUSH_MS);
    expect(heard).toBe(0);
    timers.pass(RETRY_MIN_MS);
    expect(sources.length).toBe(2);
  });

  it('opens no second source when started twice, and none after it was stopped', () => {
    live.start();
    live.start();
    expect(sources.length).toBe(1);
    source().onerror?.();
    live.stop();
    timers.pass(RETRY_MAX_MS);
    expect(sources.length).toBe(1);
  });
});
