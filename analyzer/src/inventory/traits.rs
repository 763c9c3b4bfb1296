//! What many exchanges have in common: status, schemes, media types, server, feed and the like.
//! It is found out once for all exchanges that have it, and known again by its content; so an
//! endpoint can note which traits an exchange had, and count in its tallies for many at once.

use core::net::IpAddr;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::consumer::authentication;
use super::entry::succeeded;
use super::lists::ListsSeen;
use super::origin;
use super::reach::{ExposurePolicy, Reached};
use super::shown::shown_socket;
use tapscope_record::{
    ExchangeRecord, JwtFacts, MessageCompleteness, MessageRecord, Pairing, Word,
};

/// Traits that are remembered. A network has some hundreds: clients are no part of them.
const KEPT_MAX: usize = 4_096;

/// Bytes of those that are remembered: names of cookies and of media types are the client's to
/// choose.
const BYTES_MAX: usize = 4 << 20;

/// What traits take beyond their texts, roughly.
const COST: usize = 1_024;

/// What an exchange has in common with others.
#[derive(Debug)]
pub struct Traits {
    pub(super) status: Option<u16>,
    pub(super) succeeded: bool,
    pub(super) request: Option<Side>,
    pub(super) response: Option<Side>,
    pub(super) scheme: Box<str>,
    /// Of those that succeeded.
    pub(super) credentials: Box<[CredentialKind]>,
    /// Header fields and cookies that are parameters, each once; of those that were not refused.
    pub(super) headers: Box<[Box<str>]>,
    pub(super) cookies: Box<[Box<str>]>,
    pub(super) server: Box<str>,
    pub(super) reached: Reached,
    pub(super) protocol: Word,
    pub(super) completeness: &'static str,
    pub(super) feed: Cow<'static, str>,
    /// Its other legs.
    pub(super) vantage_points: Box<[String]>,
    /// What they take, roughly.
    pub(super) bytes: usize,
    /// Keeps the lists, by whose addresses it may be known, where they are.
    _lists: ListsSeen,
}

/// One message.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) media_type: Option<Box<str>>,
    /// Whether all of it was seen.
    pub(super) whole: bool,
    /// Whether nobody looked at its content.
    pub(super) passed: bool,
}

/// A kind of credential.
#[derive(Debug)]
pub(super) struct CredentialKind {
    /// Scheme, location and name, with a space between.
    pub(super) key: Box<str>,
    pub(super) jwt: Option<JwtFacts>,
}

impl Traits {
    fn of(record: &ExchangeRecord, lists: &ListsSeen, reached: Reached, bytes: usize) -> Self {
        let succeeded = succeeded(record);
        let side = |message: &MessageRecord, seen: MessageCompleteness| Side {
            media_type: message.content_type.as_deref().map(Into::into),
            whole: seen == MessageCompleteness::Complete,
            passed: message.is_passed(),
        };
        let (request, response) = (record.request.as_ref(), record.response.as_ref());
        let seen = record.completeness;
        let listed = request.filter(|_| accepted(record.status));
        let credentials = record.credentials.iter().filter(|_| succeeded);
        Self {
            status: record.status,
            succeeded,
            request: request.map(|message| side(message, seen.request)),
            response: response.map(|message| side(message, seen.response)),
            scheme: authentication(record).into(),
            credentials: credentials
                .map(|one| CredentialKind {
                    key: format!("{} {} {}", one.scheme, one.location, one.name).into(),
                    jwt: one.jwt.clone(),
                })
                .collect(),
            headers: (listed.iter())
                .flat_map(|request| lists.header_parameters(request).map(Into::into))
                .collect(),
            cookies: (listed.iter())
                .flat_map(|request| lists.cookies(request).map(Into::into))
                .collect(),
            server: shown_socket(record.server, |text| text.into()),
            reached,
            protocol: record.protocol.clone(),
            completeness: completeness(record),
            feed: origin::feed_of_record(record),
            vantage_points: record.vantage.iter().map(origin::leg).collect(),
            bytes,
            _lists: lists.clone(),
        }
    }
}

/// Whether the request was not refused, as far as is known.
pub(super) fn accepted(status: Option<u16>) -> bool {
    !matches!(status, Some(400..))
}

fn completeness(record: &ExchangeRecord) -> &'static str {
    use MessageCompleteness::{Aborted, Gap, Missing, Open};
    let (request, response) = (record.completeness.request, record.completeness.response);
    if request == Missing {
        "request_missing"
    } else if response == Missing {
        "response_missing"
    } else if request == Gap || response == Gap {
        "gap"
    } else if request == Aborted || response == Aborted {
        "aborted"
    } else if request == Open || response == Open {
        "open"
    } else if record.completeness.pairing == Pairing::Supposed {
        "supposed"
    } else {
        "complete"
    }
}

