// Numbers, times and names as people read them. Pure; everything here is tested.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const EM_DASH = '–';

/** 1234567 → `1,234,567`. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? EM_DASH : whole.format(value);
}

/** 1234567 → `1.23M`: for places where three digits are enough. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return EM_DASH;
  const size = Math.abs(value);
  if (size < 10_000) return Number.isInteger(value) ? whole.format(value) : digits(value);
  for (const [unit, scale] of [['T', 1e12], ['G', 1e9], ['M', 1e6], ['k', 1e3]] as const) {
    // 999,950 rounds up to the next unit rather than to "1000k".
    if (size >= scale * 0.9995) return digits(value / scale) + unit;
  }
  return whole.format(value);
}

/** Milliseconds with the unit that fits: `340 µs`, `12.4 ms`, `1.80 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return EM_DASH;
  if (ms === 0) return '0 ms';
  if (Math.abs(ms) < 0.9995) return `${digits(ms * 1000)} µs`;
  if (Math.abs(ms) < 999.5) return `${digits(ms)} ms`;
  if (Math.abs(ms) < 60_000) return `${digits(ms / 1000)} s`;
  return `${digits(ms / 60_000)} min`;
}

/** Bytes with binary units: `512 B`, `1.50 KiB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return EM_DASH;
  if (Math.abs(value) < 1024) return `${whole.format(value)} B`;
  let scaled = value;
  for (const unit of ['KiB', 'MiB', 'GiB', 'TiB']) {
    scaled /= 1024;
    if (Math.abs(scaled) < 999.5 || unit === 'TiB') return `${digits(scaled)} ${unit}`;
  }
  return EM_DASH;
}

/** A share 0..1 as a percentage; never shows 0 % for something or 100 % for not all. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || Number.isNaN(share)) return EM_DASH;
  if (share === 0) return '0%';
  if (share === 1) return '100%';
  const value = share * 100;
  if (value < 0.01) return '<0.01%';
  if (value > 99.99) return '>99.99%';
  const decimals = value < 1 || value > 99 ? 2 : 1;
  return `${value.toFixed(decimals).replace(/\.?0+$/, '')}%`;
}

/** Three significant digits, no exponent, no trailing zeros beyond the point. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toPrecision(2);
  const decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.995 ? 2 : 3;
  const text = value.toFixed(decimals);
  const trimmed = decimals > 0 ? text.replace(/\.?0+$/, '') : text;
  return size >= 1000 ? whole.format(Number(trimmed)) : trimmed;
}

/** Any measured value of evidence: whole numbers whole, others with three digits. */
export function measured(value: number): string {
  return Number.isInteger(value) ? whole.format(value) : digits(value);
}

/** RFC 3339 → milliseconds since the epoch; NaN when it is none. */
export function millis(time: string): number {
  // Date.parse takes at most milliseconds for granted; nanoseconds are cut.
  return Date.parse(time.replace(/(\.\d{3})\d+/, '$1'));
}

/** `2026-11-23 21:31:04` in UTC: unambiguous, sortable, the same for every reader. */
export function dateTime(time: string | null | undefined): string {
  if (!time) return EM_DASH;
  const at = millis(time);
  return Number.isNaN(at) ? time : new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

/** The time of day when it is the day of `reference`, else the day too. */
export function moment(time: string | null | undefined, reference?: string | null): string {
  const text = dateTime(time);
  if (!reference || text.length < 19) return text;
  const [day, clock] = [text.slice(0, 10), text.slice(11)];
  if (day === dateTime(reference).slice(0, 10)) return clock;
  return `${day} ${clock.slice(0, 5)}`;
}

/** How long before `reference`: `just now`, `42 s ago`, `5 min ago`, `3 h ago`, `12 d ago`. */
export function ago(time: string, reference: string): string {
  const seconds = Math.round((millis(reference) - millis(time)) / 1000);
  if (Number.isNaN(seconds)) return EM_DASH;
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

// Abbreviations that are not written as words.
const CAPITALS = new Map(
  ['API', 'AWS', 'CVV', 'DNS', 'GRE', 'HTTP', 'HTTP1', 'HTTP2', 'IBAN', 'ID', 'IP', 'IPv4', 'IPv6',
    'JSON', 'JWT', 'SigV4', 'SSN', 'TCP', 'TLS', 'UDP', 'URI', 'URL', 'UUID', 'VIN', 'VLAN', 'XML']
    .map((name) => [name.toLowerCase(), name] as const),
);

/** `missing_authentication` → `Missing authentication`, `api_key` → `API key`. */
export function words(name: string): string {
  const text = name
    .split('_')
    .filter((word) => word !== '')
    .map((word) => CAPITALS.get(word.toLowerCase()) ?? word)
    .join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * Splits a template into plain and variable parts, so that `{id}` can be set apart; a plain part
 * ends with its slash, where a long template may be broken into lines.
 */
export function templateParts(template: string): { text: string; variable: boolean }[] {
  return template
    .split(/(\{[^{}]*\})|(?<=[^/}]\/)/)
    .filter((text) => text !== undefined)
    .filter((text) => text !== '')
    .map((text) => ({ text, variable: text.startsWith('{') && text.endsWith('}') }));
}

/** Entries of a count by name, most first, ties by name. */
export function ranked(counts: Record<string, number>): [string, number][] {
  return Object.entries(counts).sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
}

/** `1 finding`, `2 findings`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
