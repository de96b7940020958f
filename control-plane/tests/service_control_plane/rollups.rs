//! What roll-ups say is what the records say, whatever came in which order, twice, or after it was given up.

use std::collections::BTreeMap;

use tollgate_control_plane::{
    domain::{
        calendar::{Calendar, Unit},
        record::{Attempt, Ending, Estimate, Facts, OpenExchange, Record, Target, Tokens},
        usage::{Dimension, Filter, GroupValue, Grouping, Sums},
    },
    store::{Batch, Sign, Store},
};
use tollgate_core::words::{EstimateMethod, Format, Operation, Outcome, Provenance};

use crate::support::{database::Database, vm::id};

on_each_store! {
    groups_say_what_the_records_say,
}

fn of_records(records: Vec<Record>) -> Batch {
    Batch { records, ..Batch::default() }
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.throw(from.len() as u64) as usize]
    }
}

const HOUR_MS: i64 = 3_600_000;
/// 2026-10-23T22:00:00Z: in Berlin a day begins, and soon one of 25 hours.
const BEGIN_MS: i64 = 1_792_792_800_000;

fn facts(dice: &mut Dice, number: u64) -> Facts {
    Facts {
        exchange_id: id(number),
        // On hours and beside them, over more days than one.
        started_at: BEGIN_MS + dice.throw(80) as i64 * HOUR_MS + dice.pick(&[0, 1, HOUR_MS - 1, HOUR_MS / 2, 7_777]),
        key_id: format!("key_{}", dice.throw(3)),
        team: dice.pick(&["red", "blue", ""]).to_owned(),
        user: dice.pick(&["ann", "bob"]).to_owned(),
        end_user: dice.pick(&["", "x", "é'\""]).to_owned(),
        model: dice.pick(&["gpt-4o", "sonnet"]).to_owned(),
        operation: dice.pick(&[Some(Operation::Chat), None]),
        stream: dice.throw(2) == 1,
        client_format: dice.pick(&[None, Some(Format::OpenaiChat)]),
        session_id: dice.pick(&["", "s1", "s2"]).to_owned(),
        tags: (0..dice.throw(3)).map(|_| dice.pick(&["t1", "t2"]).to_owned()).collect(),
        ..Facts::default()
    }
}

/// What became of an exchange: the same each time that it is told.
fn truth(facts: Facts, dice: &mut Dice) -> Record {
    let tokens = (dice.throw(4) > 0).then(|| Tokens::of([(); 8].map(|()| dice.throw(1_000) as i64)));
    let cost_nanousd = (dice.throw(2) == 1).then(|| dice.throw(9_999) as i64);
    let target = Target {
        provider: dice.pick(&["openai", "claude", ""]).to_owned(),
        upstream_model: dice.pick(&["a", "b"]).to_owned(),
        format: dice.pick(&[None, Some(Format::GeminiGenerate)]),
        price_version: dice.pick(&["", "book@1"]).to_owned(),
    };
    let attempt = Attempt {
        provider: target.provider.clone(),
        upstream_model: target.upstream_model.clone(),
        provider_format: target.format,
        started_at: facts.started_at,
        first_byte_ms: None,
        duration_ms: 1,
        outcome: Some(Outcome::Success),
        status: 200,
        reason: String::new(),
        tokens,
        provenance: Provenance::Reported,
        charged_nanousd: None,
        price_version: target.price_version.clone(),
    };
    let attempts = vec![attempt; dice.throw(3) as usize];
    let ending = Ending {
        duration_ms: 1,
        first_byte_ms: Some(1),
        outcome: dice.pick(&[Outcome::Success, Outcome::ClientAbort, Outcome::Refused]),
        status: 200,
        reason: String::new(),
        attempt_count: attempts.len() as i64,
        attempts,
        tokens,
        provenance: dice.pick(&[Provenance::Reported, Provenance::Partial]),
        charged_nanousd: (dice.throw(3) > 0).then(|| dice.throw(9_999) as i64),
        estimate: cost_nanousd.map(|_| Estimate { tokens, cost_nanousd, method: EstimateMethod::Bytes }),
        losses: Vec::new(),
        loss_count: 0,
    };
    Record { facts, target, ending }
}

