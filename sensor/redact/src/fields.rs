//! The header fields and cookies of a message by their names: which of them mean something to this
//! stage, and the list of names for the record.
//!
//! Messages of one client have the same names in the same order: a list of names is looked at once
//! and shared by all records.

use std::sync::Arc;

use tapscope_http::HeadBytes;
use tapscope_record::header::is_parameter;
use tapscope_record::{NameList, Parameter, Word};

use crate::redactor::Work;
use crate::token::TokenUse;
use crate::{credential, head, profile, trace};

/// What a field or cookie is to this stage, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Role {
    /// Nothing but its name matters.
    Plain,
    Host,
    ContentType,
    ContentEncoding,
    UserAgent,
    /// The languages a client wants.
    Languages,
    Cookie,
    Authorization,
    ProxyAuthorization,
    /// A signature, or what a proxy says of a client's certificate.
    Proof,
    /// A key or token in a field of its own.
    Key,
    /// A cookie that carries a session.
    Session,
    Forwarded,
    ForwardedFor,
    /// Says in a word how the client came to the first proxy.
    Scheme,
    /// Names the request across hops.
    Trace,
    Deprecation,
    Sunset,
    /// Says that the request is one of MCP.
    Mcp,
}

/// How many roles there are.
const ROLES: usize = Role::Mcp as usize + 1;

/// Names of one message, looked at.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// As they stand in the record.
    pub(crate) names: NameList,
    /// Of each, beyond the cap as well.
    roles: Box<[Role]>,
    /// Which roles there are, as bits.
    present: u32,
    /// Of each role, the place of the first field that has it.
    first: [u32; ROLES],
    /// Places of those that are parameters of what is called.
    parameters: Box<[u32]>,
    /// Order and spelling of the fields that software writes of its own accord; nought without any.
    pub(crate) habit: u64,
    /// Names beyond the cap.
    over: u64,
}

impl Fields {
    /// Whether a field has that role.
    pub(crate) const fn has(&self, role: Role) -> bool {
        self.present >> role as u8 & 1 == 1
    }

    /// Whether a field has one of those roles.
    pub(crate) fn has_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.has(*role))
    }

    /// The roles in order of the names.
    pub(crate) fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The fields of that role, in order.
    pub(crate) fn all<'h>(
        &self,
        head: &'h HeadBytes,
        role: Role,
    ) -> impl DoubleEndedIterator<Item = (&'h [u8], &'h [u8])> + Clone {
        let first = self.first(role).unwrap_or(self.roles.len());
        let some = self.roles.get(first..).unwrap_or_default();
        let here = some.iter().enumerate().filter(move |(_, it)| **it == role);
        here.filter_map(move |(at, _)| {
            let line = head.headers.get(first + at)?;
            Some((head.slice(line.name), head.slice(line.value)))
        })
    }

    /// The header fields of a request that are parameters, with their values' profiles.
    pub(crate) fn parameters(&self, work: &mut Work<'_>, head: &HeadBytes) -> Vec<Parameter> {
        let lines = self.parameters.iter().filter_map(|at| {
            let at = *at as usize;
            let line = head.headers.get(at)?;
            Some((
                self.names.get(at)?,
                (head.slice(line.name), head.slice(line.value)),
            ))
        });
        profiles(work, lines)
    }

    /// The cookies of a request, likewise; `self` is of these, `fields` of the head.
    pub(crate) fn cookie_values(
        &self,
        work: &mut Work<'_>,
        (head, fields): (&HeadBytes, &Self),
    ) -> Vec<Parameter> {
        let lines = fields.all(head, Role::Cookie);
        let cookies = lines.flat_map(|(_, value)| credential::cookies(value));
        let mut values = profiles(work, self.names.iter().zip(cookies));
        // A number in a cookie is mostly somebody's: how large it is tells nothing of the endpoint.
        for parameter in &mut values {
            parameter.value.number = None;
        }
        values
    }

    /// The value of the first field of that role.
    pub(crate) fn value<'h>(&self, head: &'h HeadBytes, role: Role) -> Option<&'h [u8]> {
        let line = head.headers.get(self.first(role)?)?;
        Some(head.slice(line.value))
    }

    fn first(&self, role: Role) -> Option<usize> {
        let place = self.first.get(role as usize).filter(|_| self.has(role));
        place.map(|at| *at as usize)
    }
}

/// Parameters of (name as it may stand in the record, (name, value)).
fn profiles<'a>(
    work: &mut Work<'_>,
    lines: impl Iterator<Item = (&'a String, (&'a [u8], &'a [u8]))>,
) -> Vec<Parameter> {
    let mut out = Vec::new();
    for (name, (raw_name, value)) in lines {
        if out.len() >= work.settings.parameters_max {
            work.counters.parameters_over_cap += 1;
            continue;
        }
        out.push(Parameter {
            name: Word::of(name),
            value: profile::of(work, raw_name, value).value,
        });
    }
    out
}

/// Whose names are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Header fields: without case, in lower case in the record.
    Header,
    /// Cookies.
    Cookie,
}

impl Kind {
    const fn token_use(self) -> TokenUse {
        match self {
            Self::Header => TokenUse::Fields,
            Self::Cookie => TokenUse::Cookies,
        }
    }

    fn role(self, name: &[u8]) -> Role {
        match self {
            Self::Header => role_of_field(name),
            Self::Cookie if credential::is_credential_name(name) => Role::Session,
            Self::Cookie => Role::Plain,
        }
    }
}

