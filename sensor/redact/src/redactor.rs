//! The record, put together from what each part of the exchange tells.

use std::sync::Arc;

use tapscope_http::{
    BodyEnd, Certainty, CounterValue, HttpExchange, Layer, Pairing, Protocol, Request, Response,
};
use tapscope_record::{
    Completeness, Credential, ExchangeName, ExchangeRecord, JwtFacts, MessageCompleteness,
    MessageRecord, Operation, Parameter, Part, PathSegment, RECORD_VERSION, Rare, Signal,
    UserAgent, Word,
};

use crate::body::{self, Bodies, Classes, Side};
use crate::counters::Counters;
use crate::credential::Said;
use crate::fields::{self, Fields, Role};
use crate::known::Known;
use crate::names::Names;
use crate::profile::Profiled;
use crate::sampling::{Answer, Choice, Sampling};
use crate::settings::RedactSettings;
use crate::target::{self, Target};
use crate::token::{TokenKey, TokenUse, Tokenizer};
use crate::{credential, framing, head, messages, operation, trace};

/// Makes records of exchanges.
///
/// A: [`counters`](Self::counters). B: [`record`](Self::record). What it keeps between exchanges
/// are counters, empty buffers, and what bodies that come again told the time before: the record of an exchange depends on nothing but the exchange,
/// the settings and the key.
pub struct Redactor {
    settings: RedactSettings,
    tokens: Tokenizer,
    counters: Counters,
    classes: Classes,
    bodies: Bodies,
    names: Names,
    lists: Known<Arc<Fields>>,
    jwts: Known<Said>,
    authorizations: Known<Credential>,
    media_types: Known<Word>,
    hosts: Known<Host>,
    agents: Known<UserAgent>,
    profiles: Known<Profiled>,
    sampling: Sampling,
    scratch: Vec<u8>,
    decoded: Vec<u8>,
}

/// A host, and its port where that says something.
pub(crate) type Host = Option<(Word, Option<u16>)>;

/// What the parts of one record are made with.
pub(crate) struct Work<'a> {
    pub(crate) settings: &'a RedactSettings,
    pub(crate) tokens: &'a Tokenizer,
    pub(crate) counters: &'a mut Counters,
    pub(crate) classes: &'a mut Classes,
    pub(crate) bodies: &'a mut Bodies,
    pub(crate) names: &'a mut Names,
    pub(crate) lists: &'a mut Known<Arc<Fields>>,
    pub(crate) jwts: &'a mut Known<Said>,
    pub(crate) authorizations: &'a mut Known<Credential>,
    pub(crate) media_types: &'a mut Known<Word>,
    pub(crate) hosts: &'a mut Known<Host>,
    pub(crate) agents: &'a mut Known<UserAgent>,
    pub(crate) profiles: &'a mut Known<Profiled>,
    pub(crate) sampling: &'a mut Sampling,
    pub(crate) scratch: &'a mut Vec<u8>,
    pub(crate) decoded: &'a mut Vec<u8>,
    pub(crate) credentials: Vec<Credential>,
    /// What the token read last says of itself; the credential that it is takes it along.
    pub(crate) jwt: Option<JwtFacts>,
    pub(crate) signals: Vec<Signal>,
    /// Matrix parameters of the path.
    pub(crate) matrix: Rare<Parameter>,
    /// What the request asks for, as far as its content says; each once.
    pub(crate) operations: Vec<Operation>,
    /// Whether header fields say that the request is one of MCP.
    pub(crate) speaks_mcp: bool,
    /// Whether the body read last may be a request inside that of HTTP: its JSON has a member that
    /// every one in JSON has, or it is of a media type that such requests have.
    pub(crate) may_call: bool,
    /// Whether the values of the request's body are taken.
    pub(crate) takes_values: bool,
    /// Limits that cut what was looked at in the message at hand.
    pub(crate) limits: Vec<&'static str>,
}

impl Work<'_> {
    /// A name as it may stand in the record.
    pub(crate) fn name(&self, name: &[u8]) -> String {
        self.settings.name(name)
    }

    /// Notes a limit that was met.
    pub(crate) fn limit(&mut self, name: &'static str) {
        if !self.limits.contains(&name) {
            self.limits.push(name);
        }
    }

    /// The limits met since the last call.
    pub(crate) fn take_limits(&mut self) -> Vec<Word> {
        self.limits.drain(..).map(Word::from).collect()
    }
}