async fn groups_say_what_the_records_say(database: Database) {
    let stores =
        [Store::open(&database.url).await.expect("it opens"), Store::open(&database.url).await.expect("it opens")];
    let mut dice = Dice(1);
    let known: Vec<Record> = (0..400)
        .map(|number| {
            let facts = facts(&mut dice, number);
            truth(facts, &mut dice)
        })
        .collect();
    // A quarter is given up first, by VMs that come back; of some of these the truth never comes.
    for (vm, gone) in known.chunks(40).enumerate() {
        let vm = format!("vm-{vm}");
        let open = |record: &Record| OpenExchange {
            facts: record.facts.clone(),
            target: Target { price_version: String::new(), format: None, ..record.target.clone() },
        };
        let opened = gone[..10].iter().map(|record| (vm.clone(), open(record))).collect();
        let sign = Sign { session: 1, heard_at: Some(1), ended_at: None };
        let batch = Batch { opened, signs: [(vm, sign)].into(), ..Batch::default() };
        stores[0].keep(&batch).await.expect("the store works");
    }
    let never_told =
        |record: &Record| u64::from_str_radix(&record.facts.exchange_id, 16).is_ok_and(|number| number % 40 < 2);
    let batches = |seed: u64| {
        let mut dice = Dice(seed);
        let batch = |_| -> Vec<Record> {
            (0..dice.throw(50))
                .map(|_| known[dice.throw(400) as usize].clone())
                .filter(|record| !never_told(record))
                .collect()
        };
        (0..30).map(batch).collect::<Vec<_>>()
    };
    let deliver = async |store: &Store, seed: u64| {
        let mut new = 0;
        for (at, batch) in batches(seed).into_iter().enumerate() {
            if at == 3 {
                assert!(store.write_off(i64::MAX, i64::MIN).await.failed.is_none());
            }
            new += store.keep(&of_records(batch)).await.expect("the store works").len();
        }
        new
    };
    let (one, other) = tokio::join!(deliver(&stores[0], 2), deliver(&stores[1], 3));
    let rest = of_records(known.iter().filter(|record| !never_told(record)).cloned().collect());
    let new = one + other + stores[1].keep(&rest).await.expect("the store works").len();
    assert_eq!(new, 380, "each truth is new once");
    assert_eq!(stores[0].keep(&rest).await.expect("the store works"), Vec::<&Record>::new());

    let kept = stores[0].records(&Filter::default(), None, 1_000).await.expect("the store works").records;
    assert_eq!(kept.len(), 400);
    assert_eq!(kept.iter().filter(|record| record.ending.outcome == Outcome::Lost).count(), 20);
    for record in kept.iter().filter(|record| record.ending.outcome != Outcome::Lost) {
        let original = known.iter().find(|known| known.facts.exchange_id == record.facts.exchange_id);
        assert_eq!(Some(record), original);
    }
    for round in 0..60 {
        let (filter, grouping) = question(&mut dice);
        let page = stores[round % 2].groups(&filter, &grouping, None, 10_000).await.expect("the store works");
        let groups: BTreeMap<Vec<GroupValue>, Sums> =
            page.groups.into_iter().map(|group| (group.values, group.sums)).collect();
        assert_eq!(groups, plainly(&kept, &filter, &grouping), "{filter:?} {:?}", grouping.dimensions);
    }
}

fn question(dice: &mut Dice) -> (Filter, Grouping) {
    let zone = dice.pick(&["UTC", "Europe/Berlin", "Asia/Kolkata"]);
    let calendar = Calendar::new(jiff::tz::TimeZone::get(zone).expect("a zone"), 0, 0);
    let mut dimensions: Vec<Dimension> = Dimension::ALL[..14].iter().copied().filter(|_| dice.throw(5) == 0).collect();
    let time = dice.pick(&[None, Some(Unit::Hour), Some(Unit::Day), Some(Unit::Month)]);
    dimensions.extend(time.map(Dimension::Time));
    if dimensions.is_empty() {
        dimensions.push(Dimension::Key);
    }
    let mut moment =
        || (dice.throw(2) == 0).then(|| BEGIN_MS + dice.throw(90) as i64 * HOUR_MS + dice.pick(&[0, 1, 1_800_000]));
    let (from, to) = (moment(), moment());
    let equals = match dice.throw(3) {
        0 => vec![(Dimension::Team, "red".to_owned()), (Dimension::Stream, "true".to_owned())],
        1 => vec![(Dimension::Outcome, "success".to_owned())],
        _ => Vec::new(),
    };
    let session_id = (dice.throw(5) == 0).then(|| dice.pick(&["", "s1"]).to_owned());
    let tag = (dice.throw(5) == 0).then(|| "t1".to_owned());
    (Filter { from, to, equals, session_id, tag }, Grouping { dimensions, calendar })
}

/// The same sums by plain code.
fn plainly(records: &[Record], filter: &Filter, grouping: &Grouping) -> BTreeMap<Vec<GroupValue>, Sums> {
    let fits = |record: &&Record| {
        let at = record.facts.started_at;
        filter.from.is_none_or(|from| at >= from)
            && filter.to.is_none_or(|to| at < to)
            && filter.equals.iter().all(|(dimension, value)| dimension.of(record) == value)
            && filter.session_id.as_ref().is_none_or(|session| record.facts.session_id == *session)
            && filter.tag.as_ref().is_none_or(|tag| record.facts.tags.contains(tag))
    };
    let mut groups = BTreeMap::<Vec<GroupValue>, Sums>::new();
    for record in records.iter().filter(fits) {
        let value = |dimension: &Dimension| match dimension {
            Dimension::Time(unit) => GroupValue::Time(begin(record.facts.started_at, *unit, grouping)),
            other => GroupValue::Text(other.of(record).to_owned()),
        };
        let values = grouping.dimensions.iter().map(value).collect();
        groups.entry(values).or_default().add(&Sums::of_record(record), 1);
    }
    groups
}

fn begin(at: i64, unit: Unit, grouping: &Grouping) -> i64 {
    let shown = grouping.calendar.show(at);
    let zoned = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S", &shown[..19]).and_then(|time| time.to_datetime());
    let wall = zoned.expect("a time");
    let as_utc = |wall: jiff::civil::DateTime| {
        wall.to_zoned(jiff::tz::TimeZone::UTC).expect("a moment").timestamp().as_millisecond()
    };
    match unit {
        Unit::Hour => {
            at - (i64::from(wall.minute()) * 60_000 + i64::from(wall.second()) * 1_000 + at.rem_euclid(1_000))
        }
        Unit::Day => as_utc(wall.date().at(0, 0, 0, 0)),
        Unit::Month => as_utc(wall.date().first_of_month().at(0, 0, 0, 0)),
    }
}
