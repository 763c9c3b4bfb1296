//! The system calls that no safe crate offers: the one place of the sensor with `unsafe`.
//!
//! Nothing here sends: there is no call that takes a packet.
#![expect(
    unsafe_code,
    reason = "poll, eventfd, the options of packet sockets and the ethtool request have no safe form"
)]

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, RawFd};

/// An event counter to wake a waiting thread with.
pub(crate) fn eventfd() -> io::Result<File> {
    // SAFETY: eventfd takes no pointer; the result is checked before it is used.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fd was just opened by eventfd and is owned by nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Waits until one of `fds` can be read or the time is over; a signal ends it like the time.
pub(crate) fn poll(fds: impl Iterator<Item = RawFd>, timeout_ms: i32) -> io::Result<()> {
    let mut polled: Vec<libc::pollfd> = fds
        .map(|fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let count = polled.len() as libc::nfds_t;
    // SAFETY: the pointer and the length are those of `polled`, which outlives the call.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), count, timeout_ms) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}

/// How much the calling thread stands back behind those that take packets: by as much as lets them
/// have nine tenths of a processor that both want.
#[cfg(feature = "live")]
const NICENESS: i32 = 10;

/// Lets threads that take packets go before the calling one, which works on what they took: it can
/// catch up, a ring that is full cannot. Without the right to, nothing changes.
#[cfg(feature = "live")]
pub fn give_way() {
    // SAFETY: setpriority takes no pointer; 0 names the calling thread.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
}

#[cfg(feature = "live")]
pub(crate) use packet::{ethtool_value, ignore_outgoing, join_fanout, set_fanout_program};

/// Options of packet sockets.
#[cfg(feature = "live")]
mod packet {
    use std::ffi::c_void;
    use std::mem::size_of;

    use super::{File, FromRawFd, RawFd, io};
    use crate::program::Instruction;

    const PACKET_FANOUT: i32 = 18;
    const PACKET_FANOUT_DATA: i32 = 22;
    const PACKET_IGNORE_OUTGOING: i32 = 23;
    /// Deal out by what a classic-BPF program returns.
    const FANOUT_CBPF: u32 = 6;
    /// Let the kernel choose a group that nobody has.
    const FANOUT_FLAG_UNIQUEID: u32 = 0x2000;
    const SIOCETHTOOL: libc::c_ulong = 0x8946;

    /// Makes the socket leave out packets that this machine sends.
    pub(crate) fn ignore_outgoing(fd: RawFd) -> io::Result<()> {
        set_option(fd, PACKET_IGNORE_OUTGOING, &1_i32)
    }

    /// Joins the group, or a new one of the kernel's choice; gives the group.
    pub(crate) fn join_fanout(fd: RawFd, group: Option<u16>) -> io::Result<u16> {
        let argument = match group {
            Some(group) => u32::from(group) | FANOUT_CBPF << 16,
            None => (FANOUT_CBPF | FANOUT_FLAG_UNIQUEID) << 16,
        };
        set_option(fd, PACKET_FANOUT, &argument)?;
        let mut joined = 0_u32;
        let mut len = size_of::<u32>() as libc::socklen_t;
        // SAFETY: `joined` and `len` outlive the call, and `len` is the size of `joined`.
        let result = unsafe {
            libc::getsockopt(
                fd,
                libc::SOL_PACKET,
                PACKET_FANOUT,
                (&raw mut joined).cast::<c_void>(),
                &raw mut len,
            )
        };
        checked(result)?;
        Ok((joined & 0xffff) as u16)
    }

    /// Sets the program by which the socket's group deals packets out.
    pub(crate) fn set_fanout_program(fd: RawFd, program: &[Instruction]) -> io::Result<()> {
        let mut filters: Vec<libc::sock_filter> = program
            .iter()
            .map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k })
            .collect();
        let described = libc::sock_fprog {
            len: u16::try_from(filters.len()).map_err(io::Error::other)?,
            filter: filters.as_mut_ptr(),
        };
        // The kernel copies the program during the call, while `filters` is alive.
        set_option(fd, PACKET_FANOUT_DATA, &described)
    }

    fn set_option<T>(fd: RawFd, name: i32, value: &T) -> io::Result<()> {
        let len = size_of::<T>() as libc::socklen_t;
        // SAFETY: the pointer and the length are those of `value`, which outlives the call; what
        // it points to in turn (a program) is alive in the caller.
        let result = unsafe {
            libc::setsockopt(
                fd,
                libc::SOL_PACKET,
                name,
                std::ptr::from_ref(value).cast::<c_void>(),
                len,
            )
        };
        checked(result)
    }

    /// An interface's answer to an ethtool request that has one number; none when the driver does
    /// not know it.
    pub(crate) fn ethtool_value(interface: &str, command: u32) -> Option<u32> {
        // SAFETY: socket takes no pointer; the result is checked before it is used.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return None;
        }
        // SAFETY: fd was just opened and is owned by nobody else; dropping it closes it.
        let _owned = unsafe { File::from_raw_fd(fd) };
        let mut value = [command, 0_u32];
        // SAFETY: all-zero bytes are a valid ifreq.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        // One byte stays 0: the name's end.
        let places = request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1);
        for (place, byte) in places.zip(interface.bytes()) {
            *place = byte.cast_signed();
        }
        request.ifr_ifru.ifru_data = value.as_mut_ptr().cast::<libc::c_char>();
        // SAFETY: `request` and the two words it points to outlive the call; commands of this
        // form write the second word only.
        let result = unsafe { libc::ioctl(fd, SIOCETHTOOL, &raw mut request) };
        (result >= 0).then_some(value[1])
    }

    fn checked(result: i32) -> io::Result<()> {
        if result < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }
}
