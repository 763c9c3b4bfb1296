//! What plain regular expressions find: one for each class, as collections of them have it, on the
//! values alone.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

/// The patterns. Classes that only a name tells (a birthday, a salary) have what is usual for them.
const PATTERNS: &[(&str, &str)] = &[
    ("email", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"),
    (
        "phone",
        r"(?:\+\d{1,3}[ -]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}\b",
    ),
    ("card", r"\b(?:\d[ -]?){13,15}\d\b"),
    ("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}\b"),
    ("us_ssn", r"\b\d{3}[- ]?\d{2}[- ]?\d{4}\b"),
    ("uk_nino", r"\b[A-Z]{2}\d{6}[A-D]\b"),
    ("uk_nhs", r"\b\d{3} ?\d{3} ?\d{4}\b"),
    ("de_tax_id", r"\b\d{11}\b"),
    ("fr_nir", r"\b[12]\d{14}\b"),
    ("es_nif", r"\b[0-9XYZ]\d{7}[A-Z]\b"),
    (
        "it_fiscal_code",
        r"\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b",
    ),
    ("pl_pesel", r"\b\d{11}\b"),
    ("nl_bsn", r"\b\d{9}\b"),
    ("se_personnummer", r"\b\d{6}[-+]\d{4}\b"),
    ("fi_hetu", r"\b\d{6}[-+A]\d{3}[0-9A-Y]\b"),
    ("br_cpf", r"\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b"),
    ("in_aadhaar", r"\b\d{4} ?\d{4} ?\d{4}\b"),
    ("in_pan", r"\b[A-Z]{5}\d{4}[A-Z]\b"),
    ("cn_resident_id", r"\b\d{17}[0-9X]\b"),
    ("passport", r"\b[A-Z]\d{8}\b"),
    ("device_id", r"\b\d{15}\b"),
    ("vin", r"\b[A-HJ-NPR-Z0-9]{17}\b"),
    (
        "mac_address",
        r"\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b",
    ),
    ("ip_address", r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    (
        "date_of_birth",
        r"\b(?:\d{4}-\d{2}-\d{2}|\d{2}/\d{2}/\d{4})\b",
    ),
    ("person_name", r"^\p{Lu}[\p{L}'-]+ \p{Lu}[\p{L}'-]+$"),
    (
        "address",
        r"\b\d{1,5} (?:[A-Z][a-z]+ )+(?:Street|St|Road|Rd|Avenue|Ave)\b",
    ),
    ("geo", r"^-?\d{1,3}\.\d{3,}$"),
    ("health", r"\b[A-TV-Z]\d{2}\.\d{1,2}\b"),
    ("card_code", r"^\d{3,4}$"),
    ("bank_account", r"^\d{9}$"),
    ("jwt", r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
    (
        "api_key",
        r"AKIA[0-9A-Z]{16}|ghp_\w+|sk_live_\w+|AIza[\w-]{35}|xox[bp]-[\w-]+|glpat-[\w-]+",
    ),
    ("secret", r"^[A-Za-z0-9+/=_-]{32,}$"),
];

/// The patterns, compiled.
pub(crate) struct Reference(Vec<(&'static str, Regex)>);

impl Reference {
    pub(crate) fn new() -> Self {
        let compiled =
            |(class, pattern): &(&'static str, &str)| (*class, Regex::new(pattern).unwrap());
        Self(PATTERNS.iter().map(compiled).collect())
    }

    /// Distinct values by class.
    pub(crate) fn classes(&self, texts: &[String]) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (class, pattern) in &self.0 {
            let all: BTreeSet<&str> = texts
                .iter()
                .flat_map(|text| pattern.find_iter(text))
                .map(|found| found.as_str())
                .collect();
            if !all.is_empty() {
                counts.insert((*class).to_owned(), all.len() as u64);
            }
        }
        counts
    }
}
