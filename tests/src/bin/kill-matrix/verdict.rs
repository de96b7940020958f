//! What is on record, held against what the clients saw.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::traffic::{Note, Saw};

/// What is on record: the outcomes of each session, which is one request, and the sums that the roll-ups give by outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) records: BTreeMap<String, Vec<String>>,
    pub(crate) sums: BTreeMap<String, u64>,
}

/// When what was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    pub(crate) fault: Option<Instant>,
    pub(crate) healed: Option<Instant>,
    pub(crate) envoy_killed: Option<Instant>,
    pub(crate) control_plane_killed: Option<Instant>,
    /// When what the store had was gone.
    pub(crate) deleted: Option<Instant>,
    /// When the control plane ceased to take anything, until the fault was healed.
    pub(crate) deaf: Option<Instant>,
    /// How late this machine and its disk were just before the death.
    pub(crate) late: Duration,
}

/// The counts of one round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) asked: usize,
    pub(crate) finished: usize,
    pub(crate) hung_up: usize,
    /// Broken off with the head of an answer there.
    pub(crate) cut: usize,
    /// Broken off before, or without a connection.
    pub(crate) unanswered: usize,
    /// On record as the client saw it end; of those that were cut, with any outcome but `lost`.
    pub(crate) as_ended: usize,
    pub(crate) lost: usize,
    /// On record with an outcome that the client did not see.
    pub(crate) otherwise: usize,
    /// Not on record, which the stated exceptions allow.
    pub(crate) excused: usize,
    pub(crate) missing: usize,
    /// Requests with more than one record.
    pub(crate) doubled: usize,
    /// By how many requests the roll-ups differ from the records.
    pub(crate) sums_off: u64,
    /// Whether an Envoy died, without which nothing may be lost.
    pub(crate) may_lose: bool,
    /// What the spool still held when patience ended, in entries.
    pub(crate) in_spool: u64,
    /// What is to be looked at.
    pub(crate) examples: Vec<String>,
}

/// How many of each thing are shown.
const EXAMPLES: usize = 4;

impl Verdict {
    pub(crate) fn of(notes: &[Note], ledger: &Ledger, moments: &Moments, beat: Duration) -> Self {
        let may_lose = moments.envoy_killed.is_some();
        let mut verdict = Self { asked: notes.len(), may_lose, ..Self::default() };
        for note in notes {
            match note.saw {
                Saw::Finished(_) => verdict.finished += 1,
                Saw::HungUp => verdict.hung_up += 1,
                Saw::Cut { begun: true } => verdict.cut += 1,
                Saw::Cut { begun: false } | Saw::NoConnection => verdict.unanswered += 1,
            }
            let records = ledger.records.get(&note.session).map_or(&[][..], Vec::as_slice);
            if records.len() > 1 {
                verdict.doubled += 1;
                verdict.show("doubled", note, moments, &format!("{records:?}"));
            }
            match records.first() {
                Some(outcome) if outcome == "lost" => {
                    verdict.lost += 1;
                    if !may_lose {
                        verdict.show("lost", note, moments, "");
                    }
                }
                Some(outcome) => match note.expected() {
                    Some(expected) if !expected.contains(&outcome.as_str()) => {
                        verdict.otherwise += 1;
                        verdict.show("otherwise", note, moments, outcome);
                    }
                    _ => verdict.as_ended += 1,
                },
                None if !note.was_had() => {}
                None if moments.excuse(note, beat) => verdict.excused += 1,
                None => {
                    verdict.missing += 1;
                    verdict.show("missing", note, moments, "");
                }
            }
        }
        verdict.sums_off = ledger.sums_off();
        if verdict.sums_off > 0 {
            verdict.examples.push(format!("roll-ups {:?}, records {:?}", ledger.sums, ledger.outcomes()));
        }
        verdict
    }

    /// Whether all that must be 0 is, of requests some of which were answered.
    pub(crate) fn holds(&self) -> bool {
        let as_it_should = self.missing == 0 && self.doubled == 0 && self.otherwise == 0 && self.sums_off == 0;
        as_it_should && self.in_spool == 0 && (self.may_lose || self.lost == 0) && self.finished > 0
    }

