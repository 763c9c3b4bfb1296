//! What this stage made, and what it cut or did not look at, by reason.

use tapscope_http::CounterValue;

macro_rules! counters {
    ($($field:ident: $name:literal $reason:expr;)*) => {
        /// Counts since the start.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Counters {
            $(pub(crate) $field: u64,)*
        }

        impl Counters {
            /// Nothing was counted.
            pub(crate) const NONE: Self = Self { $($field: 0,)* };

            /// What was counted since `before`.
            pub(crate) const fn since(&self, before: &Self) -> Self {
                Self { $($field: self.$field.saturating_sub(before.$field),)* }
            }

            /// Counts the same once more.
            pub(crate) const fn add(&mut self, other: &Self) {
                $(self.$field = self.$field.saturating_add(other.$field);)*
            }

            /// All of them, in a fixed order.
            pub(crate) fn values(&self) -> Vec<CounterValue> {
                vec![$(CounterValue {
                    name: concat!("redact_", $name, "_total"),
                    reason: Option::<&str>::map($reason, str::to_owned),
                    value: self.$field,
                },)*]
            }
        }
    };
}

counters! {
    records_made: "records_made" None;
    bodies_inspected: "bodies_inspected" None;
    values_redacted: "values_redacted" None;
    segments_over_cap: "path_segments_cut" Some("path_cap");
    segments_overlong: "path_segments_cut" Some("segment_length");
    fragments_dropped: "fragments_dropped" Some("not_sent_by_clients");
    parameters_over_cap: "parameters_dropped" Some("parameter_cap");
    header_names_over_cap: "header_names_dropped" Some("header_cap");
    credentials_over_cap: "credentials_dropped" Some("credential_cap");
    signals_over_cap: "signals_dropped" Some("signal_cap");
    fields_over_cap: "shape_fields_dropped" Some("shape_cap");
    distinct_over_cap: "data_values_dropped" Some("distinct_cap");
    bodies_unknown_coding: "bodies_uninspected" Some("unsupported_coding");
    bodies_too_many_codings: "bodies_uninspected" Some("too_many_codings");
    bodies_undecodable: "bodies_uninspected" Some("coding_broken");
    bodies_binary: "bodies_uninspected" Some("binary");
    bodies_sampled: "bodies_uninspected" Some("sampled");
    bodies_decoded_cut: "bodies_cut" Some("decoded_cap");
    bodies_ratio_cut: "bodies_cut" Some("ratio_cap");
    bodies_json_broken: "bodies_cut" Some("json_broken");
    operations_found: "operations_found" None;
    operations_over_cap: "operations_dropped" Some("batch_cap");
}
