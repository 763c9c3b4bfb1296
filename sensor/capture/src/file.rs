//! Capture files and streams: pcap (either byte order, micro- and nanoseconds) and pcapng
//! (several interfaces and sections), plain, gzip or zstd, from a file or standard input.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pcap_parser::pcapng::Block;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{
    InterfaceDescriptionBlock, LegacyPcapReader, PcapBlockOwned, PcapError, PcapHeader,
    PcapNGReader,
};
use tapscope_decap::{LinkType, RawPacket, Timestamp};

use crate::arriving::{Arriving, Patience};
use crate::passing::Passing;
use crate::source::{Batch, CaptureError, PacketSource, SourceStats};
use crate::wait::StopHandle;

/// Bytes of the read buffer to start with: large enough that refills are rare, small enough that
/// what was read is still in the processor's nearer caches when it is looked at.
const BUFFER_BYTES: usize = 64 << 10;

/// A section header of pcapng that is longer is none.
const SECTION_BYTES_MAX: usize = 1 << 20;

/// Bytes to which the buffer may grow for one block: a packet of the largest snap length anybody
/// uses (256 KiB) with options fits many times.
const BUFFER_BYTES_MAX: usize = 16 << 20;

/// Packets handed out in one batch, so that a caller can look around between batches.
const BATCH_PACKETS: usize = 1024;

/// A capture file or stream.
pub struct FileSource {
    stats: SourceStats,
    reader: Box<dyn PcapReaderIterator + Send>,
    format: Format,
    read: Arc<AtomicU64>,
    size: Option<u64>,
    ended: bool,
    /// Set when the bytes arrive as packets are captured.
    arrival: Option<Arrival>,
}

/// What is kept of a source whose bytes arrive.
struct Arrival {
    patience: Patience,
    passing: Passing,
    stop: StopHandle,
}

/// What the blocks' fields mean, as the header or the section told.
enum Format {
    Pcap {
        link_type: LinkType,
        nanoseconds: bool,
    },
    PcapNg {
        interfaces: Vec<Interface>,
        last: Timestamp,
    },
}

struct Interface {
    link_type: LinkType,
    snap_len: u32,
    units_per_second: u64,
    offset_seconds: i64,
}

impl FileSource {
    /// Opens a capture file; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be read or is no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        if path.as_os_str() == "-" {
            return Self::from_reader("-", Box::new(io::stdin()), None);
        }
        let name = path.display().to_string();
        let unreadable = |error: io::Error| CaptureError::Unreadable {
            name: name.clone(),
            reason: error.to_string(),
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(CaptureError::Unreadable {
                name,
                reason: "is a directory".to_owned(),
            });
        }
        let size = metadata.is_file().then_some(metadata.len());
        Self::from_reader(&name, Box::new(file), size)
    }

    /// Reads a capture from a stream; `size` in bytes, when known, is for progress only.
    ///
    /// # Errors
    /// When it cannot be read or is no capture.
    pub fn from_reader(
        name: &str,
        input: Box<dyn Read + Send>,
        size: Option<u64>,
    ) -> Result<Self, CaptureError> {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            inner: input,
            read: Arc::clone(&read),
        };
        let (reader, format) = open_format(name, decompressed(name, Box::new(counted))?)?;
        Ok(Self {
            stats: SourceStats {
                name: name.to_owned(),
                kind: "file",
                state: "running".to_owned(),
                ..SourceStats::default()
            },
            reader,
            format,
            read,
            size,
            ended: false,
            arrival: None,
        })
    }

    /// Reads a capture from a pipe or socket whose other end may still be capturing: hands out
    /// packets as they come, and lets time pass while none do. Waits for the capture's header.
    ///
    /// # Errors
    /// When it cannot be read or is no capture.
    pub fn arriving(
        name: &str,
        kind: &'static str,
        input: impl Read + Send + 'static,
        stop: StopHandle,
    ) -> Result<Self, CaptureError> {
        let input = Arriving::new(input, stop.clone());
        let patience = input.patience();
        let mut source = Self::from_reader(name, Box::new(input), None)?;
        source.stats.kind = kind;
        patience.end();
        source.arrival = Some(Arrival {
            patience,
            passing: Passing::default(),
            stop,
        });
        Ok(source)
    }

    /// Whether nothing more is to be had for now, though the input is not at its end.
    fn must_wait(&self) -> bool {
        let arrival = self.arrival.as_ref();
        arrival.is_some_and(|arrival| arrival.patience.was_empty())
    }

    /// Whether the input was cut off by the order to stop.
    fn is_stopped(&self) -> bool {
        let arrival = self.arrival.as_ref();
        arrival.is_some_and(|arrival| arrival.stop.is_ordered())
    }

    fn fail(&mut self, error: CaptureError) -> CaptureError {
        self.ended = true;
        self.stats.state = error.to_string();
        error
    }

    fn damaged(&self, reason: &str) -> CaptureError {
        CaptureError::Damaged {
            name: self.stats.name.clone(),
            packets: self.stats.packets,
            reason: reason.to_owned(),
        }
    }

    /// Makes room for and reads more bytes after the reader said that a block is incomplete.
    fn refill(&mut self, too_small: bool) -> Result<(), CaptureError> {
        if too_small {
            let wanted = self.reader.data().len().max(BUFFER_BYTES).saturating_mul(2);
            if wanted > BUFFER_BYTES_MAX || !self.reader.grow(wanted) {
                return Err(self.damaged("a block is larger than any packet"));
            }
        }
        match self.reader.refill() {
            Ok(()) => Ok(()),
            Err(_) => Err(CaptureError::Unreadable {
                name: self.stats.name.clone(),
                reason: format!(
                    "the input ended with an error after {} packets (a damaged compressed file \
                     or a read error); everything before it was used",
                    self.stats.packets
                ),
            }),
        }
    }
}