impl Redactor {
    /// A redactor that makes its tokens under `key`.
    #[must_use]
    pub fn new(settings: RedactSettings, key: TokenKey) -> Self {
        let tokens = Tokenizer::new(&key, settings.known_tokens_max);
        let seed = tokens.make(TokenUse::Seed, b"distinct values").0;
        let classes = Classes::new(
            seed,
            settings.distinct_values_max,
            settings.custom_classes.clone(),
        );
        let seed = tokens.make(TokenUse::Seed, b"bodies").0;
        let bodies = Bodies::new(
            seed,
            settings.known_bodies_max,
            settings.known_body_fields_max,
        );
        let names = Names::new(
            tokens.make(TokenUse::Seed, b"names").0,
            settings.known_names_max,
            settings.name_bytes_max,
            settings.custom_classes.clone(),
        );
        let seed = tokens.make(TokenUse::Seed, b"sampling").0;
        let sampling = Sampling::new(seed, settings.sampling_first, settings.sampling_every);
        let jwts = Known::new(settings.known_jwts_max);
        let authorizations = Known::new(settings.known_jwts_max);
        let profiles = Known::new(settings.known_jwts_max);
        let lines = settings.known_lists_max;
        Self {
            settings,
            tokens,
            counters: Counters::default(),
            classes,
            bodies,
            names,
            lists: Known::new(lines),
            jwts,
            authorizations,
            media_types: Known::new(lines),
            hosts: Known::new(lines),
            agents: Known::new(lines),
            profiles,
            sampling,
            scratch: Vec::new(),
            decoded: Vec::new(),
        }
    }

    /// Counts since the start: what was made, what was cut or not looked at and why.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterValue> {
        self.counters.values()
    }

    /// What one record is made with.
    fn work(&mut self) -> Work<'_> {
        Work {
            settings: &self.settings,
            tokens: &self.tokens,
            counters: &mut self.counters,
            classes: &mut self.classes,
            bodies: &mut self.bodies,
            names: &mut self.names,
            lists: &mut self.lists,
            jwts: &mut self.jwts,
            authorizations: &mut self.authorizations,
            media_types: &mut self.media_types,
            hosts: &mut self.hosts,
            agents: &mut self.agents,
            profiles: &mut self.profiles,
            sampling: &mut self.sampling,
            scratch: &mut self.scratch,
            decoded: &mut self.decoded,
            credentials: Vec::new(),
            jwt: None,
            signals: Vec::new(),
            matrix: Rare::new(),
            operations: Vec::new(),
            speaks_mcp: false,
            may_call: false,
            takes_values: false,
            limits: Vec::new(),
        }
    }

    /// The record of one exchange.
    pub fn record(&mut self, exchange: &HttpExchange) -> ExchangeRecord {
        self.counters.records_made += 1;
        let mut work = self.work();
        let request = exchange.request.as_deref();
        let response = exchange.response.as_deref();
        let asked = request.map(|request| fields::of_head(&mut work, &request.head));
        let asked = request.zip(asked.as_deref());
        let line = asked.map_or_else(StartLine::default, |it| start_line(&mut work, it));
        let mut request_record = asked.map(|asked| request_record(&mut work, exchange, asked));
        let mut response_record = response.map(|response| {
            let operations = core::mem::take(&mut work.operations);
            let about = About {
                exchange,
                line: &line,
                operations: &operations,
            };
            let record = response_record(&mut work, response, &about);
            work.operations = operations;
            record
        });
        let both = (&mut request_record, &mut response_record);
        let messages = messages::of(&mut work, exchange, both.0, both.1);
        signals(&mut work, exchange);
        let mut operations = core::mem::take(&mut work.operations).into_iter();
        let (host, port) = line.host.unwrap_or_else(|| server_address(exchange));
        let user_agent =
            asked.and_then(|(it, fields)| head::user_agent(&mut work, &it.head, fields));
        ExchangeRecord {
            version: RECORD_VERSION,
            id: ExchangeName::of_numbers(exchange.id.connection, exchange.id.ordinal),
            time: started(exchange),
            client: exchange.client,
            server: exchange.server,
            encapsulation: exchange.encapsulation.0.iter().map(layer).collect(),
            protocol: protocol(exchange.protocol).into(),
            operation: operations.next().map(Box::new),
            batch: operations.collect(),
            method: line.method,
            host,
            port,
            path: line.path,
            trailing_slash: line.trailing_slash,
            spelling: line.spelling,
            matrix: core::mem::take(&mut work.matrix),
            query: line.query,
            request: request_record,
            status: response.and_then(Response::status_code),
            response: response_record,
            latency_ns: latency(request, response),
            fingerprint: asked.and_then(|(it, fields)| {
                head::fingerprint(&work, (&it.head, fields), user_agent.as_ref())
            }),
            user_agent,
            forwarded_for: asked.and_then(|(it, fields)| head::forwarded_for(&it.head, fields)),
            forwarded_proto: asked.and_then(|(it, fields)| head::forwarded_proto(&it.head, fields)),
            forwarded_way: asked.and_then(|(it, fields)| head::forwarded_way(&it.head, fields)),
            credentials: core::mem::take(&mut work.credentials),
            messages: messages.map(Box::new),
            trace: asked.map_or_else(Vec::new, |(it, fields)| {
                trace::of_head(&work, &it.head, fields)
            }),
            ended: response.map(|response| response.ended.nanos()),
            reported: exchange.reported.nanos(),
            vantage: Rare::new(),
            certainty: request.map_or(100, certainty),
            anomalies: framing::anomaly_names(exchange),
            signals: work.signals.into(),
            part: part(exchange.part),
            completeness: completeness(exchange),
        }
    }
}

