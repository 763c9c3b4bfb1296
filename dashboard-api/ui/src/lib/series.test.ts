// What charts are drawn from: nothing lost, nothing counted twice.
import { describe, expect, it } from 'vitest';
import { fillMinutes, gather, latencyColumns, logBins, positionIn, stepFor, trafficColumns } from './series';
import type { Histogram, Minute } from './types';

const at = (minute: number, requests = 1): Minute => ({
  minute: new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString(), requests, client_errors: 0, server_errors: 0,
  latency_p50_ms: null, latency_p99_ms: null, response_bytes: 0,
});
const histogram = (buckets: [number, number][]): Histogram => ({ count: 0, min: 0, p50: 0, p90: 0, p99: 0, max: 0, buckets });

describe('fillMinutes', () => {
  it('puts quiet minutes where none were sent', () =>
    expect(fillMinutes([at(0, 5), at(3, 7)]).map((minute) => minute.requests)).toEqual([5, 0, 0, 7]));
  it('leaves neighbours alone', () => expect(fillMinutes([at(0), at(1)]).length).toBe(2));
  it('does not fill a hole of days', () => expect(fillMinutes([at(0), at(60 * 24 * 3)]).length).toBe(2));
  it('takes nothing', () => expect(fillMinutes([])).toEqual([]));
});

describe('stepFor and gather', () => {
  const day = Array.from({ length: 1440 }, (_, minute) => at(minute, minute % 5));
  it('leave an hour as it is', () => expect(stepFor(day.slice(0, 60))).toBe(1));
  it('gather a day so that bars can be told apart, and lose no request', () => {
    const step = stepFor(day);
    const sums = gather(day, step);
    expect(step).toBe(15);
    expect(sums.length).toBe(96);
    expect(sums.reduce((sum, minute) => sum + minute.requests, 0)).toBe(day.reduce((sum, minute) => sum + minute.requests, 0));
  });
  it('put sums on the marks of the clock', () => {
    expect(gather([at(7), at(14), at(16)], 15).map((minute) => minute.minute.slice(11, 16))).toEqual(['00:00', '00:15']);
  });
  it('take nothing', () => expect([stepFor([]), gather([], 5)]).toEqual([1, []]));
});

describe('trafficColumns', () => {
  it('lays errors over requests: all, of them errors, of them 5xx', () => {
    const minute = { ...at(0, 100), client_errors: 6, server_errors: 4 };
    expect(trafficColumns([minute]).slice(1)).toEqual([[100], [10], [4]]);
  });
});

describe('latencyColumns', () => {
  it('has holes where nothing was measured', () => {
    const [, p50, p99] = latencyColumns([{ ...at(0), latency_p50_ms: 1, latency_p99_ms: 2 }, at(2)]);
    expect([p50, p99]).toEqual([[1, null, null], [2, null, null]]);
  });
});

describe('logBins', () => {
  it('counts everything once', () => {
    const buckets: [number, number][] = Array.from({ length: 500 }, (_, n) => [0.1 * 1.02 ** n, n % 7]);
    const bins = logBins(histogram(buckets));
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(buckets.reduce((sum, [, n]) => sum + n, 0));
    expect(bins.length).toBeLessThanOrEqual(32);
  });
  it('keeps one value one bin', () => expect(logBins(histogram([[12, 9]])).map((bin) => bin.count)).toEqual([9]));
  it('takes zeros', () => {
    expect(logBins(histogram([[0, 4]]))).toEqual([{ from: 0, to: 0, count: 4 }]);
    expect(logBins(histogram([[0, 4], [8, 1]])).reduce((sum, bin) => sum + bin.count, 0)).toBe(5);
  });
  it('takes nothing', () => expect(logBins(histogram([]))).toEqual([]));
});

describe('positionIn', () => {
  const bins = logBins(histogram([[1, 1], [1000, 1]]), 30);
  it('is in the middle for the middle ratio', () =>
    expect(positionIn(bins, Math.sqrt(1000))).toBeCloseTo(bins.length / 2 - 0.5, 0));
  it('is nowhere outside', () => expect([positionIn(bins, 0), positionIn(bins, 1e9), positionIn([], 1)]).toEqual([null, null, null]));
});
