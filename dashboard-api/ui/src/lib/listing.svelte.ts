// A list read page by page (keyset cursors) and kept up to date by live events: rows that are shown
// are replaced in place; rows that are not make the first page be read again, or, when the reader
// has gone further down, a "new" count that they can act on.
import type { ApiError } from './api';
import { toApiError } from './resource.svelte';
import type { Page } from './types';

interface Row { id: string }

/** Unknown rows make the list be read again at most this often … */
const REREAD_MS = 2_000;
/** … and when there are further pages, where most unknown rows are, less often still. */
const REREAD_LONG_MS = 6_000;

export class Listing<T extends Row> {
  items = $state.raw<T[]>([]);
  total = $state(0);
  cursor = $state<string | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  /** Whether anything was read at all: "nothing there" is not "not read yet". */
  loaded = $state(false);
  /** Rows that appeared and are not shown, since more than the first page is on the screen. */
  fresh = $state(0);
  private query = new URLSearchParams();
  private abort: AbortController | null = null;
  private again: number | null = null;
  private pages = 0;
  private unseen = new Set<string>();

  constructor(private readonly read: (query: URLSearchParams, signal: AbortSignal) => Promise<Page<T>>) {}

  /** Starts the list anew for these filters. */
  async show(query: URLSearchParams): Promise<void> {
    this.query = query;
    await this.fetch(null);
  }

  reload(): Promise<void> {
    return this.fetch(null);
  }

  async more(): Promise<void> {
    if (this.cursor !== null && !this.loading) await this.fetch(this.cursor);
  }

  /** Takes live rows in. `fits` tells whether an unknown row could belong to this list. */
  apply(rows: T[], fits: (row: T) => boolean): void {
    const incoming = new Map(rows.map((row) => [row.id, row]));
    let known = 0;
    const items = this.items.map((item) => {
      const next = incoming.get(item.id);
      if (next === undefined) return item;
      known += 1;
      incoming.delete(item.id);
      return next;
    });
    if (known > 0) this.items = items;
    const unknown = [...incoming.values()].filter(fits);
    if (unknown.length === 0 || !this.loaded) return;
    if (this.pages > 1) {
      for (const row of unknown) this.unseen.add(row.id);
      this.fresh = this.unseen.size;
      return;
    }
    this.again ??= window.setTimeout(() => {
      this.again = null;
      if (this.pages <= 1) void this.fetch(null);
    }, this.cursor === null ? REREAD_MS : REREAD_LONG_MS);
  }

  close(): void {
    this.abort?.abort();
    this.abort = null;
    if (this.again !== null) window.clearTimeout(this.again);
    this.again = null;
  }

  private async fetch(cursor: string | null): Promise<void> {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.loading = true;
    const query = new URLSearchParams(this.query);
    if (cursor !== null) query.set('cursor', cursor);
    try {
      const page = await this.read(query, abort.signal);
      if (this.abort !== abort) return;
      this.items = cursor === null ? page.items : append(this.items, page.items);
      this.pages = cursor === null ? 1 : this.pages + 1;
      this.total = page.total;
      this.cursor = page.next_cursor ?? null;
      this.error = null;
      this.loaded = true;
      if (cursor === null) {
        this.unseen.clear();
        this.fresh = 0;
      }
    } catch (error) {
      if (this.abort !== abort) return;
      this.error = toApiError(error);
    }
    this.loading = false;
  }
}

/** A row may move between pages while it is counted; it must not be on the screen twice. */
function append<T extends Row>(shown: T[], next: T[]): T[] {
  const ids = new Set(shown.map((row) => row.id));
  return [...shown, ...next.filter((row) => !ids.has(row.id))];
}
