// One thing read from the API: its data, whether it is being read, and what went wrong. Data stays
// on the screen while it is read again; an answer that a newer request has overtaken is dropped.
import { ApiError } from './api';

export class Resource<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  private abort: AbortController | null = null;
  private again: number | null = null;

  /** Reads. `fresh` takes the old data off the screen first (another id, another list). */
  async load(read: (signal: AbortSignal) => Promise<T>, fresh = false): Promise<void> {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    if (fresh) this.data = null;
    this.loading = true;
    try {
      const data = await read(abort.signal);
      if (this.abort !== abort) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (this.abort !== abort) return;
      this.error = toApiError(error);
    }
    this.loading = false;
  }

  /** Reads again after `ms`, however often it is asked in the meantime. */
  later(read: (signal: AbortSignal) => Promise<T>, ms: number): void {
    if (this.again !== null) return;
    this.again = window.setTimeout(() => {
      this.again = null;
      void this.load(read);
    }, ms);
  }

  /** Ends whatever goes on; call it when the view goes away. */
  close(): void {
    this.abort?.abort();
    this.abort = null;
    if (this.again !== null) window.clearTimeout(this.again);
    this.again = null;
  }
}

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, 'Something went wrong', error instanceof Error ? error.message : String(error));
}
