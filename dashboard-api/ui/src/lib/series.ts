// From the API's minutes and buckets to the columns a chart draws. Pure; tested.
import { millis } from './format';
import type { Histogram, Minute, OverviewMinute } from './types';

/** Holes longer than this are left out rather than filled with empty minutes. */
const FILL_MAX = 24 * 60;

/** Minutes without traffic are not sent; a chart must show them as nothing, not as a slope. */
export function fillMinutes<M extends OverviewMinute>(minutes: M[]): (M | OverviewMinute)[] {
  const filled: (M | OverviewMinute)[] = [];
  let last = Number.NaN;
  for (const minute of minutes) {
    const at = millis(minute.minute);
    const missing = Math.round((at - last) / 60_000) - 1;
    if (missing > 0 && missing <= FILL_MAX) {
      for (let step = 1; step <= missing; step += 1) filled.push(quiet(last + step * 60_000));
    }
    filled.push(minute);
    last = at;
  }
  return filled;
}

/** More bars than this cannot be told apart. */
const BARS_MAX = 120;
/** What minutes are gathered into when there are too many, in minutes. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1440];

/** The smallest step, in minutes, that keeps these to bars that can be told apart. */
export function stepFor(minutes: OverviewMinute[]): number {
  const [first, last] = [minutes[0], minutes.at(-1)];
  if (first === undefined || last === undefined) return 1;
  const span = (millis(last.minute) - millis(first.minute)) / 60_000 + 1;
  return STEPS.find((step) => span / step <= BARS_MAX) ?? 1440;
}

/** Counts of `step` minutes together, on the clock's own marks. Latency cannot be added: left out. */
export function gather(minutes: OverviewMinute[], step: number): OverviewMinute[] {
  if (step <= 1) return fillMinutes(minutes);
  const sums = new Map<number, OverviewMinute>();
  const width = step * 60_000;
  for (const minute of minutes) {
    const at = Math.floor(millis(minute.minute) / width) * width;
    const sum = sums.get(at) ?? quiet(at);
    sum.requests += minute.requests;
    sum.client_errors += minute.client_errors;
    sum.server_errors += minute.server_errors;
    sums.set(at, sum);
  }
  return [...sums.values()];
}

/** Columns of the traffic chart: seconds; all requests; of them 4xx and 5xx; of them 5xx. */
export function trafficColumns(minutes: OverviewMinute[]): [number[], number[], number[], number[]] {
  const filled = gather(minutes, stepFor(minutes));
  return [
    filled.map((minute) => millis(minute.minute) / 1000),
    filled.map((minute) => minute.requests),
    filled.map((minute) => minute.client_errors + minute.server_errors),
    filled.map((minute) => minute.server_errors),
  ];
}

/** Columns of the latency chart: seconds, p50 and p99 in milliseconds, null where not measured. */
export function latencyColumns(
  minutes: Minute[],
): [number[], (number | null)[], (number | null)[]] {
  const filled: Partial<Minute>[] = fillMinutes(minutes);
  return [
    filled.map((minute) => millis(minute.minute ?? '') / 1000),
    filled.map((minute) => minute.latency_p50_ms ?? null),
    filled.map((minute) => minute.latency_p99_ms ?? null),
  ];
}

export interface Bin { from: number; to: number; count: number }

/**
 * Buckets (upper bound, count) gathered into at most `bins` steps of equal ratio, so that a tail a
 * hundred times slower than the median still fits into the picture.
 */
export function logBins(histogram: Histogram, bins = 32): Bin[] {
  const buckets = histogram.buckets.filter(([, n]) => n > 0);
  if (buckets.length === 0) return [];
  const positive = buckets.map(([upper]) => upper).filter((upper) => upper > 0);
  if (positive.length === 0) return [{ from: 0, to: 0, count: sum(buckets) }];
  const lowest = Math.min(...positive) * 0.97;
  const highest = Math.max(...positive) * 1.0001;
  // Steps finer than about 7 % would show the buckets' own grain, not the traffic.
  const steps = Math.max(1, Math.min(bins, Math.ceil(Math.log(highest / lowest) / Math.log(1.07))));
  const ratio = Math.log(highest / lowest) / steps;
  const result: Bin[] = Array.from({ length: steps }, (_, step) => ({
    from: lowest * Math.exp(step * ratio),
    to: lowest * Math.exp((step + 1) * ratio),
    count: 0,
  }));
  for (const [upper, n] of buckets) {
    const step = upper <= lowest ? 0 : Math.floor(Math.log(upper / lowest) / ratio);
    const bin = result[Math.min(steps - 1, Math.max(0, step))];
    if (bin !== undefined) bin.count += n;
  }
  return result;
}

/** Where `value` falls among the bins, in bins; for marking a percentile. */
export function positionIn(bins: Bin[], value: number | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  const [first, last] = [bins[0], bins.at(-1)];
  if (first === undefined || last === undefined || value <= 0 || first.from <= 0) return null;
  if (value < first.from || value > last.to) return null;
  return (Math.log(value / first.from) / Math.log(last.to / first.from)) * bins.length - 0.5;
}

function quiet(at: number): OverviewMinute {
  return { minute: new Date(at).toISOString(), requests: 0, client_errors: 0, server_errors: 0 };
}

function sum(buckets: [number, number][]): number {
  return buckets.reduce((total, [, n]) => total + n, 0);
}
