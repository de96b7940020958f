//! One process: CPU time and memory.

use serde::Serialize;

use crate::error::{Error, IoContext};

/// A process that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pid(pub(crate) u32);

/// Resident memory.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    /// Now (`VmRSS`), in KiB.
    pub(crate) resident_kib: u64,
    /// The most there ever was (`VmHWM`), in KiB.
    pub(crate) peak_kib: u64,
}

impl Pid {
    /// CPU time of all threads since the start, in seconds, to a hundredth.
    pub(crate) fn cpu_seconds(self) -> Result<f64, Error> {
        let path = format!("/proc/{}/stat", self.0);
        let text = std::fs::read_to_string(&path).context(&path)?;
        parse_cpu_seconds(&text).ok_or(Error::Unreadable { what: path, text })
    }

    pub(crate) fn memory(self) -> Result<Memory, Error> {
        let path = format!("/proc/{}/status", self.0);
        let text = std::fs::read_to_string(&path).context(&path)?;
        parse_memory(&text).ok_or(Error::Unreadable { what: path, text })
    }
}

/// Fields 14 and 15, counted after the name, which may hold spaces and parentheses.
fn parse_cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / super::TICKS_PER_SECOND)
}

fn parse_memory(status: &str) -> Option<Memory> {
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(Memory { resident_kib: kib("VmRSS")?, peak_kib: kib("VmHWM")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "17 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20";
        assert_eq!(parse_cpu_seconds(stat), Some(4.0));
    }

    #[test]
    fn memory_is_read_from_its_two_lines() {
        let memory = parse_memory("Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t   1024 kB\n").unwrap();
        assert_eq!((memory.resident_kib, memory.peak_kib), (1024, 2048));
    }
}
