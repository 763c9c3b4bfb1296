// The API's shapes under the names the page uses. They come from the API's own document
// (`npm run types`): what it does not say, the page does not know.
import type { components } from './api-types';

type Schemas = components['schemas'];

export type Counts = Record<string, number>;
export interface Page<T> { items: T[]; next_cursor?: string | null; total: number }

export type Severity = Schemas['Severity'];
export type FindingStatus = Schemas['FindingStatus'];
export type Lifecycle = Schemas['Lifecycle'];

export type Overview = Schemas['Overview'];
export type OverviewMinute = Schemas['OverviewMinute'];

export type EndpointRef = Schemas['EndpointName'];
export type EndpointSummary = Schemas['EndpointSummary'];
export type EndpointDetail = Schemas['EndpointDetail'];
export type RiskFactor = Schemas['RiskFactor'];
export type History = Schemas['History'];
export type Minute = Schemas['Minute'];
export type Histogram = Schemas['Histogram'];
export type Parameter = Schemas['Parameter'];
export type MessageSchema = Schemas['MessageSchema'];
export type DataClassUse = Schemas['DataClassUse'];
export type TokenUse = Schemas['TokenUse'];
export type Host = Schemas['Host'];
export type Hosts = Schemas['Hosts'];

export type TemplateAction = Schemas['TemplateAction'];
export type TemplateDecision = Schemas['TemplateDecision'];
export type TemplateRule = Schemas['TemplateRule'];
export type TemplateRules = Schemas['TemplateRules'];

export type FindingSummary = Schemas['FindingSummary'];
export type FindingDetail = Schemas['FindingDetail'];
export type Evidence = Schemas['FindingEvidence'];

export type ConsumerSummary = Schemas['ConsumerSummary'];
export type ConsumerDetail = Schemas['ConsumerDetail'];

export type Specification = Schemas['SpecificationSummary'];
export type Specifications = Schemas['Specifications'];
export type SpecificationDiff = Schemas['SpecificationDiff'];

export type EndpointDrift = Schemas['EndpointDrift'];
export type Health = Schemas['Health'];
export type Counter = Schemas['StageCounter'];
export type Problem = Schemas['ProblemDetails'];