/// What is noteworthy about the exchange.
fn signals(work: &mut Work<'_>, exchange: &HttpExchange) {
    let (request, response) = (exchange.request.as_deref(), exchange.response.as_deref());
    framing::signals(work, request, response);
    framing::flood_signals(work, exchange.anomalies());
    operation::signals(work);
}

/// What the start line and Host tell.
#[derive(Default)]
struct StartLine {
    method: Option<Word>,
    host: Host,
    path: Vec<PathSegment>,
    trailing_slash: bool,
    spelling: Option<String>,
    query: Vec<Parameter>,
}

fn start_line(work: &mut Work<'_>, (request, fields): (&Request, &Fields)) -> StartLine {
    let method = request.head.slice(request.method);
    let target = Target::parse(method, request.head.slice(request.target));
    work.counters.fragments_dropped += u64::from(target.fragment);
    if let Some(authority) = target.authority {
        user_information(work, authority);
    }
    // RFC 9112 section 3.2.2: the target's own authority wins over Host.
    let host = target
        .authority
        .and_then(|authority| host_and_port(work, authority))
        .or_else(|| host_and_port(work, fields.value(&request.head, Role::Host)?));
    let (path, trailing_slash) = target::segments(work, target.path);
    let spelling = target::spelling(target.path, &path);
    let query = target
        .query
        .map(|query| target::parameters(work, query))
        .unwrap_or_default();
    // A call whose path is not known is a call of no endpoint: an empty path would be one of `/`.
    let is_known = request.certainty != Certainty::Unknown
        || !(request.method.is_empty() || request.target.is_empty());
    StartLine {
        method: is_known.then(|| method_name(work, method)),
        host,
        path,
        trailing_slash,
        spelling,
        query,
    }
}

fn host_and_port(work: &mut Work<'_>, authority: &[u8]) -> Host {
    let print = work.tokens.print(TokenUse::Line, authority);
    let classes = &work.settings.custom_classes;
    work.hosts.get_or(print, || {
        let (host, port) = target::host_and_port(classes, authority)?;
        Some((Arc::<str>::from(host).into(), port))
    })
}

/// The methods that nearly all requests have (RFC 9110 section 9, RFC 5789).
const METHODS: [&str; 9] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE",
];

/// The method; what cannot be one is not kept.
fn method_name(work: &Work<'_>, method: &[u8]) -> Word {
    if let Some(known) = METHODS.iter().find(|known| known.as_bytes() == method) {
        return (*known).into();
    }
    let is_token = !method.is_empty()
        && method
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    match core::str::from_utf8(method) {
        Ok(_) if is_token => work.name(method).into(),
        _ => "{malformed}".into(),
    }
}

/// `user:password@` before the host (RFC 3986 section 3.2.1, deprecated there for this reason).
fn user_information(work: &mut Work<'_>, authority: &[u8]) {
    let Some(at) = memchr::memrchr(b'@', authority) else {
        return;
    };
    let information = authority.get(..at).unwrap_or_default();
    let user = information
        .split(|&byte| byte == b':')
        .next()
        .unwrap_or_default();
    if information.is_empty() {
        return;
    }
    let credential = Credential {
        scheme: "basic".into(),
        location: "authority".into(),
        name: "userinfo".into(),
        token: work.tokens.token(TokenUse::Credential, information),
        subject: Some(work.tokens.token(TokenUse::Subject, user)),
        jwt: None,
    };
    credential::in_url(work, credential);
}