/// Traits that were seen of late. Bounded in number and bytes.
#[derive(Debug, Default)]
pub struct KnownTraits {
    known: HashMap<Box<[u8]>, Arc<Traits>, FixedState>,
    key: Key,
    bytes: usize,
}

impl KnownTraits {
    /// What the exchange has in common with others.
    pub fn of(
        &mut self,
        record: &ExchangeRecord,
        lists: &ListsSeen,
        policy: &ExposurePolicy,
    ) -> Arc<Traits> {
        let reached = policy.reached(record);
        self.key.write(record, lists, reached);
        if let Some(known) = self.known.get(self.key.0.as_slice()) {
            return Arc::clone(known);
        }
        let bytes = COST + self.key.0.len() * 2;
        if self.known.len() >= KEPT_MAX || self.bytes + bytes > BYTES_MAX {
            // What is in use comes back with the next exchange.
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        let new = Arc::new(Traits::of(record, lists, reached, bytes));
        let key = self.key.0.as_slice().into();
        self.known.insert(key, Arc::clone(&new));
        new
    }

    /// Bytes held, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// All that traits are made of, one after the other: equal for equal traits only.
#[derive(Debug, Default)]
struct Key(Vec<u8>);

impl Key {
    fn write(&mut self, record: &ExchangeRecord, lists: &ListsSeen, reached: Reached) {
        self.0.clear();
        self.flags([record.status.is_some(), reached.is_forwarded]);
        self.number(record.status.unwrap_or(0).into());
        let seen = record.completeness;
        for (message, seen) in [
            (&record.request, seen.request),
            (&record.response, seen.response),
        ] {
            let whole = seen == MessageCompleteness::Complete;
            self.flags([message.is_some(), whole]);
            let Some(message) = message else { continue };
            self.flags([message.is_passed(), message.content_type.is_some()]);
            self.text(message.content_type.as_deref().unwrap_or_default());
        }
        self.text(completeness(record));
        self.text(&record.protocol);
        self.text(reached.sign.unwrap_or_default());
        self.text(reached.zone.unwrap_or_default());
        self.address(record.server.ip());
        self.number(record.server.port().into());
        self.number(record.encapsulation.len());
        record.encapsulation.iter().for_each(|one| self.text(one));
        self.number(record.vantage.len());
        for point in &record.vantage {
            self.text(&origin::leg(point));
        }
        self.text(authentication(record));
        if let Some(request) = &record.request
            && accepted(record.status)
        {
            if let Some(lists) = lists.address() {
                self.flags([true, false]);
                lists.into_iter().for_each(|one| self.number(one));
            } else {
                lists
                    .header_parameters(request)
                    .for_each(|one| self.text(one));
                self.flags([true, true]);
                lists.cookies(request).for_each(|one| self.text(one));
            }
        }
        if succeeded(record) {
            self.credentials(record);
        }
    }

    fn credentials(&mut self, record: &ExchangeRecord) {
        self.flags([true, true]);
        for one in &record.credentials {
            self.text(&one.scheme);
            self.text(&one.location);
            self.text(&one.name);
            self.flags([one.jwt.is_some(), false]);
            let Some(jwt) = &one.jwt else { continue };
            self.text(&jwt.algorithm);
            self.flags([jwt.issuer.is_some(), jwt.lifetime_s.is_some()]);
            self.text(jwt.issuer.as_deref().unwrap_or_default());
            self.0
                .extend_from_slice(&jwt.lifetime_s.unwrap_or(0).to_le_bytes());
        }
    }

    fn address(&mut self, address: IpAddr) {
        self.flags([address.is_ipv6(), false]);
        match address {
            IpAddr::V4(four) => self.0.extend_from_slice(&four.octets()),
            IpAddr::V6(six) => self.0.extend_from_slice(&six.octets()),
        }
    }

    /// A text, with a byte before it that no flags are, and its length.
    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(len) if len < LONG => self.0.extend_from_slice(&[TEXT, len]),
            _ => {
                self.0.extend_from_slice(&[TEXT, LONG]);
                self.number(text.len());
            }
        }
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn flags(&mut self, flags: [bool; 2]) {
        let [one, two] = flags.map(u8::from);
        self.0.push(one | two << 1);
    }
}

/// Before a text; flags are less.
const TEXT: u8 = 4;

/// Stands for the length of a text that is longer.
const LONG: u8 = u8::MAX;
