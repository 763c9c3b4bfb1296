//! Live interfaces through libpcap: TPACKET_V3 rings, drained in batches, receive only.

use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use pcap::{Active, Capture, Precision};
use tapscope_decap::{LinkType, RawPacket, Timestamp};

use crate::filling::Filling;
use crate::passing::wall_clock;
use crate::source::{Batch, CaptureError, PacketSource, SourceStats};
use crate::wait::StopHandle;
use crate::{interface, sys};

/// How to capture; every value has its reason.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// Bytes of kernel ring for each interface. libpcap's default of 2 MiB holds eight blocks and
    /// loses packets in the first burst; 128 MiB hold a second of 1 Gbit/s, with the kernel's own
    /// bytes for each packet. At most 2 GiB.
    pub ring_bytes: u32,
    /// Bytes of a packet to keep. Frames of up to 256 KiB exist where segmentation is offloaded.
    pub snap_len: u32,
    /// Milliseconds after which a ring block that is not full is handed over. 0 would mean never.
    pub block_timeout_ms: u32,
    /// Whether to ask the interface for frames that are not addressed to it (a mirror port's are
    /// not).
    pub promiscuous: bool,
    /// BPF filter in libpcap's syntax; it cannot see inside tunnels.
    pub filter: Option<String>,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            ring_bytes: 128 << 20,
            snap_len: 262_144,
            block_timeout_ms: 50,
            promiscuous: true,
            filter: None,
        }
    }
}

impl LiveSettings {
    /// How long the last packets may wait in a ring block that is not full.
    pub(crate) fn last_block(&self) -> Duration {
        Duration::from_millis(u64::from(self.block_timeout_ms) + 20)
    }

    /// How far time is held back when nothing arrives: packets may still wait in a block that is
    /// not full, and the machine may be late in running us.
    fn idle_lag_nanos(&self) -> i64 {
        i64::from(self.block_timeout_ms) * 2_000_000 + 100_000_000
    }
}

/// Milliseconds to wait for packets before time is told to go on without them.
const IDLE_MS: i32 = 100;

/// Packets taken from one interface before the next one has its turn.
const BATCH_PACKETS: usize = 4096;

/// How long the rings may be emptied after the order to stop; a full ring takes less.
const FINISH_MAX: Duration = Duration::from_secs(5);

/// One or several live interfaces.
pub struct LiveSource {
    handles: Vec<Handle>,
    stop: StopHandle,
    latest: Timestamp,
    last_block: Duration,
    idle_lag_nanos: i64,
}

/// One interface's socket and ring.
pub(crate) struct Handle {
    capture: Capture<Active>,
    link_type: LinkType,
    stats: SourceStats,
    filling: Filling,
    kernel: WideCounter,
    driver: WideCounter,
    /// What the interface had lost before; none for a handle that leaves it to another one.
    interface_drops_at_start: Option<u64>,
    failed: bool,
}

