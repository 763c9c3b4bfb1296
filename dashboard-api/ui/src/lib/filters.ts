// Whether a live row could belong to a filtered list. The API decides; this only saves asking it
// about rows that surely do not. Pure; tested.
import { listOf } from './router';
import type { EndpointSummary, FindingSummary } from './types';

/** False only when the row surely is not in the list of endpoints this query names. */
export function endpointMayFit(row: EndpointSummary, query: URLSearchParams): boolean {
  const classes = listOf(query, 'data_class');
  const tags = listOf(query, 'tag');
  const labels = listOf(query, 'lifecycle');
  return (
    oneOf(query, 'method', row.method) &&
    oneOf(query, 'host', row.host) &&
    (labels.length === 0 || labels.some((name) => row.labels.some((label) => label === name))) &&
    oneOf(query, 'exposure', row.exposure) &&
    oneOf(query, 'owner', row.owner ?? 'none') &&
    (tags.length === 0 || tags.some((name) => row.tags.includes(name))) &&
    row.risk >= Number(query.get('min_risk') ?? 0) &&
    oneOf(query, 'authentication', row.authentication) &&
    oneOf(query, 'style', row.operation?.style ?? 'none') &&
    oneOf(query, 'transport', row.transport ?? '') &&
    (classes.length === 0 || classes.some((name) => row.data_classes.includes(name))) &&
    row.requests >= Number(query.get('min_requests') ?? 0)
  );
}

/** The same for findings. */
export function findingMayFit(row: FindingSummary, query: URLSearchParams): boolean {
  const actors = listOf(query, 'actor');
  return (
    oneOf(query, 'status', row.status) &&
    oneOf(query, 'severity', row.severity) &&
    oneOf(query, 'kind', row.kind) &&
    oneOf(query, 'endpoint', row.endpoint?.id ?? '') &&
    (actors.length === 0 || actors.some((actor) => row.actors.includes(actor)))
  );
}

/** Whether any of these filters is set. */
export function hasFilters(query: URLSearchParams, names: string[]): boolean {
  return names.some((name) => (query.get(name) ?? '') !== '');
}

function oneOf(query: URLSearchParams, name: string, value: string): boolean {
  const wanted = listOf(query, name);
  return wanted.length === 0 || wanted.some((one) => one.toLowerCase() === value.toLowerCase());
}
