//! Every cap and time of this stage, with its reason. All times are packet time.

use crate::UrgentReading;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// What the flow stage may keep and how long it waits.
#[derive(Clone, Debug)]
pub struct FlowSettings {
    /// Connections in the table; a connection without held bytes takes about half a kilobyte here
    /// and up to one in the stage that follows. Above it the least useful one goes: ended first,
    /// then without data, then with data from one side, then the one that was silent longest.
    pub connections_max: usize,
    /// Bytes of connections of which only a handshake was seen, or part of it: some 80 each. A
    /// SYN flood of a million packets a second leaves a handshake 400 ms to complete.
    pub half_open_bytes_max: usize,
    /// Bytes that wait for an earlier hole, in the whole table, bookkeeping included.
    pub held_bytes_max: usize,
    /// Bytes that wait for an earlier hole on one connection: a window of a fast path; more
    /// means that the hole will not fill.
    pub held_bytes_per_connection_max: usize,
    /// Segments that wait for an earlier hole on one side of a connection.
    pub held_segments_max: usize,
    /// How long a hole stays open that the receiver has acknowledged: it has the bytes, so only
    /// a mirror that reorders can still bring them. Mirrors reorder within milliseconds.
    pub hole_grace_nanos: u64,
    /// Bytes of the same side after which an acknowledged hole is given up, however little time has
    /// passed: forty usual segments. It is no count of them, which would give up earlier where they
    /// are small; more would let a fast client's requests outgrow what waits for responses.
    pub hole_grace_bytes: u64,
    /// How long a hole stays open that nobody acknowledged: the packet may have been lost before
    /// the mirror, and the sender repeats it after its retransmission time-out (RFC 6298: 1 s,
    /// doubled once).
    pub hole_unacknowledged_nanos: u64,
    /// A handshake that is never answered: a SYN flood must not fill the table.
    pub half_open_timeout_nanos: u64,
    /// A connection that carries no data: browsers and pools open some ahead of need.
    pub empty_timeout_nanos: u64,
    /// A connection with data that went silent: API clients keep pools open for minutes.
    pub idle_timeout_nanos: u64,
    /// While memory is short: a connection that carries no data. Browsers that open connections
    /// ahead of need use them within seconds.
    pub emergency_empty_timeout_nanos: u64,
    /// While memory is short: a connection with data that went silent. Servers close idle
    /// connections after 5 s (Node.js) to 75 s (nginx) by themselves.
    pub emergency_idle_timeout_nanos: u64,
    /// How long an ended connection stays to swallow late copies of its last segments.
    pub closed_linger_nanos: u64,
    /// How long a reset connection stays, so that data which a mirror delivers after the RST
    /// still counts and late copies are no new connection; as long as an ended one.
    pub reset_linger_nanos: u64,
    /// Two copies of a packet (same IP identification, or same time by the sender's clock) closer
    /// than this come from a mirror that sees the packet twice; a sender repeats itself later.
    pub duplicate_window_nanos: u64,
    /// The same where packets have neither number nor time and took the same way: only a mirror
    /// copies within a fraction of the round trip that a sender takes to repeat itself.
    pub duplicate_window_unnamed_nanos: u64,
    /// Feeds (interface, VLAN, virtual network) counted apart; further ones are counted together.
    /// A trunk has at most 4,094 VLANs, but a person reads tens of rows.
    pub feeds_max: usize,
    /// How far behind its feed's latest packet one may be before the clock counts as having gone
    /// back: queues of a card and merged captures disorder packets by some milliseconds.
    pub clock_disorder_nanos: u64,
    /// How far ahead of its feed's latest packet one may be before the clock counts as having
    /// jumped: a feed may be silent over a weekend.
    pub clock_jump_nanos: u64,
    /// Distance from the expected position up to which a segment belongs to the stream. Windows
    /// in practice stay below 16 MiB.
    pub stray_distance: u64,
    /// Segments beyond `stray_distance` that follow each other before they are taken for a new
    /// connection on the same addresses whose handshake was not captured.
    pub strays_before_reuse: u8,
    /// How the receivers read urgent data.
    pub urgent: UrgentReading,
    /// Connections on the same addresses and ports that go on at once in different VLANs or virtual
    /// networks; each is a look-up more for every segment while there are any.
    pub networks_max: u8,
    /// Distance within which a SYN is taken for a forgery and an RST for genuine, and beyond
    /// which a jump ahead needs more evidence than one segment.
    pub near_distance: u64,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self {
            connections_max: 262_144,
            half_open_bytes_max: 32 << 20,
            held_bytes_max: 64 << 20,
            held_bytes_per_connection_max: 1 << 20,
            held_segments_max: 1024,
            hole_grace_nanos: 200 * MILLISECOND,
            hole_grace_bytes: 64 << 10,
            hole_unacknowledged_nanos: 3 * SECOND,
            half_open_timeout_nanos: 15 * SECOND,
            empty_timeout_nanos: 120 * SECOND,
            idle_timeout_nanos: 600 * SECOND,
            emergency_empty_timeout_nanos: 5 * SECOND,
            emergency_idle_timeout_nanos: 75 * SECOND,
            closed_linger_nanos: 2 * SECOND,
            reset_linger_nanos: 2 * SECOND,
            duplicate_window_nanos: 5 * MILLISECOND,
            duplicate_window_unnamed_nanos: MILLISECOND,
            feeds_max: 256,
            clock_disorder_nanos: 100 * MILLISECOND,
            clock_jump_nanos: 7 * 86_400 * SECOND,
            stray_distance: 16 << 20,
            strays_before_reuse: 3,
            urgent: UrgentReading::OutOfBand,
            networks_max: 4,
            near_distance: 64 << 10,
        }
    }
}