impl LiveSource {
    /// Opens every interface of `names` (`any` is all of them, cooked).
    ///
    /// # Errors
    /// When one of them cannot be opened; none is then left open.
    pub fn open(
        names: &[String],
        settings: &LiveSettings,
        stop: StopHandle,
    ) -> Result<Self, CaptureError> {
        let handles = names
            .iter()
            .map(|name| {
                let mut handle = Handle::open(name, settings, true)?;
                handle.set_filter(settings.filter.as_deref())?;
                Ok(handle)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::of(handles, settings, stop))
    }

    /// A source of handles that are open.
    pub(crate) fn of(handles: Vec<Handle>, settings: &LiveSettings, stop: StopHandle) -> Self {
        Self {
            handles,
            stop,
            latest: Timestamp::default(),
            last_block: settings.last_block(),
            idle_lag_nanos: settings.idle_lag_nanos(),
        }
    }

    /// Takes what the rings still hold after the order to stop: everything captured before it. A
    /// block that is not full is handed over only when its time-out is over, so that long is
    /// waited; on a busy interface packets go on coming, so the first one that is later than the
    /// order ends it.
    fn finish(&mut self, handler: &mut dyn FnMut(RawPacket<'_>)) -> Result<Batch, CaptureError> {
        let ordered = wall_clock();
        let deadline = Instant::now() + FINISH_MAX;
        thread::sleep(self.last_block);
        while self.drain(handler)? > 0 && self.latest < ordered && Instant::now() < deadline {}
        for handle in &mut self.handles {
            handle.read_stats();
            if !handle.failed {
                "finished".clone_into(&mut handle.stats.state);
            }
        }
        Ok(Batch::End)
    }

    fn drain(&mut self, handler: &mut dyn FnMut(RawPacket<'_>)) -> Result<usize, CaptureError> {
        let mut packets = 0;
        let mut last_error = None;
        for (index, handle) in self
            .handles
            .iter_mut()
            .enumerate()
            .filter(|(_, h)| !h.failed)
        {
            let interface = u32::try_from(index).unwrap_or(u32::MAX);
            match handle.drain(interface, &mut self.latest, handler) {
                Ok(count) => packets += count,
                Err(error) => last_error = Some(error),
            }
        }
        match last_error {
            // One interface of several may go away; the source ends with the last of them.
            Some(error) if self.handles.iter().all(|handle| handle.failed) => Err(error),
            _ => Ok(packets),
        }
    }
}

impl PacketSource for LiveSource {
    fn read_batch(
        &mut self,
        handler: &mut dyn FnMut(RawPacket<'_>),
    ) -> Result<Batch, CaptureError> {
        if self.stop.is_ordered() {
            return self.finish(handler);
        }
        let packets = self.drain(handler)?;
        if packets > 0 {
            return Ok(Batch::Packets(packets));
        }
        let fds: Vec<RawFd> = self
            .handles
            .iter()
            .filter(|h| !h.failed)
            .map(|h| h.capture.as_raw_fd())
            .collect();
        self.stop
            .wait(&fds, IDLE_MS)
            .map_err(|error| CaptureError::Interface {
                name: self
                    .handles
                    .first()
                    .map_or_else(String::new, |h| h.stats.name.clone()),
                reason: error.to_string(),
            })?;
        let packets = self.drain(handler)?;
        if packets > 0 {
            return Ok(Batch::Packets(packets));
        }
        Ok(Batch::Idle(
            self.latest.max(wall_clock() - self.idle_lag_nanos),
        ))
    }

    fn is_live(&self) -> bool {
        true
    }

    fn stats(&mut self) -> Vec<SourceStats> {
        self.handles.iter_mut().map(Handle::read_stats).collect()
    }

    fn ring_filled_percent(&self) -> u8 {
        let age = wall_clock().nanos().saturating_sub(self.latest.nanos());
        let filled = self.handles.iter().map(|handle| {
            let bytes = handle.stats.ring_bytes;
            let known = if bytes == 0 {
                handle.stats.ring_bytes_wanted
            } else {
                bytes
            };
            handle.filling.percent(age, known)
        });
        filled.max().unwrap_or(0)
    }
}

impl Handle {
    /// Opens an interface. One handle of each interface is the `first`: it tells the interface's
    /// own counters, which are the same for all.
    pub(crate) fn open(
        name: &str,
        settings: &LiveSettings,
        first: bool,
    ) -> Result<Self, CaptureError> {
        if name != "any" && !Path::new("/sys/class/net").join(name).exists() {
            return Err(CaptureError::NoSuchInterface {
                name: name.to_owned(),
                available: interface::names().join(", "),
            });
        }
        let refused = |error: pcap::Error| open_error(name, &error);
        let capture = Capture::from_device(name)
            .map_err(refused)?
            .snaplen(i32::try_from(settings.snap_len).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(settings.ring_bytes).unwrap_or(i32::MAX))
            .timeout(i32::try_from(settings.block_timeout_ms.max(1)).unwrap_or(i32::MAX))
            // libpcap answers a promiscuous "any" with a warning, which the crate takes for an error.
            .promisc(settings.promiscuous && name != "any")
            .precision(Precision::Nano)
            .open()
            .map_err(refused)?;
        let capture = capture.setnonblock().map_err(refused)?;
        if interface::is_loopback(name) {
            // Every packet would come twice: as it leaves and as it arrives. Where the kernel does
            // not know the option, libpcap leaves the first one out after it took ring space.
            let _ = sys::ignore_outgoing(capture.as_raw_fd());
        }
        let ring_bytes = interface::ring_bytes(capture.as_raw_fd()).unwrap_or(0);
        let link_type = LinkType(capture.get_datalink().0.cast_unsigned());
        Ok(Self {
            capture,
            link_type,
            stats: SourceStats {
                name: name.to_owned(),
                kind: "live",
                state: "running".to_owned(),
                ring_bytes,
                ring_bytes_wanted: u64::from(settings.ring_bytes),
                ..SourceStats::default()
            },
            filling: Filling::default(),
            kernel: WideCounter::default(),
            driver: WideCounter::default(),
            interface_drops_at_start: first.then(|| interface::drops(name)),
            failed: false,
        })
    }

    /// Sets the filter. Without one the kernel copies whole frames whatever the snap length says;
    /// the empty filter accepts all and makes it keep to it.
    pub(crate) fn set_filter(&mut self, filter: Option<&str>) -> Result<(), CaptureError> {
        self.capture
            .filter(filter.unwrap_or(""), true)
            .map_err(|error| CaptureError::BadFilter {
                name: self.stats.name.clone(),
                reason: error.to_string(),
            })
    }

    /// The socket.
    pub(crate) fn fd(&self) -> RawFd {
        self.capture.as_raw_fd()
    }

    /// Throws away what the ring holds, as it came before there was a filter.
    pub(crate) fn discard(&mut self) {
        while matches!(self.capture.dispatch(Some(BATCH_PACKETS), |_| {}), Ok(1..)) {}
    }

    fn drain(
        &mut self,
        interface: u32,
        latest: &mut Timestamp,
        handler: &mut dyn FnMut(RawPacket<'_>),
    ) -> Result<usize, CaptureError> {
        let Self {
            capture,
            link_type,
            stats,
            filling,
            ..
        } = self;
        let result = capture.dispatch(Some(BATCH_PACKETS), |packet| {
            // With Precision::Nano the field named tv_usec holds nanoseconds.
            let timestamp = Timestamp::from_nanos(
                packet.header.ts.tv_sec * 1_000_000_000 + packet.header.ts.tv_usec,
            );
            *latest = timestamp.max(*latest);
            stats.packets += 1;
            stats.bytes += packet.data.len() as u64;
            filling.handle_packet(packet.data.len());
            handler(RawPacket {
                timestamp,
                link_type: *link_type,
                interface,
                wire_len: packet.header.len,
                data: packet.data,
            });
        });
        stats.ring_reads += 1;
        match result {
            Ok(count) => {
                let is_behind = count >= BATCH_PACKETS;
                stats.ring_reads_behind += u64::from(is_behind);
                filling.handle_read(*latest, is_behind);
                Ok(count)
            }
            Err(pcap::Error::NoMorePackets | pcap::Error::TimeoutExpired) => Ok(0),
            Err(error) => {
                self.failed = true;
                let error = CaptureError::Interface {
                    name: self.stats.name.clone(),
                    reason: error.to_string(),
                };
                self.stats.state = error.to_string();
                Err(error)
            }
        }
    }

    fn read_stats(&mut self) -> SourceStats {
        if !self.failed
            && let Ok(stat) = self.capture.stats()
        {
            self.stats.dropped_kernel = self.kernel.widen(stat.dropped);
            let driver = self.driver.widen(stat.if_dropped);
            if let Some(at_start) = self.interface_drops_at_start {
                let interface = interface::drops(&self.stats.name).saturating_sub(at_start);
                self.stats.dropped_interface = driver.max(interface);
            }
        }
        self.stats.clone()
    }
}

/// Widens a counter of 32 bits that wraps, as long as it is read once a wrap.
#[derive(Debug, Default)]
struct WideCounter {
    last: u32,
    total: u64,
}

impl WideCounter {
    fn widen(&mut self, now: u32) -> u64 {
        self.total += u64::from(now.wrapping_sub(self.last));
        self.last = now;
        self.total
    }
}

fn open_error(name: &str, error: &pcap::Error) -> CaptureError {
    let reason = error.to_string();
    let lower = reason.to_ascii_lowercase();
    if lower.contains("permission") || lower.contains("not permitted") {
        CaptureError::NotPermitted {
            name: name.to_owned(),
        }
    } else {
        CaptureError::Interface {
            name: name.to_owned(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_counter_survives_wraps() {
        let mut counter = WideCounter::default();
        assert_eq!(counter.widen(u32::MAX - 1), u64::from(u32::MAX) - 1);
        assert_eq!(counter.widen(3), u64::from(u32::MAX) + 4);
        assert_eq!(counter.widen(3), u64::from(u32::MAX) + 4);
    }

    #[test]
    fn missing_interface_names_the_ones_there_are() {
        let stop = StopHandle::new().unwrap();
        let error = LiveSource::open(&["nosuch0".to_owned()], &LiveSettings::default(), stop)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.starts_with("nosuch0: no such interface; there are:"),
            "{error}"
        );
        assert!(error.contains("lo"), "{error}");
    }
}
