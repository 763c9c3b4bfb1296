// The product's own words in the order people rank them, and what each means in one sentence.
import type { FindingStatus, Severity, TemplateAction } from './types';

export const SEVERITIES: Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

export const STATUSES: FindingStatus[] = [
  'open', 'acknowledged', 'resolved', 'false_positive', 'accepted_risk',
];

export const LIFECYCLES = [
  'shadow', 'zombie', 'orphan', 'dormant', 'drifted', 'new', 'documented', 'unowned', 'unclassified',
] as const;

/** From where endpoints are called, the farthest first. */
export const ZONES = ['external', 'partner', 'internal', 'unknown'];

/** What endpoints are for, as far as the product knows by itself. */
export const PURPOSES = ['login', 'sign_up', 'payment', 'password_reset', 'admin', 'export', 'search', 'ai'];

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export const LIFECYCLE_MEANING: Record<string, string> = {
  shadow: 'Called, and in none of the specifications that cover its host',
  zombie: 'Retired (deprecated, removed, superseded, past its sunset), and still called',
  orphan: 'In a specification, never seen in traffic',
  dormant: 'Was called, silent for long',
  drifted: 'In a specification and called, and different from what it says',
  new: 'First seen a short while ago, on a host that was known before',
  documented: 'In a specification and called',
  unowned: 'No owner rule names an owner',
  unclassified: 'Called; no specification covers its host',
};

export const STATUS_MEANING: Record<FindingStatus, string> = {
  open: 'Nobody has decided yet',
  acknowledged: 'Somebody is on it',
  resolved: 'Done with; opens again when it recurs',
  false_positive: 'Not a finding',
  accepted_risk: 'Known and accepted',
};

export const TEMPLATE_ACTIONS: TemplateAction[] = ['pin', 'split', 'merge', 'rename', 'ignore'];

export const TEMPLATE_ACTION_MEANING: Record<TemplateAction, string> = {
  pin: 'Every path that fits belongs to this template',
  split: 'The values are set apart: each is a template of its own',
  merge: 'This and the other templates become the one above, with their history',
  rename: 'The parameters are called as they are written above',
  ignore: 'What has this template is no endpoint',
};

export const OWASP: Record<string, string> = {
  'API1:2023': 'Broken Object Level Authorization',
  'API2:2023': 'Broken Authentication',
  'API3:2023': 'Broken Object Property Level Authorization',
  'API4:2023': 'Unrestricted Resource Consumption',
  'API5:2023': 'Broken Function Level Authorization',
  'API6:2023': 'Unrestricted Access to Sensitive Business Flows',
  'API7:2023': 'Server Side Request Forgery',
  'API8:2023': 'Security Misconfiguration',
  'API9:2023': 'Improper Inventory Management',
  'API10:2023': 'Unsafe Consumption of APIs',
};

/** The sensor's stages in the order packets go through them. */
export const STAGES = ['capture', 'decap', 'flow', 'http', 'redact', 'pipeline', 'merge', 'analyzer', 'exchange_log', 'store'];

export const STAGE_MEANING: Record<string, string> = {
  capture: 'Packets from interfaces and files',
  decap: 'Tunnels peeled, down to TCP segments',
  flow: 'Segments put in order, per connection',
  http: 'Requests paired with their responses',
  redact: 'Secrets and personal values replaced by tokens',
  pipeline: 'Work handed from stage to stage',
  merge: "Workers' records put into one order",
  analyzer: 'Endpoints, inventory, baselines, findings',
  exchange_log: 'Lines written of each exchange',
  store: 'Saved to disk',
};

/** The position of `name` in `order`; unknown names last. */
export function rank(order: readonly string[], name: string): number {
  const at = order.indexOf(name);
  return at < 0 ? order.length : at;
}

/** Counts in the product's order, those of zero left out, unknown names last. */
export function inOrder(order: readonly string[], counts: Record<string, number>): [string, number][] {
  return Object.entries(counts)
    .filter(([, value]) => value > 0)
    .sort(([a], [b]) => rank(order, a) - rank(order, b) || a.localeCompare(b));
}

/** API styles whose operations have rows; `none` for what method and path name. */
export const STYLES = ['graphql', 'grpc', 'grpc_web', 'json_rpc', 'mcp', 'soap', 'none'];
