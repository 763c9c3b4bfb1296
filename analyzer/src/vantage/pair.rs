//! Whether one exchange can be nothing but the continuation of another behind a proxy. In doubt
//! it is not.

use tapscope_record::{ExchangeRecord, Pairing, Part};

use crate::inventory::entry::whole;
use crate::inventory::proxies::way_of;

/// Whether a record says enough to be recognised as a leg: seen whole, with its time.
pub(super) fn is_leg(record: &ExchangeRecord) -> bool {
    whole(record)
        && record.method.is_some()
        && record.status.is_some()
        && record.ended.is_some()
        && record.certainty == 100
        && record.completeness.pairing != Pairing::Supposed
        && record.part == Part::Whole
}

/// Whether `inner` is what a proxy made of `outer`. Both are legs that ask for the same and are
/// answered with the same status.
pub(super) fn leads_to(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    inside(outer, inner) && on_the_way(outer, inner) && same_call(outer, inner)
}

/// A proxy asks after it was asked, and has its answer before it has answered.
fn inside(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    let (Some(outer_end), Some(inner_end)) = (outer.ended, inner.ended) else {
        return false;
    };
    let within = outer.time <= inner.time && inner_end <= outer_end;
    within && (outer.time, outer_end) != (inner.time, inner_end)
}

/// Whether the addresses allow it. A client that asks two servers by itself does so from two
/// ports; a balancer that only rewrites the server's address leaves the client's whole.
fn on_the_way(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    if outer.server == inner.server {
        return false;
    }
    if outer.client == inner.client {
        return true;
    }
    chains(outer, inner) || outer.client.ip() != inner.client.ip()
}

/// Whether what answered is what asked on.
fn chains(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    outer.server.ip() == inner.client.ip()
}

/// Whether they are the same call and not merely alike.
fn same_call(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    if !outer.trace.is_empty() && !inner.trace.is_empty() {
        return outer.trace.iter().any(|token| inner.trace.contains(token));
    }
    let linked = chains(outer, inner) || outer.client == inner.client;
    linked && same_answer(outer, inner) && same_caller(outer, inner)
}

fn same_answer(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    let answer = |record: &ExchangeRecord| {
        let response = record.response.as_ref();
        response.map(|m| {
            (
                m.body_len,
                m.content_type.clone(),
                m.content_encoding.clone(),
            )
        })
    };
    answer(outer) == answer(inner)
}

/// A service that asks another one by itself has a name and credentials of its own; a proxy hands
/// on its caller's, or says whom it asks for.
fn same_caller(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    if outer.credentials != inner.credentials {
        return false;
    }
    let same_agent = outer.user_agent.is_some() && outer.user_agent == inner.user_agent;
    on_behalf(outer, inner) || (same_agent && outer.host == inner.host)
}

/// Whether a proxy says whom it asks for: it hands the way on as it came, or adds whom it was asked
/// by, or says only that. The outermost address alone is anybody's to choose.
fn on_behalf(outer: &ExchangeRecord, inner: &ExchangeRecord) -> bool {
    let (before, now) = (way_of(outer), way_of(inner));
    match now.split_last() {
        None => false,
        Some((last, rest)) => {
            let adds = *last == outer.client.ip() && (rest.is_empty() || rest == before);
            adds || now == before
        }
    }
}
