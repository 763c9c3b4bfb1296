//! Every cap and threshold of the analyzer, with its reason.

/// Settings; the defaults are what is recommended.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AnalyzerSettings {}
