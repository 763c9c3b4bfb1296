//! Waiting for packets on several interfaces at once, and the order to stop.
//!
//! The read timeout of TPACKET_V3 starts with the first packet: on a quiet interface a blocking
//! read never returns. So the handles do not block, and poll(2) waits for all of them and for the
//! order to stop.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys;

/// Orders a source to stop, from any thread or a signal handler's thread.
#[derive(Clone, Debug)]
pub struct StopHandle {
    ordered: Arc<AtomicBool>,
    event: Arc<File>,
}

impl StopHandle {
    /// A handle nobody has pulled yet.
    ///
    /// # Errors
    /// When the process is out of file descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            ordered: Arc::new(AtomicBool::new(false)),
            event: Arc::new(sys::eventfd()?),
        })
    }

    /// Orders the source to stop; it returns from its wait at once.
    pub fn stop(&self) {
        self.ordered.store(true, Ordering::SeqCst);
        // An eventfd takes eight bytes; it cannot be full from single increments.
        let _ = (&*self.event).write(&1_u64.to_ne_bytes());
    }

    /// Whether the order was given.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.ordered.load(Ordering::SeqCst)
    }

    /// Waits until the order to stop comes or `timeout_ms` is over.
    ///
    /// # Errors
    /// When poll(2) fails for another reason than a signal.
    pub fn wait_for_order(&self, timeout_ms: i32) -> io::Result<()> {
        self.wait(&[], timeout_ms)
    }

    /// Waits until one of `fds` can be read, the order to stop comes, or `timeout_ms` is over.
    ///
    /// # Errors
    /// When poll(2) fails for another reason than a signal.
    pub(crate) fn wait(&self, fds: &[RawFd], timeout_ms: i32) -> io::Result<()> {
        let fds = fds.iter().copied().chain([self.event.as_raw_fd()]);
        sys::poll(fds, timeout_ms)?;
        let mut counter = [0; 8];
        let _ = (&*self.event).read(&mut counter);
        Ok(())
    }
}