/// What to do after one step of the block reader; taken out of the loop's match so that the
/// reader is free to be used again.
enum Step {
    Consumed(usize),
    Refill { too_small: bool },
    Truncated,
    Damaged(String),
    End,
}

impl PacketSource for FileSource {
    fn read_batch(
        &mut self,
        handler: &mut dyn FnMut(RawPacket<'_>),
    ) -> Result<Batch, CaptureError> {
        if self.ended {
            return Ok(Batch::End);
        }
        let before = self.stats.packets;
        let mut packets = 0;
        while packets < BATCH_PACKETS {
            let step = match self.reader.next() {
                Ok((offset, block)) => {
                    if let Some(packet) = packet_of(&mut self.format, &block) {
                        if let Some(arrival) = &mut self.arrival {
                            arrival.passing.packet(packet.timestamp);
                        }
                        self.stats.packets += 1;
                        self.stats.bytes += packet.data.len() as u64;
                        packets += 1;
                        handler(packet);
                    }
                    Step::Consumed(offset)
                }
                Err(PcapError::Eof) => Step::End,
                Err(PcapError::Incomplete(_)) => Step::Refill { too_small: false },
                Err(PcapError::BufferTooSmall) => Step::Refill { too_small: true },
                Err(PcapError::UnexpectedEof) => Step::Truncated,
                Err(error) => Step::Damaged(kind_of(&error)),
            };
            match step {
                // What is left is moved once, when more is read, and not each time half the
                // buffer is used up.
                Step::Consumed(offset) => self.reader.consume_noshift(offset),
                Step::Refill { too_small } => {
                    if let Err(error) = self.refill(too_small) {
                        if self.must_wait() {
                            break;
                        }
                        return Err(self.fail(error));
                    }
                }
                Step::Truncated if self.is_stopped() => {
                    self.ended = true;
                    "finished".clone_into(&mut self.stats.state);
                    break;
                }
                Step::Truncated => {
                    let error = CaptureError::Truncated {
                        name: self.stats.name.clone(),
                        packets: self.stats.packets,
                    };
                    return Err(self.fail(error));
                }
                Step::Damaged(reason) => {
                    let error = self.damaged(&reason);
                    return Err(self.fail(error));
                }
                Step::End => {
                    self.ended = true;
                    "finished".clone_into(&mut self.stats.state);
                    break;
                }
            }
        }
        let handed_out = self.stats.packets - before;
        if handed_out == 0 && self.ended {
            return Ok(Batch::End);
        }
        if let Some(arrival) = self.arrival.as_ref().filter(|_| handed_out == 0) {
            return Ok(Batch::Idle(arrival.passing.now()));
        }
        Ok(Batch::Packets(
            usize::try_from(handed_out).unwrap_or(usize::MAX),
        ))
    }

    fn stats(&mut self) -> Vec<SourceStats> {
        vec![self.stats.clone()]
    }

    fn is_live(&self) -> bool {
        self.arrival.is_some()
    }

    fn progress(&self) -> Option<(u64, u64)> {
        self.size
            .map(|size| (self.read.load(Ordering::Relaxed), size))
    }
}

/// The packet of a block; also takes in what header and interface blocks say.
fn packet_of<'a>(format: &mut Format, block: &'a PcapBlockOwned<'a>) -> Option<RawPacket<'a>> {
    match (format, block) {
        (
            Format::Pcap {
                link_type,
                nanoseconds,
            },
            PcapBlockOwned::Legacy(packet),
        ) => {
            let fraction = i64::from(packet.ts_usec) * if *nanoseconds { 1 } else { 1_000 };
            Some(RawPacket {
                timestamp: Timestamp::from_nanos(
                    i64::from(packet.ts_sec) * 1_000_000_000 + fraction,
                ),
                link_type: *link_type,
                interface: 0,
                wire_len: packet.origlen,
                data: packet.data,
            })
        }
        (Format::PcapNg { interfaces, last }, PcapBlockOwned::NG(block)) => {
            packet_of_pcapng(interfaces, last, block)
        }
        _ => None,
    }
}

fn packet_of_pcapng<'a>(
    interfaces: &mut Vec<Interface>,
    last: &mut Timestamp,
    block: &'a Block<'a>,
) -> Option<RawPacket<'a>> {
    match block {
        Block::SectionHeader(_) => interfaces.clear(),
        Block::InterfaceDescription(description) => interfaces.push(interface_of(description)),
        Block::EnhancedPacket(packet) => {
            let interface = interfaces.get(packet.if_id as usize)?;
            let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            *last = interface.time(units);
            let captured = packet
                .data
                .get(..packet.caplen as usize)
                .unwrap_or(packet.data);
            return Some(RawPacket {
                timestamp: *last,
                link_type: interface.link_type,
                interface: packet.if_id,
                wire_len: packet.origlen,
                data: captured,
            });
        }
        // A simple packet has no time of its own: it takes that of the packet before it.
        Block::SimplePacket(packet) => {
            let interface = interfaces.first()?;
            let limit = match interface.snap_len {
                0 => packet.origlen,
                snap_len => packet.origlen.min(snap_len),
            };
            let captured = packet.data.get(..limit as usize).unwrap_or(packet.data);
            return Some(RawPacket {
                timestamp: *last,
                link_type: interface.link_type,
                interface: 0,
                wire_len: packet.origlen,
                data: captured,
            });
        }
        _ => {}
    }
    None
}

