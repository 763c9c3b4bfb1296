// Live rows that surely do not belong are told from those that may.
import { describe, expect, it } from 'vitest';
import { endpointMayFit, findingMayFit, hasFilters } from './filters';
import type { EndpointSummary, FindingSummary } from './types';

const endpoint = {
  id: '1', method: 'GET', host: 'shop.example', lifecycle: 'shadow', labels: ['shadow', 'unowned'], exposure: 'external', owner: null, tags: ['payment'], risk: 40, authentication: 'jwt', requests: 10,
  data_classes: ['email'],
} as EndpointSummary;
const finding = {
  id: '1', kind: 'shadow_endpoint', severity: 'high', status: 'open', actors: ['10.0.0.1'], endpoint: { id: 'e' },
} as FindingSummary;

describe('endpointMayFit', () => {
  const cases: [string, boolean][] = [
    ['', true], ['q=anything', true], ['method=get', true], ['method=POST,GET', true], ['method=POST', false],
    ['lifecycle=shadow&lifecycle=new', true], ['lifecycle=new', false], ['host=other', false],
    ['authentication=none', false], ['data_class=email,card', true], ['data_class=card', false],
    ['min_requests=11', false], ['min_requests=10', true], ['lifecycle=unowned', true], ['exposure=internal', false],
    ['tag=payment', true], ['tag=login', false], ['owner=none', true], ['owner=shop', false], ['min_risk=41', false],
  ];
  for (const [query, fits] of cases) {
    it(`${query || 'no filter'} → ${fits}`, () => expect(endpointMayFit(endpoint, new URLSearchParams(query))).toBe(fits));
  }
});

describe('findingMayFit', () => {
  const cases: [string, boolean][] = [
    ['', true], ['status=open', true], ['status=resolved', false], ['severity=critical,high', true],
    ['kind=zombie_endpoint', false], ['endpoint=e', true], ['endpoint=x', false], ['actor=10.0.0.1', true],
    ['actor=10.0.0.2', false],
  ];
  for (const [query, fits] of cases) {
    it(`${query || 'no filter'} → ${fits}`, () => expect(findingMayFit(finding, new URLSearchParams(query))).toBe(fits));
  }
});

describe('hasFilters', () => {
  it('looks at the named ones only', () => {
    expect(hasFilters(new URLSearchParams('sort=x'), ['q'])).toBe(false);
    expect(hasFilters(new URLSearchParams('q='), ['q'])).toBe(false);
    expect(hasFilters(new URLSearchParams('q=a'), ['q'])).toBe(true);
  });
});
