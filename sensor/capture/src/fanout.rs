//! Several workers on the same interfaces: each has a socket and a ring of its own on every
//! interface, and the kernel deals the packets out by inner flow ([`crate::program`]).

use std::thread;

use crate::live::{Handle, LiveSettings, LiveSource};
use crate::program::INNER_FLOW;
use crate::source::CaptureError;
use crate::sys;
use crate::wait::StopHandle;

/// A filter that no packet passes.
const NOTHING: &str = "less 1";

/// Opens every interface once for each of `workers` workers. A worker has the same place in the
/// group of each interface, so the two directions of a flow come to one worker though a tap brings
/// them on two interfaces.
///
/// The join is gated: a socket is handed every packet until it is in its group, so all of them
/// have a filter that rejects everything until the last one is in.
///
/// # Errors
/// When an interface cannot be opened, or [`CaptureError::NoFanout`] when the kernel cannot deal
/// packets out this way.
pub fn open_workers(
    names: &[String],
    settings: &LiveSettings,
    workers: usize,
    stop: &StopHandle,
) -> Result<Vec<LiveSource>, CaptureError> {
    if workers <= 1 {
        return Ok(vec![LiveSource::open(names, settings, stop.clone())?]);
    }
    let mut sources: Vec<Vec<Handle>> = (0..workers).map(|_| Vec::new()).collect();
    for name in names {
        let mut group = None;
        for (number, handles) in sources.iter_mut().enumerate() {
            let mut handle = Handle::open(name, settings, number == 0)?;
            handle.set_filter(Some(NOTHING))?;
            group = Some(join(name, &handle, group)?);
            handles.push(handle);
        }
    }
    // What came before the filter stands in blocks that are not full yet.
    thread::sleep(settings.last_block());
    for handle in sources.iter_mut().flatten() {
        handle.discard();
    }
    for handle in sources.iter_mut().flatten() {
        handle.set_filter(settings.filter.as_deref())?;
    }
    let sources = sources.into_iter();
    Ok(sources
        .map(|handles| LiveSource::of(handles, settings, stop.clone()))
        .collect())
}

/// Puts a socket into the group; the first one makes the group and brings the program.
fn join(name: &str, handle: &Handle, group: Option<u16>) -> Result<u16, CaptureError> {
    let refused = |error: std::io::Error| CaptureError::NoFanout {
        name: name.to_owned(),
        reason: error.to_string(),
    };
    let joined = sys::join_fanout(handle.fd(), group).map_err(refused)?;
    if group.is_none() {
        sys::set_fanout_program(handle.fd(), &INNER_FLOW).map_err(refused)?;
    }
    Ok(joined)
}
