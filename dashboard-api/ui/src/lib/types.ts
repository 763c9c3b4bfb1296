// The API's shapes under the names the page uses.

export type Counts = Record<string, number>;
export type Lifecycle = string;
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info';
export type FindingStatus = 'open' | 'acknowledged' | 'resolved' | 'false_positive' | 'accepted_risk';

export interface Problem { type: string; title: string; status: number; detail?: string | null }

export interface Page<T> { items: T[]; next_cursor?: string | null; total: number }

export interface EndpointRef { id: string; method: string; host: string; template: string }

export interface Minute {
  minute: string;
  requests: number;
  client_errors: number;
  server_errors: number;
  latency_p50_ms?: number | null;
  latency_p99_ms?: number | null;
  response_bytes?: number;
}

export interface EndpointSummary extends EndpointRef {
  template_confidence: number;
  lifecycle: Lifecycle;
  lifecycle_reason: string;
  first_seen?: string | null;
  last_seen?: string | null;
  requests: number;
  error_share: number | null;
  authentication: string;
  consumers: number;
  data_classes: string[];
  latency_p50_ms?: number | null;
  latency_p99_ms?: number | null;
  open_findings: number;
}

export interface Histogram {
  count: number; min: number; p50: number; p90: number; p99: number; max: number;
  buckets: [number, number][];
}

export interface Parameter {
  location: string; name: string; types: Counts; classes: Counts; seen: number;
}

export interface Facts {
  covered_by_specification: boolean;
  documented_in: string[];
  documented_template?: string | null;
  deprecated: boolean;
  removed: boolean;
  deprecation_header?: string | null;
  sunset_header?: string | null;
}

export interface EndpointDetail extends EndpointSummary {
  examples: string[];
  facts: Facts;
  statuses: Counts;
  authentication_counts: Counts;
  authentication_successful: Counts;
  request_content_types: Counts;
  response_content_types: Counts;
  parameters: Parameter[];
  request_data_classes: Counts;
  response_data_classes: Counts;
  top_consumers: { id: string; label: string; requests: number }[];
  servers: Counts;
  protocols: Counts;
  completeness: Counts;
  latency: Histogram;
  request_size: Histogram;
  response_size: Histogram;
  minutes: Minute[];
  findings: FindingSummary[];
  merged_from?: string | null;
}

export interface FindingSummary {
  id: string;
  kind: string;
  severity: Severity;
  status: FindingStatus;
  title: string;
  endpoint?: EndpointRef | null;
  first_seen: string;
  last_seen: string;
  occurrences: number;
  actors: string[];
  confidence: number;
  coverage: number;
}

export interface Evidence {
  time: string; exchange?: string | null; summary: string; values: Record<string, number>;
}

export interface StatusChange { at: string; from: FindingStatus; to: FindingStatus; comment: string }

export interface FindingDetail extends FindingSummary {
  explanation: string;
  owasp: string[];
  evidence: Evidence[];
  history: StatusChange[];
}

export interface Feed {
  state: string; packets: number; dropped: number;
  loss_share?: number | null; incomplete_share?: number | null;
}

export interface Overview {
  now?: string | null;
  hosts: number;
  endpoints: number;
  requests: number;
  consumers: number;
  lifecycle: Counts;
  findings_open: Counts;
  authentication: Counts;
  data_classes: Counts;
  statuses: Counts;
  minutes: Minute[];
  top_endpoints: EndpointSummary[];
  latest_findings: FindingSummary[];
  feed: Feed;
}

export interface Host {
  host: string; endpoints: number; requests: number; complete_share?: number | null; candidates: number;
}

export interface ConsumerSummary {
  id: string; identified_by: string; label: string;
  first_seen?: string | null; last_seen?: string | null;
  requests: number; client_errors: number; addresses: string[]; user_agents: string[];
}

export interface ConsumerDetail extends ConsumerSummary {
  endpoints: (EndpointRef & { requests: number })[];
}

export interface Specification {
  name: string; revision: number; title: string; version: string; added: string;
  hosts: string[]; base_paths: string[]; operations: number; seen: number; unseen: number;
}

export interface Operation { method: string; path: string }

export interface SpecificationDiff {
  undocumented: EndpointSummary[];
  unseen: Operation[];
  deprecated_seen: EndpointSummary[];
  removed_seen: EndpointSummary[];
}

export interface Source {
  name: string; kind: string; state: string; packets: number; bytes: number;
  dropped_kernel: number; dropped_interface: number;
}

export interface Counter { stage: string; name: string; reason?: string | null; value: number }

export interface Health {
  time?: string | null;
  sources: Source[];
  stages: { stage: string; counters: Counter[] }[];
  verdict: { state: string; sentences: string[] };
  store?: { path?: string | null; last_saved?: string | null; pending: number } | null;
}
