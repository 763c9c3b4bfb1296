//! Inputs whose bytes arrive as they come to be: pipes, sockets. A read gives way to the order to
//! stop and, once packets are read, to the clock.
//!
//! A thread of its own reads, because a blocking read cannot be called off; it is left behind when
//! the process ends.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::wait::StopHandle;

/// How long a read waits before it looks whether it shall stop or say that nothing came.
const TURN: Duration = Duration::from_millis(20);

/// Bytes of one read: what a Linux pipe holds.
const CHUNK: usize = 64 << 10;

/// Chunks that may wait to be taken; then the writer is held back.
const CHUNKS_WAITING: usize = 16;

/// What a reader and whoever looks at its packets know of each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether a read may come back with nothing.
    yields: AtomicBool,
    /// Whether the last one did.
    empty: AtomicBool,
}

impl Patience {
    /// From now on a read comes back with an error when nothing arrives.
    pub(crate) fn end(&self) {
        self.0.yields.store(true, Ordering::Relaxed);
    }

    /// Whether the last read failed because nothing had arrived; it can be tried again.
    pub(crate) fn was_empty(&self) -> bool {
        self.0.empty.load(Ordering::Relaxed)
    }
}

/// Reads an input until its end or the order to stop, which looks like its end.
pub(crate) struct Arriving {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
    patience: Patience,
    stop: StopHandle,
}

impl Arriving {
    /// Reads `input` on a thread of its own.
    pub(crate) fn new(input: impl Read + Send + 'static, stop: StopHandle) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS_WAITING);
        std::thread::spawn(move || forward(input, &sender));
        Self {
            chunks,
            chunk: Vec::new(),
            taken: 0,
            patience: Patience::default(),
            stop,
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience.clone()
    }
}

/// Sends what is read until the end, an error, or nobody takes it any more.
fn forward(mut input: impl Read, chunks: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = match input.read(&mut chunk) {
            Ok(0) => return,
            Ok(read) => {
                chunk.truncate(read);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if chunks.send(read).is_err() || failed {
            return;
        }
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let shared = Arc::clone(&self.patience.0);
        shared.empty.store(false, Ordering::Relaxed);
        while self.taken == self.chunk.len() {
            match self.chunks.recv_timeout(TURN) {
                Ok(chunk) => (self.chunk, self.taken) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) if !self.stop.is_ordered() => {
                    if shared.yields.load(Ordering::Relaxed) {
                        shared.empty.store(true, Ordering::Relaxed);
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                }
                Err(_) => return Ok(0),
            }
        }
        let read = (&self.chunk[self.taken..]).read(buffer)?;
        self.taken += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_and_a_silent_pipe_ends_with_the_order() {
        let (read, mut write) = io::pipe().unwrap();
        let stop = StopHandle::new().unwrap();
        let mut input = Arriving::new(read, stop.clone());
        io::Write::write_all(&mut write, b"packets").unwrap();
        let mut seven = [0; 7];
        input.read_exact(&mut seven).unwrap();
        assert_eq!(&seven, b"packets");
        let patience = input.patience();
        patience.end();
        assert!(input.read(&mut seven).is_err());
        assert!(patience.was_empty());
        stop.stop();
        // The pipe is still open: without the order this would wait for ever.
        assert_eq!(input.read(&mut seven).unwrap(), 0);
        assert!(!patience.was_empty());
        drop(write);
    }
}