fn interface_of(description: &InterfaceDescriptionBlock<'_>) -> Interface {
    Interface {
        link_type: LinkType(description.linktype.0.cast_unsigned() & 0xffff),
        snap_len: description.snaplen,
        units_per_second: description
            .ts_resolution()
            .filter(|&units| units > 0)
            .unwrap_or(1_000_000),
        offset_seconds: description.ts_offset(),
    }
}

impl Interface {
    fn time(&self, units: u64) -> Timestamp {
        let seconds = units / self.units_per_second;
        let fraction = u128::from(units % self.units_per_second) * 1_000_000_000
            / u128::from(self.units_per_second);
        let seconds = i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_add(self.offset_seconds);
        let fraction = i64::try_from(fraction).unwrap_or(0);
        Timestamp::from_nanos(
            seconds
                .saturating_mul(1_000_000_000)
                .saturating_add(fraction),
        )
    }
}

fn kind_of<I>(error: &PcapError<I>) -> String {
    match error {
        PcapError::ReadError => "the input cannot be read".to_owned(),
        PcapError::HeaderNotRecognized => "a section's header is not recognised".to_owned(),
        _ => "a block's fields contradict each other".to_owned(),
    }
}

/// The input as a capture, whatever it is compressed with (gzip and zstd are told by content).
fn decompressed(
    name: &str,
    mut input: Box<dyn Read + Send>,
) -> Result<Box<dyn Read + Send>, CaptureError> {
    let start = read_start(name, &mut input, 4)?;
    let whole = Box::new(Cursor::new(start.clone()).chain(input));
    Ok(match start.get(..4) {
        Some([0x1f, 0x8b, ..]) => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Some([0x28, 0xb5, 0x2f, 0xfd]) => {
            let decoder = zstd::stream::read::Decoder::new(whole).map_err(|error| {
                CaptureError::Unreadable {
                    name: name.to_owned(),
                    reason: error.to_string(),
                }
            })?;
            Box::new(decoder)
        }
        _ => whole,
    })
}

