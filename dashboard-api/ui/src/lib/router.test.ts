// Addresses: read, written, and back again.
import { describe, expect, it } from 'vitest';
import { href, listOf, parseHash, sectionOf, withList } from './router';

describe('parseHash', () => {
  const cases: [string, string, string, string][] = [
    ['', 'overview', '', ''],
    ['#', 'overview', '', ''],
    ['#/', 'overview', '', ''],
    ['#/inventory', 'inventory', '', ''],
    ['#/inventory/', 'inventory', '', ''],
    ['#/inventory?lifecycle=shadow&q=a', 'inventory', '', 'lifecycle=shadow&q=a'],
    ['#/inventory/00ff', 'endpoint', '00ff', ''],
    ['#/findings/00ff?x=1', 'finding', '00ff', 'x=1'],
    ['#/specifications/shop%2Fv2%20beta', 'specification', 'shop/v2 beta', ''],
    ['#/specifications/100%', 'specification', '100%', ''],
    ['#/health', 'health', '', ''],
    ['#/health/more', 'unknown', '', ''],
    ['#/nowhere', 'unknown', '', ''],
    ['#/constructor', 'unknown', '', ''],
  ];
  for (const [hash, view, id, query] of cases) {
    it(`${hash || '(empty)'} → ${view}`, () => {
      const route = parseHash(hash);
      expect([route.view, route.id, route.query.toString()]).toEqual([view, id, query]);
    });
  }
});

describe('href', () => {
  it('comes back as what it was', () => {
    const route = parseHash(href('specifications', 'a/b ?#&%', { sort: 'x' }));
    expect([route.view, route.id, route.query.get('sort')]).toEqual(['specification', 'a/b ?#&%', 'x']);
  });
  it('leaves empty filters out', () => expect(href('inventory', '', { q: '', host: undefined })).toBe('#/inventory'));
  it('writes lists with commas', () =>
    expect(listOf(parseHash(href('inventory', '', { method: ['GET', 'PUT'] })).query, 'method')).toEqual(['GET', 'PUT']));
});

describe('filters in the address', () => {
  it('reads repeated values and comma lists alike', () =>
    expect(listOf(new URLSearchParams('a=1,2&a=3&a='), 'a')).toEqual(['1', '2', '3']));
  it('takes a filter away when nothing is chosen', () =>
    expect(withList(new URLSearchParams('a=1&b=2'), 'a', []).toString()).toBe('b=2'));
  it('leaves the given query as it was', () => {
    const query = new URLSearchParams('a=1');
    withList(query, 'a', ['2']);
    expect(query.toString()).toBe('a=1');
  });
});

describe('sectionOf', () => {
  it('finds the section of an item', () => expect(sectionOf('endpoint')).toBe('inventory'));
  it('has none for the unknown', () => expect(sectionOf('unknown')).toBe(''));
});
