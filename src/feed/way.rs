//! From one part of a run to the next: a queue to another thread; or, where there is one processor
//! for all of them, a call. What was just made is then still in the processor's cache when it is
//! taken in, and its memory is free for the next. Either way the same comes out.

use std::sync::{Arc, Mutex};

use crossbeam_channel::{Sender, TrySendError};

/// What takes in what it is told.
pub(crate) trait Listener<T> {
    /// Takes in; false when it takes nothing more.
    fn hear(&mut self, told: T) -> bool;
}

/// The way of what is told.
pub(crate) enum Way<T, L> {
    /// A thread has the other end.
    Queue(Sender<T>),
    /// It is called.
    Call(Arc<Mutex<L>>),
}

impl<T, L> Clone for Way<T, L> {
    fn clone(&self) -> Self {
        match self {
            Self::Queue(queue) => Self::Queue(queue.clone()),
            Self::Call(listener) => Self::Call(Arc::clone(listener)),
        }
    }
}

impl<T, L: Listener<T>> Way<T, L> {
    /// Tells, once there is room for it; false when nobody takes it, as after a panic.
    pub(super) fn send(&self, told: T) -> bool {
        match self {
            Self::Queue(queue) => queue.send(told).is_ok(),
            Self::Call(listener) => listener
                .lock()
                .is_ok_and(|mut listener| listener.hear(told)),
        }
    }

    /// Tells, if there is room for it.
    pub(super) fn try_send(&self, told: T) -> Result<(), Refused<T>> {
        match self {
            Self::Queue(queue) => queue.try_send(told).map_err(|error| match error {
                TrySendError::Full(told) => Refused::Full(told),
                TrySendError::Disconnected(_) => Refused::Gone,
            }),
            Self::Call(_) => self.send(told).then_some(()).ok_or(Refused::Gone),
        }
    }

    /// How many may wait; none where none does.
    pub(super) fn capacity(&self) -> Option<usize> {
        match self {
            Self::Queue(queue) => queue.capacity(),
            Self::Call(_) => None,
        }
    }

    /// Whether more than half of those wait that may.
    pub(super) fn is_half_full(&self) -> bool {
        match self {
            Self::Queue(queue) => queue.len() > queue.capacity().unwrap_or(usize::MAX) / 2,
            Self::Call(_) => false,
        }
    }

    /// Whether there is no room.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Queue(queue) => queue.is_full(),
            Self::Call(_) => false,
        }
    }
}

/// Why something was not told.
pub(super) enum Refused<T> {
    /// There is no room; here it is.
    Full(T),
    /// Nobody takes it.
    Gone,
}
