//! Nothing vanishes between records and rows, and when the changes are taken changes nothing.

mod support;

use proptest::prelude::*;
use support::{Call, Kept, call};
use tapscope_analyzer::snapshot::Lifecycle;
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};

const WORDS: [&str; 12] = [
    "users", "orders", "items", "search", "alice", "bob", "red", "green", "me", "status", "export",
    "17",
];

/// Traffic of two hosts: words that are literals, words that are values, refusals, pages.
fn traffic() -> impl Strategy<Value = Vec<Call>> {
    let path = prop::collection::vec((0_usize..12, 0_u16..40, any::<bool>()), 0..4);
    let one = (path, 0_u8..12, 0_u8..4, any::<bool>());
    prop::collection::vec(one, 1..160).prop_map(|all| {
        let made = (0_i64..).zip(all);
        made.map(|(i, (path, kind, from, second))| {
            let segment = |(word, n, plain): (usize, u16, bool)| {
                let word = WORDS[word];
                if plain {
                    format!("/{word}")
                } else {
                    format!("/{word}{n}")
                }
            };
            let path: String = path.into_iter().map(segment).collect();
            let method = ["GET", "GET", "POST", "HEAD"][usize::from(kind % 4)];
            let status = [200, 200, 200, 404, 403, 500][usize::from(kind % 6)];
            let made = call(method, &path, i * 3)
                .status(status)
                .from(from)
                .token(u64::from(from));
            if second {
                made.host("other.test")
            } else {
                made
            }
        })
        .collect()
    })
}

fn without_endpoint(analyzer: &Analyzer) -> Option<u64> {
    let counters = analyzer.counters();
    let mut found = counters.iter().filter(|(name, reason, _)| {
        name == "records_without_endpoint" && reason.as_deref() == Some("candidate_or_noise")
    });
    found.next().map(|(_, _, count)| *count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_record_is_of_one_row_or_counted_as_of_none(calls in traffic()) {
        let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
        let mut kept = Kept::default();
        for one in &calls {
            analyzer.handle_record(&one.0);
            analyzer.handle_time(one.0.time);
        }
        kept.save(&analyzer.flush_changes());
        let rows: u64 = kept.0.endpoints.iter().map(|e| e.requests).sum();
        let left = without_endpoint(&analyzer);
        prop_assert_eq!(left.map(|left| rows + left), Some(calls.len() as u64));
        for row in &kept.0.endpoints {
            prop_assert!(row.requests > 0, "{} {} was never seen", row.method, row.template);
            prop_assert!(row.first_seen > 0 && row.last_seen >= row.first_seen);
            prop_assert_ne!(row.lifecycle, Lifecycle::Dormant, "{} was just seen", row.template);
        }
    }

    #[test]
    fn when_changes_are_taken_changes_nothing(
        calls in traffic(),
        when in prop::collection::vec(0_u8..8, 160),
    ) {
        let mut settings = AnalyzerSettings::default();
        settings.inventory.save_endpoints = 2;
        settings.inventory.save_consumers = 1;
        let mut often = Analyzer::new(settings.clone(), Restored::default());
        let mut once = Analyzer::new(settings, Restored::default());
        let mut kept = (Kept::default(), Kept::default());
        for (one, take) in calls.iter().zip(when) {
            let seen = often.handle_record(&one.0);
            prop_assert_eq!(seen, once.handle_record(&one.0));
            if take == 0 {
                kept.0.save(&often.take_changes());
            }
        }
        kept.0.save(&often.flush_changes());
        kept.1.save(&once.flush_changes());
        prop_assert!(!often.has_changes());
        prop_assert_eq!(&kept.0.0.endpoints, &kept.1.0.endpoints);
        prop_assert_eq!(&kept.0.0.findings, &kept.1.0.findings);
        prop_assert_eq!(&kept.0.0.consumers, &kept.1.0.consumers);
        prop_assert!(kept.0.0.hosts == kept.1.0.hosts, "the hosts' state differs");
    }
}
