// Evidence as people read it: units by name and kind, factors only where they say something.
import { describe, expect, it } from 'vitest';
import { factor, namedValue } from './evidence';

describe('namedValue', () => {
  const cases: [string, string, number, string, string][] = [
    ['error_anomaly', 'observed', 0.8, 'Observed', '80%'],
    ['latency_anomaly', 'threshold', 48.2, 'Threshold', '48.2 ms'],
    ['volume_anomaly', 'observed', 1912, 'Observed', '1,912'],
    ['volume_anomaly', 'window_s', 60, 'Window', '1 min'],
    ['missing_authentication', 'anonymous_share', 0.25, 'Anonymous share', '25%'],
    ['any', 'response_bytes', 2048, 'Response', '2 KiB'],
    ['any', '_s', 3, 'S', '3'],
    ['constructor', 'observed', 3, 'Observed', '3'],
  ];
  for (const [kind, name, value, label, text] of cases) {
    it(`${kind} ${name} ${value} → ${label} ${text}`, () => expect(namedValue(kind, name, value)).toEqual({ label, text }));
  }
});

describe('factor', () => {
  const cases: [Record<string, number>, string][] = [
    [{ observed: 42.5, expected: 3.25 }, '13×'], [{ observed: 1, expected: 4 }, '0.25×'],
    [{ observed: 10, expected: 10 }, ''], [{ observed: 10 }, ''], [{ observed: 10, expected: 0 }, ''],
    [{ observed: 1, expected: 0.00001 }, ''],
  ];
  for (const [values, text] of cases) {
    it(`${JSON.stringify(values)} → ${text || 'nothing'}`, () => expect(factor(values)).toBe(text));
  }
});
