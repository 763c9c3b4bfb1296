//! Risk of an endpoint: a sum of named factors, each with its share and its reason.
//!
//! Every factor has a level from 0 to 1, which says how far it holds, and a weight of the policy.
//! The score is the weighted mean of the levels, from 0 to 100, so that the shares of all factors
//! add up to it. docs/risk.md tells the same for people.

use super::share;
use crate::snapshot::{EndpointSnapshot, FindingSnapshot, FindingStatus, Lifecycle, Severity};

/// What makes up the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// From where it is called.
    Exposure,
    /// Successful calls without credentials.
    Authentication,
    /// Personal and secret data.
    Data,
    /// Labels that say that nobody looks after it.
    Lifecycle,
    /// Findings that are open.
    Findings,
    /// What it is for.
    Purpose,
    /// Whether it changes something.
    Writes,
    /// How its messages travel.
    Transport,
}

impl Factor {
    /// All of them with their names, and their weights where nothing else is configured.
    pub const ALL: [(Self, &'static str, f64); 8] = [
        (Self::Exposure, "exposure", 20.0),
        (Self::Authentication, "authentication", 20.0),
        (Self::Data, "data", 20.0),
        (Self::Lifecycle, "lifecycle", 10.0),
        (Self::Findings, "findings", 15.0),
        (Self::Purpose, "purpose", 5.0),
        (Self::Writes, "writes", 5.0),
        (Self::Transport, "transport", 5.0),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(factor, ..)| *factor == self);
        known.map_or("", |(_, name, _)| name)
    }
}

/// How much each factor weighs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RiskPolicy {
    /// Weights by factor; only their proportions matter.
    pub weights: Vec<(Factor, f64)>,
    /// Classes of data that let somebody in, pay or expose somebody wholly; others count half.
    pub grave_classes: Vec<String>,
    /// Tags of what attackers go for.
    pub sensitive_tags: Vec<String>,
}

/// Classes of data that are grave where nothing else is configured.
const GRAVE: [&str; 39] = [
    "password",
    "secret",
    "api_key",
    "private_key",
    "jwt",
    "card",
    "card_code",
    "iban",
    "bank_account",
    "financial",
    "health",
    "special_category",
    "passport",
    "driving_licence",
    "us_ssn",
    "uk_nino",
    "uk_nhs",
    "de_tax_id",
    "fr_nir",
    "es_nif",
    "it_fiscal_code",
    "pl_pesel",
    "nl_bsn",
    "be_nrn",
    "ch_ahv",
    "se_personnummer",
    "no_fnr",
    "fi_hetu",
    "dk_cpr",
    "br_cpf",
    "ar_cuit",
    "mx_curp",
    "ca_sin",
    "au_tfn",
    "za_id",
    "in_aadhaar",
    "in_pan",
    "cn_resident_id",
    "kr_rrn",
];

/// Tags that count where nothing else is configured.
const SENSITIVE: [&str; 7] = [
    "login",
    "sign_up",
    "payment",
    "password_reset",
    "admin",
    "export",
    "ai",
];

impl Default for RiskPolicy {
    fn default() -> Self {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        Self {
            weights: Factor::ALL
                .map(|(factor, _, weight)| (factor, weight))
                .to_vec(),
            grave_classes: owned(&GRAVE),
            sensitive_tags: owned(&SENSITIVE),
        }
    }
}

/// One factor of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskFactor {
    /// Which.
    pub factor: Factor,
    /// How far it holds, 0 to 1.
    pub level: f64,
    /// Its share of the weights of all factors, 0 to 1.
    pub weight: f64,
    /// What it adds to the score.
    pub points: f64,
    /// Why, in one sentence.
    pub reason: String,
}

/// The risk of an endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Risk {
    /// 0 to 100.
    pub score: f64,
    /// All factors, those that add most first.
    pub factors: Vec<RiskFactor>,
}

/// The risk of an endpoint with the findings about it.
#[must_use]
pub fn assess<'a>(
    endpoint: &EndpointSnapshot,
    findings: impl IntoIterator<Item = &'a FindingSnapshot>,
    policy: &RiskPolicy,
) -> Risk {
    let findings: Vec<&FindingSnapshot> = findings.into_iter().collect();
    let total: f64 = policy.weights.iter().map(|(_, weight)| weight).sum();
    if total <= 0.0 {
        return Risk::default();
    }
    let mut factors: Vec<RiskFactor> = policy
        .weights
        .iter()
        .map(|(factor, weight)| {
            let (level, reason) = match factor {
                Factor::Exposure => exposure(endpoint),
                Factor::Authentication => authentication(endpoint),
                Factor::Data => data(endpoint, policy),
                Factor::Lifecycle => lifecycle(endpoint),
                Factor::Findings => of_findings(&findings),
                Factor::Purpose => purpose(endpoint, policy),
                Factor::Writes => writes(endpoint),
                Factor::Transport => transport(endpoint),
            };
            let weight = weight / total;
            RiskFactor {
                factor: *factor,
                level,
                weight,
                points: weight * level * 100.0,
                reason,
            }
        })
        .collect();
    factors.sort_by(|a, b| b.points.total_cmp(&a.points).then(a.factor.cmp(&b.factor)));
    Risk {
        score: factors.iter().map(|one| one.points).sum(),
        factors,
    }
}

