// The page's only way to the product: the documented API under /api/v1, one function a route.
import type {
  ConsumerDetail, ConsumerSummary, EndpointDetail, EndpointSummary, FindingDetail, FindingStatus,
  FindingSummary, Health, History, Hosts, Overview, Page, Problem, Specification, SpecificationDiff, Specifications,
  TemplateDecision, TemplateRules,
} from './types';

export const BASE = '/api/v1';

/** What went wrong, in words that can be shown: the API's own (RFC 9457), or "not reachable". */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.status = status;
    this.title = title;
  }
}

type Query = URLSearchParams | undefined;

export const overview = (signal?: AbortSignal) => read<Overview>('/overview', undefined, signal);
export const endpoints = (query: Query, signal?: AbortSignal) =>
  read<Page<EndpointSummary>>('/endpoints', query, signal);
export const endpoint = (id: string, signal?: AbortSignal) =>
  read<EndpointDetail>(`/endpoints/${encodeURIComponent(id)}`, undefined, signal);
export const endpointHistory = (id: string, from: string, to: string, signal?: AbortSignal) =>
  read<History>(`/endpoints/${encodeURIComponent(id)}/history`,
    new URLSearchParams({ from, to }), signal);
export const hosts = (signal?: AbortSignal) => read<Hosts>('/hosts', undefined, signal);
export const findings = (query: Query, signal?: AbortSignal) =>
  read<Page<FindingSummary>>('/findings', query, signal);
export const finding = (id: string, signal?: AbortSignal) =>
  read<FindingDetail>(`/findings/${encodeURIComponent(id)}`, undefined, signal);
export const consumers = (query: Query, signal?: AbortSignal) =>
  read<Page<ConsumerSummary>>('/consumers', query, signal);
export const consumer = (id: string, signal?: AbortSignal) =>
  read<ConsumerDetail>(`/consumers/${encodeURIComponent(id)}`, undefined, signal);
export const specifications = (signal?: AbortSignal) =>
  read<Specifications>('/specifications', undefined, signal);
export const specificationDiff = (name: string, signal?: AbortSignal) =>
  read<SpecificationDiff>(`/specifications/${encodeURIComponent(name)}/diff`, undefined, signal);
export const health = (signal?: AbortSignal) => read<Health>('/health', undefined, signal);

export function setFindingStatus(id: string, status: FindingStatus, comment: string) {
  return send<FindingDetail>('PATCH', `/findings/${encodeURIComponent(id)}`, 'application/json',
    JSON.stringify(comment === '' ? { status } : { status, comment }));
}

export function addSpecification(name: string, document: string) {
  // YAML is a superset of JSON, but a document that is JSON is better announced as such.
  const json = document.trimStart().startsWith('{');
  return send<Specification>('POST', `/specifications?${new URLSearchParams({ name })}`,
    json ? 'application/json' : 'application/yaml', document);
}

export function removeSpecification(name: string) {
  return send<void>('DELETE', `/specifications/${encodeURIComponent(name)}`, 'application/json');
}

export const templateRules = (signal?: AbortSignal) =>
  read<TemplateRules>('/template-rules', undefined, signal);

export function decideOnTemplates(decision: TemplateDecision) {
  return send<TemplateRules>('POST', '/template-rules', 'application/json', JSON.stringify(decision));
}

export function withdrawTemplateRules(host: string, template: string) {
  return send<void>('DELETE', `/template-rules?${new URLSearchParams({ host, template })}`,
    'application/json');
}

async function read<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
  const text = query?.toString() ?? '';
  return request<T>(text === '' ? path : `${path}?${text}`, { signal: signal ?? null });
}

async function send<T>(method: string, path: string, type: string, body?: string): Promise<T> {
  return request<T>(path, { method, headers: { 'Content-Type': type }, body: body ?? null });
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(BASE + path, { cache: 'no-store', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The API is not reachable',
      'No answer from tapscope. The page goes on by itself when it is back.');
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204 || response.headers.get('Content-Length') === '0') {
    return undefined as T;
  }
  return (await response.json()) as T;
}

async function problemOf(response: Response): Promise<ApiError> {
  const fallback = `The API answered ${response.status}.`;
  try {
    const problem = (await response.json()) as Partial<Problem>;
    const title = problem.title ?? `Error ${response.status}`;
    return new ApiError(response.status, title, problem.detail ?? fallback);
  } catch {
    return new ApiError(response.status, `Error ${response.status}`, fallback);
  }
}