/// The block reader for the format the first bytes name. The reader wants its whole first block
/// in its first read, so that much is read ahead.
fn open_format(
    name: &str,
    mut input: Box<dyn Read + Send>,
) -> Result<(Box<dyn PcapReaderIterator + Send>, Format), CaptureError> {
    let not_a_capture = || CaptureError::NotACapture {
        name: name.to_owned(),
    };
    let mut start = read_start(name, &mut input, 24)?;
    let (Some(&magic), Some(&length), Some(&order)) = (
        start.first_chunk::<4>(),
        start[..].get(4..8).and_then(|b| b.first_chunk::<4>()),
        start.get(8..12).and_then(|b| b.first_chunk::<4>()),
    ) else {
        return Err(not_a_capture());
    };
    if magic == [0x0a, 0x0d, 0x0d, 0x0a] {
        let length = match order {
            [0x4d, 0x3c, 0x2b, 0x1a] => u32::from_le_bytes(length),
            [0x1a, 0x2b, 0x3c, 0x4d] => u32::from_be_bytes(length),
            _ => return Err(not_a_capture()),
        } as usize;
        if !(28..SECTION_BYTES_MAX).contains(&length) {
            return Err(not_a_capture());
        }
        let rest = read_start(name, &mut input, length.saturating_sub(start.len()))?;
        start.extend_from_slice(&rest);
        let reader = PcapNGReader::new(BUFFER_BYTES, Cursor::new(start).chain(input))
            .map_err(|_| not_a_capture())?;
        let format = Format::PcapNg {
            interfaces: Vec::new(),
            last: Timestamp::default(),
        };
        return Ok((Box::new(reader), format));
    }
    let (_, header) = pcap_parser::parse_pcap_header(&start).map_err(|_| not_a_capture())?;
    let format = format_of(&header);
    let reader = LegacyPcapReader::new(BUFFER_BYTES, Cursor::new(start).chain(input))
        .map_err(|_| not_a_capture())?;
    Ok((Box::new(reader), format))
}

fn format_of(header: &PcapHeader) -> Format {
    Format::Pcap {
        // The upper bits say how long a frame check sequence is; the type is in the lower 16.
        link_type: LinkType(header.network.0.cast_unsigned() & 0xffff),
        nanoseconds: header.is_nanosecond_precision(),
    }
}

