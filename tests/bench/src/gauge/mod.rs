//! What Linux says about processes and cores: `/proc/<pid>/stat`, `/proc/<pid>/status`, `/proc/stat`, `/proc/loadavg`
//! (<https://docs.kernel.org/filesystems/proc.html>).

mod machine;
mod process;

pub(crate) use self::{
    machine::{CoreTimes, load_average},
    process::{Memory, Pid},
};

/// `USER_HZ`, which the kernel fixes at 100 for everything it shows to programs.
const TICKS_PER_SECOND: f64 = 100.0;
