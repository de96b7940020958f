//! The whole machine: what its cores did.

use crate::error::{Error, IoContext};

/// Times of all cores together since boot, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoreTimes {
    /// User, nice, system, interrupts.
    pub(crate) busy: f64,
    /// Wanted, but given to another virtual machine.
    pub(crate) stolen: f64,
    pub(crate) cores: usize,
}

impl CoreTimes {
    pub(crate) fn read() -> Result<Self, Error> {
        let path = "/proc/stat";
        let text = std::fs::read_to_string(path).context(path)?;
        parse(&text).ok_or_else(|| Error::Unreadable { what: path.to_owned(), text })
    }
}

/// `cpu user nice system idle iowait irq softirq steal …`
fn parse(stat: &str) -> Option<CoreTimes> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let at = |i: usize| ticks.get(i).map(|ticks| ticks / super::TICKS_PER_SECOND);
    let cores = stat.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    Some(CoreTimes { busy: at(0)? + at(1)? + at(2)? + at(5)? + at(6)?, stolen: at(7)?, cores })
}

/// Of the last minute.
pub(crate) fn load_average() -> Result<f64, Error> {
    let path = "/proc/loadavg";
    let text = std::fs::read_to_string(path).context(path)?;
    let first = text.split(' ').next().and_then(|first| first.parse().ok());
    first.ok_or_else(|| Error::Unreadable { what: path.to_owned(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_are_not_busy() {
        let times = parse("cpu  100 50 25 9000 700 5 20 300 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n").unwrap();
        assert_eq!((times.busy, times.stolen, times.cores), (2.0, 3.0, 1));
    }
}
