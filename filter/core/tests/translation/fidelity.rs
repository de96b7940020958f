//! `docs/formats.md`: what every pair of formats keeps of a request and of an answer, read off the golden runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write,
    fs,
};

use serde_json::Value;
use tollgate_core::{
    canonical::Losses,
    words::{Format, LossKind},
};

use super::fixtures::{clients, fixtures, relay, requests, translation, upstreams};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");

/// Members whose inside is the client's own, and is carried or lost as a whole.
const OPAQUE: [&str; 16] = [
    "parameters",
    "parametersJsonSchema",
    "input_schema",
    "schema",
    "responseSchema",
    "responseJsonSchema",
    "input",
    "args",
    "response",
    "metadata",
    "labels",
    "logit_bias",
    "user_location",
    "annotations",
    "citations",
    "safetySettings",
];

/// What became of a field, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Exact,
    Approximated,
    Dropped,
    Refused,
}

impl Fate {
    fn mark(self) -> &'static str {
        match self {
            Self::Exact => "=",
            Self::Approximated => "~",
            Self::Dropped => "-",
            Self::Refused => "x",
        }
    }
}

/// Field, what became of it, why.
type Reasons = BTreeSet<(String, Fate, String)>;

#[test]
fn the_document_says_what_the_golden_runs_show() {
    let mut document = HEAD.to_owned();
    for client in clients() {
        describe_requests(client, &mut document);
    }
    describe_answers(&mut document);
    let document = format!("{}\n", document.trim_end());
    #[expect(clippy::disallowed_methods, reason = "the word that updates snapshots updates this one too")]
    let updates = env::var("INSTA_UPDATE").is_ok_and(|word| word == "always");
    if updates {
        fs::write(DOCUMENT, &document).unwrap();
    }
    let present = fs::read_to_string(DOCUMENT).unwrap_or_default();
    assert!(present == document, "docs/formats.md is behind the golden runs: `make golden` writes it again");
}

const HEAD: &str = "\
# Formats: what crosses, and what does not

Generated from the golden runs (`filter/core/tests/golden`) by `make golden`; do not edit. Every field that a fixture of a client
format sets is followed to every provider format:

| mark | meaning |
| --- | --- |
| `=` | exact: it arrives with the meaning it had |
| `~` | approximated: something near to it arrives, and the difference is declared |
| `-` | dropped: nothing of it arrives, which is declared |
| `x` | refused: the request is answered with a 400 that names the field |

Several marks in one cell: it depends on the value or on the model, and the list below the table says on what. Where client and provider speak the
same format, all bytes but the model's name pass as they came. Declared losses are in the header `x-tollgate-losses` (ask with
`x-tollgate-debug: 1`), in a metric, and a 400 on routes with `translation: strict`.

";