fn exposure(endpoint: &EndpointSnapshot) -> (f64, String) {
    let exposure = &endpoint.profile.exposure;
    let level = match exposure.zone.as_str() {
        "external" => 1.0,
        "partner" => 0.5,
        _ => 0.0,
    };
    (level, or(&exposure.reason, "No answered call was seen."))
}

fn authentication(endpoint: &EndpointSnapshot) -> (f64, String) {
    let successful = &endpoint.authentication_successful;
    let all: u64 = successful.total();
    let anonymous = successful.get("none");
    if all == 0 {
        return (
            0.0,
            "No call succeeded, so nothing is known of credentials.".to_owned(),
        );
    }
    let reason = match anonymous {
        0 => format!("All {all} successful calls carried credentials."),
        n if n == all => format!("None of {all} successful calls carried credentials."),
        n => format!("{n} of {all} successful calls carried no credentials."),
    };
    (share(anonymous, all), reason)
}

fn data(endpoint: &EndpointSnapshot, policy: &RiskPolicy) -> (f64, String) {
    let requests = endpoint.request_data_classes.names();
    let mut classes: Vec<&str> = requests
        .chain(endpoint.response_data_classes.names())
        .collect();
    classes.sort_unstable();
    classes.dedup();
    let is_grave = |class: &&&str| policy.grave_classes.iter().any(|one| one == **class);
    let grave: Vec<&str> = classes.iter().filter(is_grave).copied().collect();
    if !grave.is_empty() {
        return (1.0, format!("It carries grave data: {}.", grave.join(", ")));
    }
    if classes.is_empty() {
        return (0.0, "No personal or secret data was recognised.".to_owned());
    }
    (
        0.5,
        format!("It carries personal data: {}.", classes.join(", ")),
    )
}

fn lifecycle(endpoint: &EndpointSnapshot) -> (f64, String) {
    let level = |label: Lifecycle| match label {
        Lifecycle::Zombie | Lifecycle::Shadow => 1.0,
        Lifecycle::Drifted | Lifecycle::New | Lifecycle::Unowned => 0.4,
        _ => 0.0,
    };
    let labels = endpoint.profile.labels.iter();
    let worst = labels
        .map(|one| (level(one.label), one))
        .reduce(|a, b| if b.0 > a.0 { b } else { a });
    match worst {
        Some((level, one)) if level > 0.0 => {
            (level, format!("It is {}: {}", one.label.name(), one.reason))
        }
        _ => (0.0, "No label of it is a reason for concern.".to_owned()),
    }
}

fn of_findings(findings: &[&FindingSnapshot]) -> (f64, String) {
    let open = findings.iter().filter(|one| {
        matches!(
            one.status,
            FindingStatus::Open | FindingStatus::Acknowledged
        )
    });
    let level = |severity: Severity| match severity {
        Severity::Critical => 1.0,
        Severity::High => 0.8,
        Severity::Medium => 0.5,
        Severity::Low => 0.2,
        Severity::Info => 0.0,
    };
    let count = open.clone().count();
    let Some(worst) = open.max_by_key(|one| (one.severity, core::cmp::Reverse(one.id))) else {
        return (0.0, "There is no open finding about it.".to_owned());
    };
    let title = &worst.title;
    let reason = match count {
        1 => format!("One finding is open: {title}."),
        n => format!("{n} findings are open, the gravest: {title}."),
    };
    (level(worst.severity), reason)
}

fn purpose(endpoint: &EndpointSnapshot, policy: &RiskPolicy) -> (f64, String) {
    let tags = endpoint.profile.tags.iter();
    let tag = tags
        .filter(|tag| policy.sensitive_tags.contains(&tag.name))
        .max_by(|a, b| a.confidence.total_cmp(&b.confidence));
    match tag {
        Some(tag) => (
            tag.confidence.clamp(0.0, 1.0),
            format!(
                "It seems to be for {}. {}",
                tag.name.replace('_', " "),
                tag.reason
            ),
        ),
        None => (
            0.0,
            "Nothing says that it is for something sensitive.".to_owned(),
        ),
    }
}

fn writes(endpoint: &EndpointSnapshot) -> (f64, String) {
    let operation = endpoint.operation.as_ref();
    let reads = match operation.map(|one| one.kind.as_str()) {
        Some("query" | "subscription") => true,
        Some("mutation") => false,
        _ => matches!(
            endpoint.method.as_str(),
            "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY"
        ),
    };
    match reads {
        true => (0.0, format!("{} only reads.", endpoint.method)),
        false => (1.0, format!("{} can change something.", endpoint.method)),
    }
}

fn transport(endpoint: &EndpointSnapshot) -> (f64, String) {
    let transport = &endpoint.profile.transport;
    let all: u64 = transport.signs.total();
    let clear = transport.signs.get("cleartext");
    (
        share(clear, all),
        or(&transport.reason, "No request was seen."),
    )
}

fn or(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise } else { text }.to_owned()
}

#[cfg(test)]
mod tests;
