//! What the process takes as a whole, beside the cap: the accounts count what is held on purpose,
//! this is what the operating system sees.

use std::fs;

use tapscope_record::MemoryAccount;

/// The resident size of this process; none where the system does not tell.
pub(crate) fn of_process(cap: usize) -> Option<MemoryAccount> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(MemoryAccount {
        name: "process".to_owned(),
        bytes: resident_bytes(&status)?,
        bytes_max: cap as u64,
    })
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read() {
        let status = "Name:\ttapscope\nVmHWM:\t   90000 kB\nVmRSS:\t   51200 kB\nThreads:\t4\n";
        assert_eq!(resident_bytes(status), Some(50 << 20));
        assert_eq!(resident_bytes("VmRSS:\tmuch"), None);
    }
}