/// The fields of a head.
pub(crate) fn of_head(work: &mut Work<'_>, head: &HeadBytes) -> Arc<Fields> {
    look_at(work, Kind::Header, head.headers().map(|(name, _)| name))
}

/// The cookies of a request, those of all its Cookie fields.
pub(crate) fn of_cookies(work: &mut Work<'_>, head: &HeadBytes, fields: &Fields) -> Arc<Fields> {
    let lines = fields.all(head, Role::Cookie);
    let cookies = lines.flat_map(|(_, value)| credential::cookies(value));
    look_at(work, Kind::Cookie, cookies.map(|(name, _)| name))
}

/// The names of a message, looked at: as far as they are known, once for all messages.
fn look_at<'n>(
    work: &mut Work<'_>,
    kind: Kind,
    names: impl Iterator<Item = &'n [u8]> + Clone,
) -> Arc<Fields> {
    let print = work.tokens.print_of(kind.token_use(), names.clone());
    let known = work.lists.get(print).cloned();
    let fields = known.unwrap_or_else(|| {
        let fields = Arc::new(find(work, kind, names));
        // No honest message has more names than the record takes.
        if fields.over == 0 {
            work.lists.put(print, &fields);
        }
        fields
    });
    work.counters.header_names_over_cap += fields.over;
    fields
}

fn find<'n>(work: &Work<'_>, kind: Kind, names: impl Iterator<Item = &'n [u8]> + Clone) -> Fields {
    let mut fields = Fields::default();
    let (mut kept, mut roles) = (Vec::new(), Vec::new());
    for raw in names.clone() {
        let role = kind.role(raw);
        let place = fields.first.get_mut(role as usize);
        if let Some(first) = place.filter(|_| fields.present >> role as u8 & 1 == 0) {
            *first = u32::try_from(roles.len()).unwrap_or(u32::MAX);
        }
        fields.present |= 1 << role as u8;
        roles.push(role);
        if kept.len() >= work.settings.header_names_max {
            fields.over += 1;
            continue;
        }
        let mut name = work.name(raw);
        if kind == Kind::Header {
            name.make_ascii_lowercase();
        }
        kept.push(name);
    }
    fields.names = kept.into();
    fields.roles = roles.into();
    if kind == Kind::Header {
        let numbered = fields.names.iter().zip(0_u32..);
        let parameters = numbered.filter(|(name, _)| is_parameter(name));
        fields.parameters = parameters.map(|(_, at)| at).collect();
        fields.habit = habit(work, names);
    }
    fields
}

/// Fields that libraries and browsers write whatever is called; others depend on the call.
const HABITS: [&str; 3] = ["user-agent", "accept-encoding", "accept-language"];

fn habit<'n>(work: &Work<'_>, names: impl Iterator<Item = &'n [u8]> + Clone) -> u64 {
    let is_habit = |name: &&[u8]| {
        let mut habits = HABITS.iter();
        habits.any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    };
    let mut of_habit = names.filter(is_habit).peekable();
    if of_habit.peek().is_none() {
        return 0;
    }
    let [print, _] = work.tokens.print_of(TokenUse::Fingerprint, of_habit);
    print.max(1)
}

/// Fields that mean something by their names alone, lower case.
const KNOWN: [(&str, Role); 18] = [
    ("host", Role::Host),
    ("content-type", Role::ContentType),
    ("content-encoding", Role::ContentEncoding),
    ("user-agent", Role::UserAgent),
    ("accept-language", Role::Languages),
    ("cookie", Role::Cookie),
    ("authorization", Role::Authorization),
    ("proxy-authorization", Role::ProxyAuthorization),
    ("forwarded", Role::Forwarded),
    ("x-forwarded-for", Role::ForwardedFor),
    ("deprecation", Role::Deprecation),
    ("sunset", Role::Sunset),
    ("mcp-session-id", Role::Mcp),
    ("mcp-protocol-version", Role::Mcp),
    // Common ones that mean nothing here: no more is asked about them.
    ("accept", Role::Plain),
    ("content-length", Role::Plain),
    ("connection", Role::Plain),
    ("date", Role::Plain),
];

fn role_of_field(name: &[u8]) -> Role {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if let Some((_, role)) = KNOWN.iter().find(|(known, _)| is(known)) {
        *role
    } else if head::is_scheme(name) {
        Role::Scheme
    } else if trace::is_identifier(name) {
        Role::Trace
    } else if credential::is_proof(name) {
        Role::Proof
    } else if credential::is_key(name) {
        Role::Key
    } else {
        Role::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_by_name() {
        for (name, role) in [
            ("Host", Role::Host),
            ("CONTENT-TYPE", Role::ContentType),
            ("Cookie", Role::Cookie),
            ("X-Api-Key", Role::Key),
            ("X-Hub-Signature-256", Role::Proof),
            ("X-Request-ID", Role::Trace),
            ("traceparent", Role::Trace),
            ("X-Forwarded-Proto", Role::Scheme),
            ("Mcp-Session-Id", Role::Mcp),
            ("Accept", Role::Plain),
            ("X-Anything", Role::Plain),
            ("", Role::Plain),
        ] {
            assert_eq!(Kind::Header.role(name.as_bytes()), role, "{name}");
        }
        assert_eq!(Kind::Cookie.role(b"JSESSIONID"), Role::Session);
        assert_eq!(Kind::Cookie.role(b"theme"), Role::Plain);
    }
}