    /// Adds another round of the same line.
    pub(crate) fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.finished += other.finished;
        self.hung_up += other.hung_up;
        self.cut += other.cut;
        self.unanswered += other.unanswered;
        self.as_ended += other.as_ended;
        self.lost += other.lost;
        self.otherwise += other.otherwise;
        self.excused += other.excused;
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.sums_off += other.sums_off;
        self.may_lose |= other.may_lose;
        self.in_spool += other.in_spool;
        self.examples.extend(other.examples);
    }

    fn show(&mut self, what: &str, note: &Note, moments: &Moments, more: &str) {
        if self.examples.iter().filter(|example| example.starts_with(what)).count() < EXAMPLES {
            self.examples.push(format!("{what} {more}: {}", moments.tell(note)).replace(" :", ":"));
        }
    }
}

impl Moments {
    /// Whether the stated exceptions allow that there is no record of it:
    ///
    /// - it was younger than a beat when Envoy died, so that no VM had named it yet, or its name was not on the disk yet; as long as the machine was late, so was the beat;
    /// - Envoy died while there was no control plane to tell, or none that took anything, and it began in that time;
    /// - what the store had of it was deleted.
    fn excuse(&self, note: &Note, beat: Duration) -> bool {
        let beat = beat + self.late;
        if self.deleted.is_some_and(|deleted| note.over <= deleted + beat) {
            return true;
        }
        let Some(killed) = self.envoy_killed.filter(|killed| note.begun <= *killed) else { return false };
        let unnamed = note.begun + beat >= killed;
        // In the lines of this matrix no Envoy dies after a control plane has come back.
        let untold = self.control_plane_killed.is_some_and(|away| note.begun + beat >= away);
        let untaken = self.deaf.is_some_and(|deaf| note.begun + beat >= deaf);
        let name_deleted = self.deleted.is_some_and(|deleted| deleted <= killed && note.begun <= deleted + beat);
        unnamed || untold || untaken || name_deleted
    }

    /// A request and where it lies among the moments, in milliseconds.
    fn tell(&self, note: &Note) -> String {
        let since = |at: Option<Instant>, from: Instant| {
            at.map(|at| match from.checked_duration_since(at) {
                Some(after) => format!("+{}", after.as_millis()),
                None => format!("-{}", at.duration_since(from).as_millis()),
            })
        };
        let moments = [
            ("fault", self.fault),
            ("healed", self.healed),
            ("envoy killed", self.envoy_killed),
            ("control plane killed", self.control_plane_killed),
        ];
        let times = moments
            .into_iter()
            .filter_map(|(name, at)| Some(format!("{name}{}..{}", since(at, note.begun)?, since(at, note.over)?)));
        let lane = if note.identity { "identity" } else { "canonical" };
        let exchange = note.exchange.as_deref().unwrap_or("unnamed");
        let times: Vec<String> = times.collect();
        format!(
            "{} ({exchange}) {:?} {lane}, {:?}, {}, late {}",
            note.session,
            note.kind,
            note.saw,
            times.join(", "),
            self.late.as_millis()
        )
    }
}

impl Ledger {
    /// Adds a record as the API has it.
    pub(crate) fn add(&mut self, record: &Value) {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        self.records.entry(text("session_id")).or_default().push(text("outcome"));
    }

    fn outcomes(&self) -> BTreeMap<String, u64> {
        let mut outcomes = BTreeMap::new();
        for outcome in self.records.values().flatten() {
            *outcomes.entry(outcome.clone()).or_default() += 1;
        }
        outcomes
    }

