//! Successful calls without credentials where there should be some.
//!
//! Three cases, each on successful calls only (a refused call proves that the check works): the
//! specification asks for credentials; the endpoint is usually called with them; or the endpoint
//! never is, gives out personal data or changes something, and the rest of its host asks for them.

use super::{Anomaly, Detector, Scene, Words, exchange, name, percent};
use crate::baseline::robust::number;
use crate::inventory::entry::{Entry, succeeded};
use crate::inventory::share;
use crate::settings::DetectorSettings;
use crate::snapshot::Severity;
use tapscope_record::{MessageCompleteness, Pairing};

/// Methods that change something.
const CHANGING: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// Methods that say nothing of data, and are sent without credentials by design.
const EXEMPT: [&str; 4] = ["OPTIONS", "HEAD", "TRACE", "CONNECT"];

/// Classes that name people or open doors.
const PUBLIC_CLASSES: [&str; 4] = ["url", "date", "ip_address", "uuid"];

pub(super) struct MissingAuthentication;

impl Detector for MissingAuthentication {
    fn kind(&self) -> &'static str {
        "missing_authentication"
    }

    fn owasp(&self) -> &'static [&'static str] {
        &["API2:2023"]
    }

    fn detail(&self) -> &'static str {
        "Answered with success without credentials where there should be some."
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let record = scene.record;
        if !record.credentials.is_empty()
            || record.completeness.request != MessageCompleteness::Complete
            // The success may be another request's, which had credentials.
            || record.completeness.pairing == Pairing::Supposed
            || !succeeded(record)
        {
            return None;
        }
        let entry = scene.entry?;
        // A redirect without credentials mostly leads to the sign-in page.
        if matches!(record.status, Some(300..))
            || EXEMPT.contains(&entry.at.method.as_str())
            || entry.coverage() < scene.odd().min_coverage
            || is_sign_in(entry)
        {
            return None;
        }
        let calls = Calls::of(entry);
        let (case, confidence) = documented(entry, &calls, scene.odd())
            .or_else(|| usually(entry, &calls, scene.odd()))
            .or_else(|| open(scene, entry, &calls))?;
        let mut anomaly = Anomaly::new(severity(entry, scene.odd()), confidence, case);
        anomaly.values = vec![
            ("observed", number(calls.anonymous)),
            ("authenticated", number(calls.authenticated)),
            ("anonymous_share", share(calls.anonymous, calls.total())),
        ];
        Some(anomaly)
    }

    fn words(&self, scene: &Scene<'_>, anomaly: &Anomaly) -> Words {
        let why = match anomaly.case {
            "documented" => "its specification requires credentials".to_owned(),
            "usual" => format!(
                "{} of its successful calls carry credentials",
                percent(1.0 - anomaly.value("anonymous_share"))
            ),
            _ => "the other endpoints of its host are called with credentials, and this one gives \
                  out personal data or changes something"
                .to_owned(),
        };
        Words {
            title: format!("{} answers without credentials", name(scene)),
            explanation: format!(
                "Calls without credentials were answered with success although {why}. Whoever can \
                 reach the host can do the same. Check whether the endpoint is meant to be \
                 public; if it is not, require authentication and look at what was given out."
            ),
            evidence: exchange(scene),
        }
    }
}

struct Calls {
    anonymous: u64,
    authenticated: u64,
}

impl Calls {
    fn of(entry: &Entry) -> Self {
        Self {
            anonymous: entry.counts.anonymous,
            authenticated: entry.counts.authenticated,
        }
    }

    fn total(&self) -> u64 {
        self.anonymous.saturating_add(self.authenticated)
    }
}

fn documented(entry: &Entry, calls: &Calls, odd: &DetectorSettings) -> Option<(&'static str, f64)> {
    let asked = entry.secured == Some(true);
    (asked && calls.anonymous >= odd.auth_min_anonymous).then_some(("documented", 0.95))
}

fn usually(entry: &Entry, calls: &Calls, odd: &DetectorSettings) -> Option<(&'static str, f64)> {
    // Somebody wrote down that it is public: who is signed in calls it with credentials all the
    // same.
    if entry.secured == Some(false) {
        return None;
    }
    let few = share(calls.anonymous, calls.total()) <= odd.auth_max_anonymous_share;
    let usual = calls.authenticated >= odd.auth_min_authenticated && few;
    (usual && calls.anonymous >= odd.auth_min_anonymous).then_some(("usual", 0.85))
}

fn open(scene: &Scene<'_>, entry: &Entry, calls: &Calls) -> Option<(&'static str, f64)> {
    let odd = scene.odd();
    if calls.anonymous < odd.auth_min_open
        || share(calls.authenticated, calls.total()) > 0.05
        // Somebody wrote down that it is public.
        || entry.secured == Some(false)
    {
        return None;
    }
    let others = scene.host.successes.saturating_sub(calls.total());
    let authenticated = scene.host.authenticated.saturating_sub(calls.authenticated);
    let stands_out = others >= odd.auth_min_sibling_calls
        && share(authenticated, others) >= odd.auth_min_sibling_share;
    let matters =
        || CHANGING.contains(&entry.at.method.as_str()) || gives_personal_data(entry, odd);
    (stands_out && matters()).then_some(("open", 0.7))
}

/// Signing in, signing up and recovery are public by nature: passwords go up, credentials come
/// down.
fn is_sign_in(entry: &Entry) -> bool {
    share(entry.counts.sign_in, entry.counts.successes) >= 0.5
}

fn gives_personal_data(entry: &Entry, odd: &DetectorSettings) -> bool {
    let mut classes = entry.response_classes(odd.auth_min_data_share);
    classes.any(|class| !PUBLIC_CLASSES.contains(&class))
}

fn severity(entry: &Entry, odd: &DetectorSettings) -> Severity {
    let changes = CHANGING.contains(&entry.at.method.as_str());
    match (gives_personal_data(entry, odd), changes) {
        (true, _) => Severity::Critical,
        (false, true) => Severity::High,
        (false, false) => Severity::Medium,
    }
}