/// Reads `len` bytes, or what there is.
fn read_start(name: &str, input: &mut dyn Read, len: usize) -> Result<Vec<u8>, CaptureError> {
    let mut start = Vec::with_capacity(len);
    match input.take(len as u64).read_to_end(&mut start) {
        Ok(_) => Ok(start),
        Err(error) => Err(CaptureError::Unreadable {
            name: name.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// Counts the bytes that were read, before decompression.
struct Counted {
    inner: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const DATA: &[u8] = b"\x45 not looked at here";

    fn pcap(big_endian: bool, nanoseconds: bool) -> Vec<u8> {
        let u32 = |v: u32| {
            if big_endian {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        };
        let u16 = |v: u16| {
            if big_endian {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        };
        let mut file = u32(if nanoseconds {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        })
        .to_vec();
        file.extend([u16(2), u16(4)].concat());
        file.extend([u32(0), u32(0), u32(65_535), u32(101)].concat());
        for second in 0..3 {
            file.extend([u32(second), u32(7), u32(DATA.len() as u32), u32(1_500)].concat());
            file.extend(DATA);
        }
        file
    }

    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let length = (12 + body.len()) as u32;
        [
            &kind.to_le_bytes()[..],
            &length.to_le_bytes(),
            body,
            &length.to_le_bytes(),
        ]
        .concat()
    }

    fn interface(link_type: u16, options: &[u8]) -> Vec<u8> {
        let head = [link_type.to_le_bytes(), [0, 0]].concat();
        block(1, &[&head[..], &0_u32.to_le_bytes(), options].concat())
    }

    fn enhanced(interface: u32, units: u64, data: &[u8]) -> Vec<u8> {
        let mut body = interface.to_le_bytes().to_vec();
        body.extend(((units >> 32) as u32).to_le_bytes());
        body.extend((units as u32).to_le_bytes());
        body.extend([(data.len() as u32).to_le_bytes(); 2].concat());
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        block(6, &body)
    }

    fn pcapng() -> Vec<u8> {
        let section = [
            &0x1a2b_3c4d_u32.to_le_bytes()[..],
            &[1, 0, 0, 0],
            &[0xff; 8],
        ]
        .concat();
        let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        [
            block(0x0a0d_0d0a, &section),
            interface(1, &[]),
            interface(101, &nanoseconds),
            enhanced(1, 5_000_000_009, DATA),
            enhanced(0, 6_000_001, DATA),
        ]
        .concat()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// Every packet as `nanoseconds link-type interface captured/wire`, then how it ended.
    fn read(input: Vec<u8>) -> Vec<String> {
        let mut source = match FileSource::from_reader("x", Box::new(Cursor::new(input)), None) {
            Ok(source) => source,
            Err(error) => return vec![error.to_string()],
        };
        let mut seen = Vec::new();
        loop {
            match source.read_batch(&mut |p| {
                seen.push(format!(
                    "{} {} {} {}/{}",
                    p.timestamp.nanos(),
                    p.link_type.0,
                    p.interface,
                    p.data.len(),
                    p.wire_len
                ));
            }) {
                Ok(Batch::End) => return seen,
                Ok(_) => {}
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }

    #[test]
    fn pcap_in_either_byte_order_and_precision() {
        for big_endian in [false, true] {
            for (nanoseconds, unit) in [(false, 1_000), (true, 1)] {
                let expected: Vec<String> = (0..3_i64)
                    .map(|s| format!("{} 101 0 20/1500", s * 1_000_000_000 + 7 * unit))
                    .collect();
                assert_eq!(read(pcap(big_endian, nanoseconds)), expected);
            }
        }
    }

    #[test]
    fn pcapng_keeps_each_interface_and_its_resolution() {
        assert_eq!(
            read(pcapng()),
            ["5000000009 101 1 20/20", "6000001000 1 0 20/20"]
        );
    }

    #[test]
    fn compressed_captures_are_told_by_content() {
        assert_eq!(read(gzip(&pcap(false, false))), read(pcap(false, false)));
        let zstd = zstd::encode_all(&pcapng()[..], 1).unwrap();
        assert_eq!(read(zstd), read(pcapng()));
    }

    #[test]
    fn truncated_file_gives_what_it_holds_and_says_so() {
        let mut file = pcap(false, false);
        file.truncate(file.len() - 3);
        let seen = read(file);
        assert_eq!(seen.len(), 3);
        assert!(
            seen[2].starts_with("x: truncated after 2 packets"),
            "{}",
            seen[2]
        );
    }

    #[test]
    fn truncated_gzip_gives_what_it_holds_and_says_so() {
        let mut file = gzip(&pcap(false, false));
        file.truncate(file.len() - 12);
        let seen = read(file);
        assert!(
            seen.last()
                .unwrap()
                .contains("everything before it was used"),
            "{seen:?}"
        );
    }

    #[test]
    fn other_files_are_refused_in_one_line() {
        for input in [
            &b""[..],
            b"GET / HTTP/1.1",
            &[0x0a, 0x0d, 0x0d, 0x0a, 1, 2],
            &[0; 64],
        ] {
            let seen = read(input.to_vec());
            assert_eq!(seen.len(), 1);
            assert!(seen[0].starts_with("x: not a capture"), "{}", seen[0]);
        }
    }

    #[test]
    fn absurd_packet_length_ends_the_file_without_allocating_it() {
        let mut file = pcap(false, false);
        file[24 + 8..24 + 12].copy_from_slice(&u32::MAX.to_le_bytes());
        file.resize(40 << 20, 0);
        let seen = read(file);
        assert!(
            seen[0].contains("a block is larger than any packet"),
            "{seen:?}"
        );
    }
}
