//! Records that are taken in together are taken in as one by one, whatever becomes of their hosts and
//! paths meanwhile.

mod support;

use core::cell::Cell;

use proptest::prelude::*;
use support::{Call, Kept, call};
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};
use tapscope_record::ExchangeRecord;

thread_local! {
    /// Cases in which hosts became one row.
    static FOLDED: Cell<u32> = const { Cell::new(0) };
}

/// Calls of a service under a host for each tenant, and of another one that is like it.
fn traffic() -> impl Strategy<Value = Vec<ExchangeRecord>> {
    let one = (0_u8..8, 0_u8..6, 0_u16..30, 0_u8..12);
    prop::collection::vec(one, 40..400).prop_map(|all| {
        let made = (0_i64..)
            .zip(all)
            .map(|(second, (tenant, kind, n, status))| {
                let path = match kind {
                    0 => format!("/v1/orders/{n}"),
                    1 => "/v1/orders".to_owned(),
                    2 => format!("/v1/users/{n}/cart"),
                    3 => "/health".to_owned(),
                    4 => format!("/v1/items/{}", "ab".repeat(usize::from(n % 9) + 1)),
                    _ => format!("/page{n}"),
                };
                let host = match tenant {
                    0 => "other.test".to_owned(),
                    tenant => format!("shop{tenant}.api.test"),
                };
                let status = if status == 0 { 404 } else { 200 };
                let Call(record) = call("GET", &path, second / 4)
                    .host(&host)
                    .status(status)
                    .token(u64::from(tenant) + 1);
                record
            });
        made.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn together_is_as_one_by_one(
        records in traffic(),
        sizes in prop::collection::vec(1_usize..60, 400),
    ) {
        let mut settings = AnalyzerSettings::default();
        // Judged in the middle of what is taken in, too.
        settings.tenants.max_unjudged = 1;
        let mut one_by_one = Analyzer::new(settings.clone(), Restored::default());
        let mut together = Analyzer::new(settings, Restored::default());
        let mut rest = records.as_slice();
        for size in sizes {
            let (some, others) = rest.split_at(size.min(rest.len()));
            rest = others;
            let Some(last) = some.last() else { break };
            for record in some {
                one_by_one.handle_record(record);
            }
            together.handle_records_quietly(some);
            one_by_one.handle_time(last.time);
            together.handle_time(last.time);
        }
        let mut kept = (Kept::default(), Kept::default());
        kept.0.save(&one_by_one.flush_changes());
        kept.1.save(&together.flush_changes());
        prop_assert_eq!(&kept.0.0.endpoints, &kept.1.0.endpoints);
        prop_assert_eq!(&kept.0.0.findings, &kept.1.0.findings);
        prop_assert_eq!(&kept.0.0.consumers, &kept.1.0.consumers);
        prop_assert!(kept.0.0.hosts == kept.1.0.hosts, "the hosts' state differs");
        prop_assert_eq!(one_by_one.counters(), together.counters());
        let folded = kept.0.0.hosts.iter().any(|host| host.host.contains('{'));
        FOLDED.set(FOLDED.get() + u32::from(folded));
    }
}

#[test]
fn the_draw_has_tenants() {
    together_is_as_one_by_one();
    assert!(FOLDED.get() > 2, "{} of 40", FOLDED.get());
}
