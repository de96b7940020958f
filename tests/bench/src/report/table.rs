//! The table.

use std::fmt::Write;

use super::{MEMORY_GOAL_MIB, Report, statistics::Comparison};

impl Report {
    /// A few lines of at most 133 columns.
    pub(crate) fn table(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_table(&mut out);
        out
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        let conditions = &self.conditions;
        writeln!(out, "\nTollgate beside plain Envoy, one worker each, {}", conditions.time)?;
        writeln!(out, "Envoy {} · {} · {}", conditions.envoy, conditions.tollgate, conditions.revision)?;
        writeln!(out, "{} · Linux {}\n", conditions.cpu, conditions.kernel)?;
        writeln!(out, "{HEAD}")?;
        for comparison in &self.comparisons {
            write_comparison(out, comparison)?;
        }
        self.write_streams(out)?;
        writeln!(out, "\nCalls for one exchange, into the filter + out of it")?;
        for lanes in self.measurements.calls.chunk_by(|one, next| one.workload == next.workload) {
            write!(out, "{:<16}", lanes[0].workload)?;
            for calls in lanes {
                write!(out, " {:<9} {:>3} + {:<4}", calls.lane.name(), calls.callbacks, calls.host_calls)?;
            }
            writeln!(out)?;
        }
        let memory = &self.memory;
        writeln!(
            out,
            "\nMemory above plain, MiB: {:.1} started, {:.1} after the run, {:.1} peak (goal {MEMORY_GOAL_MIB:.0}{})",
            memory.started,
            memory.after_the_run,
            memory.peak,
            verdict(memory.peak <= memory.goal),
        )?;
        if self.comparisons.iter().any(|comparison| comparison.load_was_the_limit) {
            writeln!(out, "* an Envoy was not saturated: the load core was the limit; CPU per request still holds")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(out, "WARNING: {warning}"))
    }

    fn write_streams(&self, out: &mut String) -> std::fmt::Result {
        if self.streams.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{STREAM_HEAD}")?;
        for stream in &self.streams {
            let ratio = stream.translated_by_identity;
            let goal = format!("{:.2}{}", stream.goal, verdict(ratio <= stream.goal));
            let event = stream.event.map_or_else(String::new, |event| {
                format!("{:>6.2} {:>8.2} {:>9.2}", event.plain, event.identity, event.canonical)
            });
            let from = format!("{} to {}", stream.upstream, stream.client);
            writeln!(out, "{:<16} {from:<38} | {ratio:>5.2}  {goal:<12} | {event}", stream.workload)?;
        }
        writeln!(out, "\nFirst byte at the same load, ms   |  p50 plain tollgate ratio  |  p99 plain tollgate ratio")?;
        for stream in self.comparisons.iter().filter(|comparison| comparison.stream) {
            let [p50, p99] = [stream.first_byte_p50_us, stream.first_byte_p99_us].map(|pair| {
                format!("{:>11.3} {:>8.3} {:>5.2}", pair.plain / 1000.0, pair.tollgate / 1000.0, pair.ratio)
            });
            writeln!(out, "{:<16} {:<9}        | {p50}  | {p99}", stream.workload, stream.lane.name())?;
        }
        Ok(())
    }
}

fn write_comparison(out: &mut String, comparison: &Comparison) -> std::fmt::Result {
    let (rate, cpu) = (comparison.requests_per_second, comparison.cpu_us_per_request);
    let goal = comparison.cpu_goal.map_or_else(String::new, |goal| format!("{goal:.2}{}", verdict(cpu.ratio <= goal)));
    write!(
        out,
        "{:<16} {:<9} | {:>6.0} {:>8.0} {:>5.2}{} | {:>6.1} {:>8.1} {:>5.2}  {goal:<14} ",
        comparison.workload,
        comparison.lane.name(),
        rate.plain,
        rate.tollgate,
        rate.ratio,
        if comparison.load_was_the_limit { "*" } else { " " },
        cpu.plain,
        cpu.tollgate,
        cpu.ratio,
    )?;
    writeln!(
        out,
        "| {:>6.0} {:>5.2} {:>7.3} {:>+7.3} {:>7.3} {:>+7.3}",
        comparison.offered_per_second,
        comparison.cpu_us_per_request_at_rate.ratio,
        comparison.p50_us.plain / 1000.0,
        comparison.added_p50_us / 1000.0,
        comparison.p99_us.plain / 1000.0,
        comparison.added_p99_us / 1000.0,
    )
}

const HEAD: &str = concat!(
    "                           | requests/s, saturated  | CPU us per request, saturated          ",
    "| at the same load: CPU, latency in ms\n",
    "request          lane      |  plain tollgate ratio  |  plain tollgate ratio  goal            ",
    "|  per s ratio     p50   added     p99   added",
);

const STREAM_HEAD: &str = concat!(
    "                                                        | CPU, translated      | CPU us per event\n",
    "stream           translated                              | by identity  goal    | plain identity canonical",
);

fn verdict(met: bool) -> &'static str {
    if met { " met" } else { " MISSED" }
}
