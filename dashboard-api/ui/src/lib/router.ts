// The address bar as state: `#/view/id?filters`. Pure, so that it can be tested; the reactive side
// is location.svelte.ts.

export type View =
  | 'overview'
  | 'inventory'
  | 'endpoint'
  | 'findings'
  | 'finding'
  | 'consumers'
  | 'consumer'
  | 'specifications'
  | 'specification'
  | 'health'
  | 'unknown';

export interface Route {
  view: View;
  /** What the view is about: an id or a name; empty for lists. */
  id: string;
  /** Filters and sorting, as in the API's own query string. */
  query: URLSearchParams;
}

// First segment of the path → the list's view and, where there is one, the view of one item.
const SECTIONS = new Map<string, { list: View; item?: View }>(Object.entries({
  '': { list: 'overview' },
  overview: { list: 'overview' },
  inventory: { list: 'inventory', item: 'endpoint' },
  findings: { list: 'findings', item: 'finding' },
  consumers: { list: 'consumers', item: 'consumer' },
  specifications: { list: 'specifications', item: 'specification' },
  health: { list: 'health' },
}));

/** Reads `#/inventory/abc?lifecycle=shadow` (with or without the leading `#`). */
export function parseHash(hash: string): Route {
  const text = hash.replace(/^#/, '').replace(/^\//, '');
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1));
  const segments = path.split('/').filter((segment) => segment !== '');
  const section = SECTIONS.get(segments[0] ?? '');
  const id = decode(segments.slice(1).join('/'));
  if (section === undefined) return { view: 'unknown', id: '', query };
  if (id === '') return { view: section.list, id: '', query };
  if (section.item === undefined) return { view: 'unknown', id: '', query };
  return { view: section.item, id, query };
}

/** Writes a link: `href('inventory', 'abc')`, `href('findings', '', { status: 'open' })`. */
export function href(
  section: string,
  id = '',
  query: Record<string, string | string[] | undefined> | URLSearchParams = {},
): string {
  const params = query instanceof URLSearchParams ? query : toParams(query);
  const text = params.toString();
  const path = id === '' ? `#/${section}` : `#/${section}/${encodeURIComponent(id)}`;
  return text === '' ? path : `${path}?${text}`;
}

/** Values of a filter that may be written as a comma list or repeated. */
export function listOf(query: URLSearchParams, name: string): string[] {
  return query
    .getAll(name)
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '');
}

/** A copy with `name` set to these values (a comma list), or taken away when there are none. */
export function withList(query: URLSearchParams, name: string, values: string[]): URLSearchParams {
  const next = new URLSearchParams(query);
  next.delete(name);
  if (values.length > 0) next.set(name, values.join(','));
  return next;
}

/** The section of the navigation a view belongs to. */
export function sectionOf(view: View): string {
  const entry = [...SECTIONS].find(
    ([name, { list, item }]) => name !== '' && (list === view || item === view),
  );
  return entry?.[0] ?? '';
}

function toParams(query: Record<string, string | string[] | undefined>): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(',') : value;
    if (text !== undefined && text !== '') params.set(name, text);
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
