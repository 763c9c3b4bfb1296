//! The allocator, and how long it keeps memory that is free.

#![expect(
    unsafe_code,
    reason = "the allocator takes its settings by a C function that no safe crate offers"
)]

use std::ffi::{c_int, c_long};

/// Records are made on one thread and dropped on another, and an endpoint is hundreds of small
/// things: the C library's allocator takes a sixth more time for that, and a sixth more memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number of `mi_option_purge_delay` in mimalloc's `mi_option_t`: milliseconds after which free
/// memory goes back to the operating system.
const PURGE_DELAY: c_int = 15;

/// What it is here: decisions and saves take and free the same memory several times a minute, and
/// what went back meanwhile costs a fault and a cleared page each. One second, as mimalloc has it, had
/// all of the memory of a short run cleared twice.
const PURGE_DELAY_MILLIS: c_long = 10_000;

unsafe extern "C" {
    /// Sets an option, unless the environment (`MIMALLOC_PURGE_DELAY`) has.
    fn mi_option_set_default(option: c_int, value: c_long);
}

/// Tells the allocator what it is used for.
pub(crate) fn prepare() {
    // SAFETY: the function is part of the allocator that is linked in above, takes two numbers and
    // may be called at any time; an option that it does not know it ignores.
    unsafe { mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MILLIS) };
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        fn mi_option_get(option: c_int) -> c_long;
    }

    #[test]
    fn the_option_is_the_delay() {
        // SAFETY: as above; it reads a number.
        let delay = || unsafe { mi_option_get(PURGE_DELAY) };
        // What mimalloc has by default tells that the number still names the same option.
        assert_eq!(delay(), 1_000);
        prepare();
        assert_eq!(delay(), PURGE_DELAY_MILLIS);
    }
}