    fn sums_off(&self) -> u64 {
        let outcomes = self.outcomes();
        let names: std::collections::BTreeSet<&String> = outcomes.keys().chain(self.sums.keys()).collect();
        let count = |of: &BTreeMap<String, u64>, name| of.get(name).copied().unwrap_or_default();
        names.into_iter().map(|name| count(&outcomes, name).abs_diff(count(&self.sums, name))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Kind;

    const BEAT: Duration = Duration::from_millis(100);

    fn note(session: &str, begun: Instant, saw: Saw) -> Note {
        let over = begun + Duration::from_millis(10);
        let kind = Kind::Whole { delay_ms: 0 };
        Note {
            session: session.to_owned(),
            kind,
            identity: true,
            begun,
            over,
            saw,
            exchange: None,
            provider_asked: false,
        }
    }

    fn ledger(records: &[(&str, &str)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (session, outcome) in records {
            ledger.add(&serde_json::json!({"session_id": session, "outcome": outcome}));
        }
        ledger.sums = ledger.outcomes();
        ledger
    }

    #[test]
    fn counts_each_request_once_by_its_record() {
        let now = Instant::now();
        let saw = [
            ("a", Saw::Finished(200)),
            ("b", Saw::Finished(200)),
            ("c", Saw::Finished(200)),
            ("d", Saw::Finished(200)),
            ("e", Saw::HungUp),
            ("f", Saw::Cut { begun: false }),
        ];
        let mut notes = saw.map(|(session, saw)| note(session, now, saw)).to_vec();
        // Nobody answered it, but it will be on the provider's bill.
        notes.push(Note { provider_asked: true, ..note("g", now, Saw::Cut { begun: false }) });
        let ledger = ledger(&[("a", "success"), ("b", "lost"), ("c", "refused"), ("e", "client_abort")]);
        let verdict = Verdict::of(&notes, &ledger, &Moments::default(), BEAT);
        assert_eq!((verdict.as_ended, verdict.lost, verdict.otherwise, verdict.missing), (2, 1, 1, 2), "{verdict:?}");
        assert!(!verdict.holds());
    }

    #[test]
    fn only_what_is_younger_than_a_beat_is_excused_when_envoy_dies_alone() {
        let killed = Instant::now();
        let notes = [BEAT / 2, BEAT * 2].map(|age| note("a", killed - age, Saw::Finished(200)));
        let moments = Moments { envoy_killed: Some(killed), ..Moments::default() };
        let verdict = Verdict::of(&notes, &Ledger::default(), &moments, BEAT);
        assert_eq!((verdict.excused, verdict.missing), (1, 1), "{verdict:?}");
    }

    #[test]
    fn without_a_death_of_envoy_nothing_may_be_lost_and_something_must_finish() {
        let now = Instant::now();
        let notes = [note("a", now, Saw::Finished(200)), note("b", now, Saw::Cut { begun: true })];
        let ledger = ledger(&[("a", "success"), ("b", "lost")]);
        let holds = |notes: &[Note], moments: &Moments| Verdict::of(notes, &ledger, moments, BEAT).holds();
        let killed = Moments { envoy_killed: Some(now), ..Moments::default() };
        assert!(holds(&notes, &killed));
        assert!(!holds(&notes, &Moments::default()), "lost, and no Envoy died");
        assert!(!holds(&notes[1..], &killed), "nothing finished");
    }

    #[test]
    fn what_began_while_nothing_was_taken_is_excused_only_where_envoy_dies_then() {
        let killed = Instant::now();
        let notes = [note("a", killed - BEAT * 5, Saw::Finished(200))];
        let missing = |moments: Moments| Verdict::of(&notes, &Ledger::default(), &moments, BEAT).missing;
        let deaf = Moments { deaf: Some(killed - BEAT * 8), ..Moments::default() };
        assert_eq!(missing(deaf), 1);
        assert_eq!(missing(Moments { envoy_killed: Some(killed), ..deaf }), 0);
    }

    #[test]
    fn a_second_record_and_a_wrong_sum_are_faults() {
        let mut twice = ledger(&[("a", "success"), ("a", "success")]);
        let notes = [note("a", Instant::now(), Saw::Finished(200))];
        assert_eq!(Verdict::of(&notes, &twice, &Moments::default(), BEAT).doubled, 1);
        twice.sums.insert("lost".to_owned(), 1);
        assert_eq!(Verdict::of(&notes, &twice, &Moments::default(), BEAT).sums_off, 1);
    }
}
