//! Every cap of the API, with its reason.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;

use tapscope_analyzer::DriftPolicy;

/// Settings; the defaults are what is recommended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiSettings {
    /// Where to listen. Loopback, because there are no user accounts yet: whoever reaches the
    /// port may read the inventory and decide on findings.
    pub listen: SocketAddr,
    /// Whether listening beyond loopback is allowed. Off: it must be a decision, taken together
    /// with a reverse proxy that authenticates, or a network that only operators reach.
    pub allow_remote: bool,
    /// Names, besides `localhost` and the listen address, that the Host header may carry. A name
    /// that is not listed is refused, so that a web site cannot point its own name at this
    /// server and read it through an operator's browser (DNS rebinding).
    pub allowed_hosts: Vec<String>,
    /// When a difference between specification and traffic is told.
    pub drift: DriftPolicy,
    /// Rows of a page when the request names no limit: what a screen or two can show.
    pub page_default: usize,
    /// Rows of a page at most: a page is built in memory, about a kilobyte a row.
    pub page_max: usize,
    /// Bytes of a request body at most. The only bodies besides specifications are decisions of a
    /// few hundred bytes.
    pub body_bytes_max: usize,
    /// Bytes of a specification at most. The largest public OpenAPI documents are about 10 MiB.
    pub specification_bytes_max: usize,
    /// Characters of a comment on a decision at most: a paragraph, kept in the store for good.
    pub comment_chars_max: usize,
    /// Characters of a query string at most; leaves room for every filter and a cursor.
    pub query_chars_max: usize,
    /// Event streams open at the same time at most: each holds a connection and a task. Some
    /// dozen open pages are usual at most.
    pub event_streams_max: usize,
    /// Changes held for an event stream that is behind, at most; beyond it the client is told to
    /// read again. One change a second is usual, so this is a minute of stillness.
    pub event_backlog_max: usize,
    /// Endpoints or findings told by one tick of an event stream at most; beyond it the client is
    /// told to read again, which costs it one page instead of thousands of events.
    pub event_rows_max: usize,
    /// Time between two ticks of an event stream: twice a second looks live and keeps a page's
    /// work small.
    pub event_interval: Duration,
    /// Time between two heartbeat comments: shorter than the idle timeout of usual proxies (60 s).
    pub heartbeat_interval: Duration,
    /// Time given to open requests when the server stops; then they are cut.
    pub shutdown_timeout: Duration,
    /// Commands that wait for the engine at most; beyond it a request waits for its turn.
    pub commands_max: usize,
    /// Time a request waits for the engine at most: the engine answers between two batches of
    /// records, within milliseconds; longer means that it is stuck.
    pub command_timeout: Duration,
    /// Minutes of a history at most: a week. More is asked for in spans.
    pub history_minutes_max: usize,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787),
            allow_remote: false,
            allowed_hosts: Vec::new(),
            drift: DriftPolicy::default(),
            page_default: 100,
            page_max: 500,
            body_bytes_max: 64 << 10,
            specification_bytes_max: 16 << 20,
            comment_chars_max: 2_000,
            query_chars_max: 16 << 10,
            event_streams_max: 64,
            event_backlog_max: 64,
            event_rows_max: 100,
            event_interval: Duration::from_millis(500),
            heartbeat_interval: Duration::from_secs(15),
            shutdown_timeout: Duration::from_secs(3),
            commands_max: 64,
            command_timeout: Duration::from_secs(30),
            history_minutes_max: 7 * 24 * 60,
        }
    }
}

impl ApiSettings {
    /// Checks that listening on `address` is allowed.
    ///
    /// # Errors
    /// When it is beyond loopback and [`Self::allow_remote`] is not set.
    pub fn check_listen(&self, address: SocketAddr) -> io::Result<()> {
        if self.allow_remote || address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{address} is reachable from other machines and there are no user accounts yet; \
                 listen on 127.0.0.1, or set allow_remote and put an authenticating proxy before it"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_beyond_loopback_must_be_allowed() {
        let closed = ApiSettings::default();
        let open = ApiSettings {
            allow_remote: true,
            ..ApiSettings::default()
        };
        for (address, loopback) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(closed.check_listen(address).is_ok(), loopback, "{address}");
            assert!(open.check_listen(address).is_ok());
        }
    }
}
