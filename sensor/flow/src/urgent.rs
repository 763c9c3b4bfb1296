//! Urgent data (RFC 9293 section 3.8.5, RFC 6093): which octet of a stream the urgent pointer means,
//! and what receivers make of it.
//!
//! Almost every receiver takes the octet before the one that the pointer names out of the stream,
//! one octet whatever the sender meant; RFC 1122 says another octet, and an application can ask
//! for it in line (`SO_OOBINLINE`). Whoever reads the stream in another way than the receiver
//! reads another message, so the reading is a setting, and each octet that readings part on is
//! told.
//!
//! A receiver remembers one urgent octet: a later one takes the place of one that was not reached
//! yet, which then is a part of the stream like others; an earlier one is ignored. Pointers count
//! in the order of the stream, so that the order in which a mirror delivers changes nothing.

/// How the receivers behind a feed read urgent data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UrgentReading {
    /// The octet before the one that the pointer names is no part of the stream: Linux, Windows,
    /// macOS and the BSDs, unless the application asks for something else. With a pointer of 0 it
    /// is the first octet of the segment, as in Linux.
    #[default]
    OutOfBand,
    /// The octet that the pointer names is no part of the stream: RFC 1122, and Linux with
    /// `tcp_stdurg`.
    OutOfBandAtPointer,
    /// It is a part of the stream like every other: `SO_OOBINLINE`, and most middleboxes.
    InLine,
}

impl UrgentReading {
    /// The octet that a pointer means, counted from the sequence number of its segment.
    pub(crate) const fn octet(self, pointer: u16) -> u16 {
        match self {
            Self::OutOfBand | Self::InLine => pointer.saturating_sub(1),
            Self::OutOfBandAtPointer => pointer,
        }
    }

    /// Whether urgent octets are taken out of the stream.
    pub(crate) const fn takes_out(self) -> bool {
        !matches!(self, Self::InLine)
    }
}