fn describe_requests(client: Format, document: &mut String) {
    let targets: Vec<_> = upstreams().into_iter().filter(|upstream| client.translates_to(*upstream)).collect();
    let mut table: BTreeMap<String, BTreeMap<&str, BTreeSet<Fate>>> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, Reasons> = BTreeMap::new();
    for request in requests(client) {
        let mut fields = BTreeSet::new();
        collect(&request.body, "", &mut fields);
        for upstream in &targets {
            let why = reasons.entry(upstream.name()).or_default();
            let (lost, refused) = match request.encode(client, *upstream) {
                Ok((_, losses)) => (generalise(&request.body, &losses), None),
                Err(refusal) => {
                    let Some(param) = refusal.param else { continue };
                    let field = general_path(&request.body, &param);
                    why.insert((field.clone(), Fate::Refused, refusal.message));
                    (Vec::new(), Some(field))
                }
            };
            let mut note = |field: &str, fate: Fate| {
                table.entry(field.to_owned()).or_default().entry(upstream.name()).or_default().insert(fate);
            };
            if let Some(field) = refused {
                note(&field, Fate::Refused);
                continue;
            }
            for field in &fields {
                let within = |lost: &str| {
                    field.strip_prefix(lost).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                let fate = lost.iter().filter(|(path, ..)| within(path)).map(|(_, fate, _)| *fate).max();
                note(field, fate.unwrap_or(Fate::Exact));
            }
            for (field, fate, reason) in lost {
                if !fields.contains(&field) {
                    note(&field, fate);
                }
                why.insert((field, fate, reason));
            }
        }
    }
    writeln!(document, "## Requests of `{}`\n", client.name()).unwrap();
    writeln!(
        document,
        "| field | {} |",
        targets.iter().map(|target| format!("`{}`", target.name())).collect::<Vec<_>>().join(" | ")
    )
    .unwrap();
    writeln!(document, "| --- |{}", " :-: |".repeat(targets.len())).unwrap();
    for (field, cells) in &table {
        let cell = |target: &Format| {
            let fates = cells.get(target.name()).into_iter().flatten();
            fates.map(|fate| format!("`{}`", fate.mark())).collect::<Vec<_>>().join(" ")
        };
        writeln!(document, "| `{field}` | {} |", targets.iter().map(cell).collect::<Vec<_>>().join(" | ")).unwrap();
    }
    document.push('\n');
    for (target, reasons) in reasons.into_iter().filter(|(_, reasons)| !reasons.is_empty()) {
        writeln!(document, "### `{}` to `{target}`\n", client.name()).unwrap();
        for (field, fate, reason) in reasons {
            writeln!(document, "- `{}` `{field}`: {reason}", fate.mark()).unwrap();
        }
        document.push('\n');
    }
}

fn describe_answers(document: &mut String) {
    document.push_str("## Answers\n\nWhat a provider's answer can have and the client's format cannot say. What is not listed crosses.\n\n");
    for upstream in upstreams() {
        for client in clients().into_iter().filter(|client| client.translates_to(upstream)) {
            let mut lines = BTreeSet::new();
            for fixture in fixtures(upstream, "answers") {
                for stream in [false, true] {
                    let translation = tollgate_core::translate::Translation { stream, ..translation(client, upstream) };
                    let (_, observed) = relay(&translation, fixture.kind, std::iter::once(&*fixture.bytes));
                    for loss in observed.losses.iter() {
                        lines.insert(format!("- `{}` `{}`: {}", fate_of(loss.kind).mark(), loss.path, loss.reason));
                    }
                }
            }
            if !lines.is_empty() {
                writeln!(document, "### `{}` to a client of `{}`\n", upstream.name(), client.name()).unwrap();
                writeln!(document, "{}\n", lines.into_iter().collect::<Vec<_>>().join("\n")).unwrap();
            }
        }
    }
}

fn fate_of(kind: LossKind) -> Fate {
    match kind {
        LossKind::Approximated => Fate::Approximated,
        LossKind::Dropped => Fate::Dropped,
    }
}

/// The fields that are set, as general paths.
fn collect(value: &Value, path: &str, fields: &mut BTreeSet<String>) {
    match value {
        Value::Null => {}
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in
                members.iter().filter(|(key, _)| !matches!(key.as_str(), "type" | "role" | "model" | "stream"))
            {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if OPAQUE.contains(&key.as_str()) && path != "input" {
                    fields.insert(path);
                } else {
                    collect(value, &path, fields);
                }
            }
        }
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            for element in elements {
                collect(element, &format!("{path}[{}]", label(element)), fields);
            }
        }
        _ => {
            fields.insert(path.to_owned());
        }
    }
}

/// What tells an element of a list from others: its type, without the date that some have.
fn label(element: &Value) -> &str {
    let label = element["type"].as_str().or(element["role"].as_str()).unwrap_or_default();
    label.split_once("_2").map_or(label, |(kind, _)| kind)
}

fn generalise(body: &Value, losses: &Losses) -> Vec<(String, Fate, String)> {
    losses.iter().map(|loss| (general_path(body, &loss.path), fate_of(loss.kind), loss.reason.to_owned())).collect()
}

/// A dotted path of one body, with the kinds of elements in place of their indexes.
fn general_path(body: &Value, path: &str) -> String {
    let (mut general, mut at) = (String::new(), body);
    for step in path.split('.') {
        match step.parse::<usize>() {
            Ok(index) => {
                at = &at[index];
                if at.is_object() {
                    general = format!("{general}[{}]", label(at));
                }
            }
            Err(_) => {
                at = &at[step];
                general = if general.is_empty() { step.to_owned() } else { format!("{general}.{step}") };
            }
        }
    }
    general
}
