//! Standard input that gives way: a read from a silent pipe must not outlast the order to stop.
//!
//! A thread of its own reads, because a blocking read cannot be called off; it is left behind when
//! the process ends.

use std::io::{self, Read};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use tapscope_capture::StopHandle;

/// How long a read waits before it looks whether it shall stop.
const TURN: Duration = Duration::from_millis(50);

/// Bytes of one read from the pipe: what a Linux pipe holds.
const CHUNK: usize = 64 << 10;

/// Chunks that may wait to be taken; then the pipe is held back.
const CHUNKS_WAITING: usize = 16;

/// Reads an input until its end or the order to stop, which looks like its end.
pub(crate) struct Stoppable {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
    stop: StopHandle,
}

impl Stoppable {
    /// Reads `input` on a thread of its own.
    pub(crate) fn new(input: impl Read + Send + 'static, stop: StopHandle) -> Self {
        let (sender, chunks) = bounded(CHUNKS_WAITING);
        std::thread::spawn(move || forward(input, &sender));
        Self {
            chunks,
            chunk: Vec::new(),
            taken: 0,
            stop,
        }
    }
}

/// Sends what is read until the end, an error, or nobody takes it any more.
fn forward(mut input: impl Read, chunks: &Sender<io::Result<Vec<u8>>>) {
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

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.chunk.len() {
            match self.chunks.recv_timeout(TURN) {
                Ok(chunk) => (self.chunk, self.taken) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) if !self.stop.is_ordered() => {}
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
        let mut input = Stoppable::new(read, stop.clone());
        io::Write::write_all(&mut write, b"packets").unwrap();
        let mut seven = [0; 7];
        input.read_exact(&mut seven).unwrap();
        assert_eq!(&seven, b"packets");
        stop.stop();
        // The pipe is still open: without the order this would wait for ever.
        assert_eq!(input.read(&mut seven).unwrap(), 0);
        drop(write);
    }
}
