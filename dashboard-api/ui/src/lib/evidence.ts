// How the measured values of evidence are written: their units follow from their names, and for
// what every detector measures (observed, expected, threshold) from the kind of finding. Pure.
import { bytes, duration, measured, percent, words } from './format';

/** What each kind measures, where it is not a plain number. */
const UNITS = new Map<string, (value: number) => string>([
  ['error_anomaly', percent],
  ['latency_anomaly', duration],
]);

const SUFFIXES: [string, (value: number) => string][] = [
  ['_share', percent],
  ['_bytes', bytes],
  ['_ms', duration],
  ['_s', (seconds) => duration(seconds * 1000)],
];

/** The values that evidence of any kind may have, in the order people compare them. */
export const COMPARED = ['observed', 'expected', 'threshold'];

/** A value by its name: `window_s` 60 of any kind → `Window`, `1 min`. */
export function namedValue(kind: string, name: string, value: number): { label: string; text: string } {
  if (COMPARED.includes(name)) {
    return { label: words(name), text: (UNITS.get(kind) ?? measured)(value) };
  }
  for (const [suffix, write] of SUFFIXES) {
    if (name.endsWith(suffix) && name.length > suffix.length) {
      const stem = suffix === '_share' ? name : name.slice(0, -suffix.length);
      return { label: words(stem), text: write(value) };
    }
  }
  return { label: words(name), text: measured(value) };
}

/** Observed against expected as a factor, where both are there and it says something. */
export function factor(values: Record<string, number>): string {
  const [observed, expected] = [values['observed'], values['expected']];
  if (observed === undefined || expected === undefined || expected <= 0 || observed <= 0) return '';
  const times = observed / expected;
  // A factor beyond this says only that next to nothing was expected.
  if (times > 1000) return '';
  return times >= 1.1 || times <= 0.9 ? `${measured(Number(times.toPrecision(2)))}×` : '';
}
