//! pcap-over-IP: a capture as a stream over TCP, as decrypting proxies and remote captures offer
//! it. A client that only listens: it connects and reads, and never writes a byte.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use tapscope_decap::{RawPacket, Timestamp};

use crate::file::FileSource;
use crate::source::{Batch, CaptureError, PacketSource, SourceStats};
use crate::wait::StopHandle;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait before the second attempt; doubled with each, up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(250);

/// Longest wait: whoever starts the other side need not wait for a minute.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// How often the order to stop is looked at while waiting.
const TURN_MS: i32 = 100;

/// Connects once and reads the stream to its end.
///
/// # Errors
/// When there is no connection, or no capture in it.
pub fn connect(address: &str, stop: &StopHandle) -> Result<FileSource, CaptureError> {
    let name = format!("tcp://{address}");
    let stream = open(address).map_err(|error| CaptureError::Unreadable {
        name: name.clone(),
        reason: format!("{error}; is a pcap-over-IP server listening there?"),
    })?;
    FileSource::arriving(&name, "pcap-over-ip", stream, stop.clone())
}

fn open(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::other("no such address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A stream that is taken up again whenever it ends.
pub struct TcpSource {
    address: String,
    stop: StopHandle,
    current: Option<FileSource>,
    /// What earlier connections brought, and how it stands.
    stats: SourceStats,
    wait: Duration,
    next: Instant,
    latest: Timestamp,
}

impl TcpSource {
    /// A source that begins to connect when it is read.
    #[must_use]
    pub fn new(address: &str, stop: StopHandle) -> Self {
        Self {
            address: address.to_owned(),
            stop,
            current: None,
            stats: SourceStats {
                name: format!("tcp://{address}"),
                kind: "pcap-over-ip",
                state: "connecting".to_owned(),
                ..SourceStats::default()
            },
            wait: WAIT_MIN,
            next: Instant::now(),
            latest: Timestamp::default(),
        }
    }

    /// Gives up the connection; the next attempt is a while off, longer after each that brought
    /// nothing.
    fn retry(&mut self, reason: &str) {
        if let Some(mut ended) = self.current.take() {
            for stats in ended.stats() {
                self.stats.packets += stats.packets;
                self.stats.bytes += stats.bytes;
                if stats.packets > 0 {
                    self.wait = WAIT_MIN;
                }
            }
        }
        self.stats.state = format!("connecting again: {reason}");
        self.next = Instant::now() + self.wait;
        self.wait = (self.wait * 2).min(WAIT_MAX);
    }

    fn idle(&self) -> Result<Batch, CaptureError> {
        let waited = self.stop.wait_for_order(TURN_MS);
        waited.map_err(|error| CaptureError::Unreadable {
            name: self.stats.name.clone(),
            reason: error.to_string(),
        })?;
        Ok(Batch::Idle(self.latest))
    }
}

impl PacketSource for TcpSource {
    fn read_batch(
        &mut self,
        handler: &mut dyn FnMut(RawPacket<'_>),
    ) -> Result<Batch, CaptureError> {
        if self.current.is_none() {
            if self.stop.is_ordered() {
                "finished".clone_into(&mut self.stats.state);
                return Ok(Batch::End);
            }
            if Instant::now() < self.next {
                return self.idle();
            }
            match connect(&self.address, &self.stop) {
                Ok(source) => {
                    "running".clone_into(&mut self.stats.state);
                    self.current = Some(source);
                }
                Err(error) => {
                    self.retry(&error.to_string());
                    return self.idle();
                }
            }
        }
        let Some(source) = &mut self.current else {
            return self.idle();
        };
        let latest = &mut self.latest;
        let read = source.read_batch(&mut |packet| {
            *latest = packet.timestamp.max(*latest);
            handler(packet);
        });
        match read {
            Ok(Batch::Idle(now)) => {
                *latest = now.max(*latest);
                Ok(Batch::Idle(*latest))
            }
            Ok(Batch::End) => {
                self.retry("the stream ended");
                self.idle()
            }
            // The stream is damaged or was cut off; the next one begins with its own header.
            Err(error) => {
                self.retry(&error.to_string());
                self.idle()
            }
            packets => packets,
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn stats(&mut self) -> Vec<SourceStats> {
        let mut sum = self.stats.clone();
        for stats in self.current.iter_mut().flat_map(PacketSource::stats) {
            sum.packets += stats.packets;
            sum.bytes += stats.bytes;
        }
        vec![sum]
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A capture of one packet, its time in seconds.
    fn capture(second: u32) -> Vec<u8> {
        let words = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101];
        let packet = [second, 0, 4, 4];
        let bytes = words
            .iter()
            .chain(&packet)
            .flat_map(|word| word.to_le_bytes());
        bytes.chain(*b"data").collect()
    }

    #[test]
    fn a_stream_that_ends_is_taken_up_again_and_never_written_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let mut written = 0;
            for second in [5, 6] {
                let (mut stream, _) = listener.accept().unwrap();
                stream.write_all(&capture(second)).unwrap();
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                written += stream.read_to_end(&mut Vec::new()).unwrap();
            }
            written
        });
        let stop = StopHandle::new().unwrap();
        let mut source = TcpSource::new(&address, stop.clone());
        let mut times = Vec::new();
        while times.len() < 2 {
            let batch = source.read_batch(&mut |packet| times.push(packet.timestamp.nanos()));
            assert_ne!(batch.unwrap(), Batch::End);
        }
        assert_eq!(times, [5_000_000_000, 6_000_000_000]);
        assert_eq!(source.stats()[0].packets, 2);
        stop.stop();
        while source.read_batch(&mut |_| {}).unwrap() != Batch::End {}
        assert_eq!(source.stats()[0].state, "finished");
        drop(source);
        assert_eq!(server.join().unwrap(), 0);
    }

    #[test]
    fn nobody_there_is_told_and_tried_again() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let stop = StopHandle::new().unwrap();
        let error = connect(&address, &stop).err().unwrap().to_string();
        assert!(error.contains("pcap-over-IP"), "{error}");
        let mut source = TcpSource::new(&address, stop);
        assert!(matches!(
            source.read_batch(&mut |_| {}).unwrap(),
            Batch::Idle(_)
        ));
        assert!(source.stats()[0].state.starts_with("connecting again"));
    }
}
