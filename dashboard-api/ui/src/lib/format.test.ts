// What people read: every way a number, a time or a name is written.
import { describe, expect, it } from 'vitest';
import { ago, bytes, dateTime, digits, duration, measured, millis, moment, percent, plural, ranked, short, templateParts, words } from './format';

function check<T extends unknown[]>(name: string, run: (...given: T) => string, cases: [T, string][]) {
  describe(name, () => {
    for (const [given, expected] of cases) {
      it(`${JSON.stringify(given)} → ${expected}`, () => expect(run(...given)).toBe(expected));
    }
  });
}

check('short', short, [
  [[null], '–'], [[0], '0'], [[9999], '9,999'], [[12_345], '12.3k'], [[999_949], '1M'], [[999_400], '999k'],
  [[1_284_503], '1.28M'], [[2.5e9], '2.5G'],
]);
check('duration', duration, [
  [[null], '–'], [[0], '0 ms'], [[0.34], '340 µs'], [[0.0004], '0.4 µs'], [[12.41], '12.4 ms'],
  [[999.7], '1 s'], [[1800], '1.8 s'], [[90_000], '1.5 min'],
]);
check('bytes', bytes, [[[0], '0 B'], [[1023], '1,023 B'], [[1536], '1.5 KiB'], [[1023 * 1024], '1 MiB'], [[5 * 2 ** 40], '5 TiB']]);
check('percent', percent, [
  [[null], '–'], [[0], '0%'], [[1], '100%'], [[0.00001], '<0.01%'], [[0.99999], '>99.99%'],
  [[0.00236], '0.24%'], [[0.0885], '8.8%'], [[0.18], '18%'], [[0.9966], '99.66%'],
]);
check('digits', digits, [[[0], '0'], [[0.0000123], '0.000012'], [[0.146], '0.146'], [[3.14159], '3.14'], [[1234.5], '1,235']]);
check('measured', measured, [[[1912], '1,912'], [[0.146], '0.146']]);
check('dateTime', dateTime, [
  [[null], '–'], [['2026-11-20T10:00:00Z'], '2026-11-20 10:00:00'],
  [['2026-11-20T10:00:00.123456789Z'], '2026-11-20 10:00:00'], [['not a time'], 'not a time'],
]);
check('moment', moment, [
  [['2026-11-20T10:00:00Z', '2026-11-20T23:00:00Z'], '10:00:00'],
  [['2026-11-19T10:00:00Z', '2026-11-20T23:00:00Z'], '2026-11-19 10:00'],
  [['2026-11-19T10:00:00Z', null], '2026-11-19 10:00:00'],
]);
check('ago', ago, [
  [['2026-11-20T10:00:00Z', '2026-11-20T10:00:01Z'], 'just now'],
  [['2026-11-20T10:00:05Z', '2026-11-20T10:00:00Z'], 'just now'],
  [['2026-11-20T10:00:00Z', '2026-11-20T10:00:42Z'], '42 s ago'],
  [['2026-11-20T10:00:00Z', '2026-11-20T10:59:59Z'], '59 min ago'],
  [['2026-11-20T10:00:00Z', '2026-11-21T09:00:00Z'], '23 h ago'],
  [['2026-11-20T10:00:00Z', '2026-12-02T10:00:00Z'], '12 d ago'],
]);
check('words', words, [
  [['missing_authentication'], 'Missing authentication'], [['jwt'], 'JWT'], [['api_key'], 'API key'],
  [['bad_ip_header'], 'Bad IP header'], [['aws_sigv4'], 'AWS SigV4'], [[''], ''], [['constructor'], 'Constructor'],
]);
check('plural', plural, [[[1, 'finding'], '1 finding'], [[1200, 'finding'], '1,200 findings'], [[2, 'entry', 'entries'], '2 entries']]);

describe('millis', () => {
  it('cuts nanoseconds', () => expect(millis('1970-01-01T00:00:01.234567891Z')).toBe(1234));
});

describe('templateParts', () => {
  const text = (template: string) => templateParts(template).map((part) => (part.variable ? `<${part.text}>` : part.text));
  it('sets variables apart', () => expect(text('/users/{id}/orders/{order}')).toEqual(['/users/', '<{id}>', '/orders/', '<{order}>']));
  it('keeps the root', () => expect(text('/')).toEqual(['/']));
  it('keeps a lone brace as text', () => expect(text('/a{b').join('')).toBe('/a{b'));
  it('loses nothing', () => {
    for (const template of ['/a/b/c', '/v1/{a}{b}/c.json', '/{a}', '//x', '']) {
      expect(templateParts(template).map((part) => part.text).join('')).toBe(template);
    }
  });
});

describe('ranked', () => {
  it('puts most first and breaks ties by name', () =>
    expect(ranked({ b: 2, a: 2, c: 9 })).toEqual([['c', 9], ['a', 2], ['b', 2]]));
});
