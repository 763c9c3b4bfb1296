//! Waiting for packets on several interfaces at once, and the order to stop.
//!
//! The read timeout of TPACKET_V3 starts with the first packet: on a quiet interface a blocking
//! read never returns. So the handles do not block, and poll(2) waits for all of them and for the
//! order to stop. One of the two places of the sensor that call the system directly.
#![expect(
    unsafe_code,
    reason = "poll(2) and eventfd(2) have no safe form in the standard library"
)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
        // SAFETY: eventfd takes no pointer; the result is checked before it is used.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: fd was just opened by eventfd and is owned by nobody else.
        let event = unsafe { File::from_raw_fd(fd) };
        Ok(Self {
            ordered: Arc::new(AtomicBool::new(false)),
            event: Arc::new(event),
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
        let mut polled: Vec<libc::pollfd> = fds
            .iter()
            .chain([&self.event.as_raw_fd()])
            .map(|&fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            })
            .collect();
        // SAFETY: the pointer and the length are those of `polled`, which outlives the call.
        let ready = unsafe {
            libc::poll(
                polled.as_mut_ptr(),
                polled.len() as libc::nfds_t,
                timeout_ms,
            )
        };
        if ready < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted {
                Ok(())
            } else {
                Err(error)
            };
        }
        let mut counter = [0; 8];
        let _ = (&*self.event).read(&mut counter);
        Ok(())
    }
}
