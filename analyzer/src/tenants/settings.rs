//! Every cap and threshold of telling tenants, with its reason.

/// Settings of host templates; the defaults are what is recommended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TenantSettings {
    /// Fewest hosts that make a template; two that are alike are a host and its copy.
    pub min_hosts: usize,
    /// Calls of a host before it is taken for a tenant: what was called once or twice may go on
    /// to show something else.
    pub min_sightings: u64,
    /// Hosts of one service from which on they are many: a further one needs less proof.
    pub many_hosts: usize,
    /// How sure a host template must be.
    pub min_confidence: f64,
    /// Most hosts that are compared to find a template; comparing takes all their evidence
    /// together, and what 64 hosts do not have in common more will not.
    pub max_compared: usize,
    /// Most hosts whose names are kept beside their template, over all templates (about 150 bytes
    /// each); further ones are counted, not named.
    pub max_names: usize,
    /// Hosts of one pattern that came since it was judged, from which on it is judged at once: a
    /// flood of hosts must not wait for the next interval.
    pub max_unjudged: usize,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            min_hosts: 3,
            min_sightings: 3,
            many_hosts: 32,
            min_confidence: 0.8,
            max_compared: 64,
            max_names: 16_384,
            max_unjudged: 64,
        }
    }
}