fn request_record(
    work: &mut Work<'_>,
    exchange: &HttpExchange,
    (request, fields): (&Request, &Fields),
) -> MessageRecord {
    work.takes_values = work.sampling.takes_values(exchange);
    let mut message = MessageRecord::default();
    let head = &request.head;
    head::describe(work, (head, fields), &mut message);
    let cookies = fields::of_cookies(work, head, fields);
    message.cookie_names = cookies.names.clone();
    message.header_values = fields.parameters(work, head);
    message.cookie_values = cookies.cookie_values(work, (head, fields));
    credential::of_head(work, (head, fields), &cookies);
    operation::of_target(work, request, fields);
    body::describe(
        work,
        Side::Request,
        (head, fields),
        &request.body,
        &mut message,
    );
    message
}

/// What a response answers.
struct About<'a> {
    exchange: &'a HttpExchange,
    line: &'a StartLine,
    operations: &'a [Operation],
}

fn response_record(work: &mut Work<'_>, response: &Response, about: &About<'_>) -> MessageRecord {
    let head = &response.head;
    let fields = &*fields::of_head(work, head);
    let announced = |role| fields.value(head, role).map(head::announced_date);
    let mut message = MessageRecord {
        deprecation: announced(Role::Deprecation),
        sunset: announced(Role::Sunset),
        ..MessageRecord::default()
    };
    head::describe(work, (head, fields), &mut message);
    let answer = Answer {
        method: about.line.method.as_ref().map_or(b"", Word::as_bytes),
        host: about.line.host.as_ref().map(|(host, _)| host.as_bytes()),
        path: &about.line.path,
        operations: about.operations,
        media_type: message.content_type.as_ref().map_or(b"", Word::as_bytes),
    };
    match work.sampling.choose(about.exchange, &answer) {
        Choice::Passed => body::pass(work, &response.body, &mut message),
        Choice::Looked(place) => {
            let head = (head, fields);
            body::describe(work, Side::Response, head, &response.body, &mut message);
            if let Some(place) = place.filter(|_| !message.data_classes.is_empty()) {
                work.sampling.note(place);
            }
        }
    }
    message
}

fn server_address(exchange: &HttpExchange) -> (Word, Option<u16>) {
    let port = Some(exchange.server.port()).filter(|port| !matches!(port, 0 | 80 | 443));
    (exchange.server.ip().to_string().into(), port)
}

fn started(exchange: &HttpExchange) -> i64 {
    let request = exchange.request.as_deref().map(|request| request.started);
    let response = exchange
        .response
        .as_deref()
        .map(|response| response.started);
    request.or(response).unwrap_or(exchange.reported).nanos()
}

fn latency(request: Option<&Request>, response: Option<&Response>) -> Option<u64> {
    let nanos = response?
        .started
        .nanos()
        .checked_sub(request?.ended.nanos())?;
    u64::try_from(nanos).ok()
}

/// A layer as the record has it. Sessions of subscribers and keys of devices are pseudonyms of
/// persons and would make every record's stack another one: their kind is enough.
fn layer(layer: &Layer) -> String {
    let is_personal = matches!(
        layer,
        Layer::GtpU(_) | Layer::Pppoe(_) | Layer::L2tp(_) | Layer::EspNull(_)
    );
    match layer.number() {
        Some(number) if !is_personal => format!("{}:{number}", layer.name()),
        _ => layer.name().to_owned(),
    }
}

const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::WebSocket => "websocket",
        Protocol::Http2 => "http2",
        Protocol::Grpc => "grpc",
        _ => "http1",
    }
}

const fn part(part: tapscope_http::Part) -> Part {
    match part {
        tapscope_http::Part::Whole => Part::Whole,
        tapscope_http::Part::Opening => Part::Opening,
        tapscope_http::Part::Closing => Part::Closing,
    }
}

const fn certainty(request: &Request) -> u8 {
    match request.certainty {
        Certainty::Exact => 100,
        Certainty::Inferred { percent } => percent,
        _ => 0,
    }
}

fn completeness(exchange: &HttpExchange) -> Completeness {
    let of = |end: Option<BodyEnd>| match end {
        None => MessageCompleteness::Missing,
        Some(BodyEnd::Complete) => MessageCompleteness::Complete,
        Some(BodyEnd::Gap) => MessageCompleteness::Gap,
        Some(BodyEnd::Aborted) => MessageCompleteness::Aborted,
        Some(_) => MessageCompleteness::Open,
    };
    Completeness {
        request: of(exchange.request.as_deref().map(|request| request.body.end)),
        response: of(exchange
            .response
            .as_deref()
            .map(|response| response.body.end)),
        pairing: match exchange.pairing {
            Pairing::Ordered => tapscope_record::Pairing::Ordered,
            Pairing::Acknowledged => tapscope_record::Pairing::Acknowledged,
            Pairing::Supposed => tapscope_record::Pairing::Supposed,
            _ => tapscope_record::Pairing::Unpaired,
        },
    }
}
