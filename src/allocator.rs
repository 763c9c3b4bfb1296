//! The allocator, and how long it keeps memory that is free.

#![expect(
    unsafe_code,
    reason = "an allocator is unsafe to implement, and this one takes its settings by a C function \
              that no safe crate offers"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_long, c_void};

use mimalloc::MiMalloc;

/// Records are made on one thread and dropped on another, and an endpoint is hundreds of small
/// things: the C library's allocator takes a sixth more time for that, and a sixth more memory.
#[global_allocator]
static ALLOCATOR: Plain = Plain;

/// mimalloc, asked for memory of a certain alignment only where that is not what it gives anyhow:
/// of more than a kilobyte it would otherwise look for a place the long way, and take more than is
/// asked for.
struct Plain;

/// What memory of any size is aligned to (`mi_malloc`: 8 bytes, from 16 bytes on 16).
const ALIGNED: usize = 8;

// SAFETY: every block comes from mimalloc and goes back to it, whichever of its functions took it;
// with an alignment of up to `ALIGNED`, `mi_malloc` keeps what `GlobalAlloc` asks for, and what is
// asked of it beyond is left to the crate.
unsafe impl GlobalAlloc for Plain {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNED {
            // SAFETY: any size may be asked for.
            unsafe { mi_malloc(layout.size()).cast() }
        } else {
            // SAFETY: the same contract.
            unsafe { MiMalloc.alloc(layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same contract.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the same contract; the block is mimalloc's.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the same contract; the block is mimalloc's.
        unsafe { MiMalloc.realloc(block, layout, size) }
    }
}

/// The number of `mi_option_purge_delay` in mimalloc's `mi_option_t`: milliseconds after which free
/// memory goes back to the operating system.
const PURGE_DELAY: c_int = 15;

/// What it is here: decisions and saves take and free the same memory several times a minute, and
/// what went back meanwhile costs a fault and a cleared page each. One second, as mimalloc has it, had
/// all of the memory of a short run cleared twice.
const PURGE_DELAY_MILLIS: c_long = 10_000;

unsafe extern "C" {
    /// So many bytes; null where there are none.
    fn mi_malloc(size: usize) -> *mut c_void;

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
