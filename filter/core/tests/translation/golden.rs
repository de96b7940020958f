//! One fixture, one snapshot per format of the other side beside it: bytes, usage and losses.

use std::path::Path;

use super::fixtures::{clients, fixtures, relay, requests, show_losses, translation, upstreams};
use tollgate_core::{
    canonical::Usage,
    translate::{Observed, ResponseKind, Translation},
    words::Format,
};

fn check(folder: &Path, name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

#[test]
fn requests_become_requests_of_every_provider() {
    for client in clients() {
        for request in requests(client) {
            for upstream in upstreams().into_iter().filter(|upstream| client.translates_to(*upstream)) {
                let shown = match request.encode(client, upstream) {
                    Ok((body, losses)) => format!("{}\n\n{}", body.unwrap(), show_losses(&losses)),
                    Err(refusal) => format!("refused: {refusal}"),
                };
                check(&request.folder, &format!("{}.{}", request.name, upstream.name()), &shown);
            }
        }
    }
}

#[test]
fn requests_to_their_own_format_change_in_what_we_own_only() {
    for client in clients() {
        for request in requests(client) {
            let (body, losses) = request.encode(client, client).unwrap();
            assert!(losses.is_empty(), "{}", request.name);
            check(
                &request.folder,
                &format!("{}.{}", request.name, client.name()),
                &body.unwrap_or("as received".into()),
            );
        }
    }
}

#[test]
fn answers_become_answers_for_every_client() {
    for upstream in upstreams() {
        for fixture in fixtures(upstream, "answers") {
            for client in clients().into_iter().filter(|client| client.translates_to(upstream)) {
                let mut translation = translation(client, upstream);
                let whole = show(&translation, fixture.kind, &fixture.bytes);
                (translation.stream, translation.include_usage) = (true, true);
                let stream = show(&translation, fixture.kind, &fixture.bytes);
                let shown = format!("# whole\n{whole}\n\n# stream\n{stream}");
                check(&fixture.folder, &format!("{}.{}", fixture.name, client.name()), &shown);
            }
        }
    }
}

#[test]
fn answers_in_the_clients_own_format_pass_as_they_are() {
    for format in Format::ALL {
        for fixture in fixtures(format, "answers") {
            let mut translation = translation(format, format);
            translation.stream = fixture.kind == ResponseKind::Stream;
            translation.include_usage = true;
            let (out, observed) = relay(&translation, fixture.kind, std::iter::once(&*fixture.bytes));
            assert_eq!(out.unwrap(), fixture.bytes, "{}", fixture.name);
            let mut shown = show_observed(&observed);
            if translation.stream {
                translation.include_usage = false;
                let (out, _) = relay(&translation, fixture.kind, std::iter::once(&*fixture.bytes));
                let removed = fixture.bytes.len() - out.unwrap().len();
                shown = format!("{shown}\nbytes taken out where usage was not asked for: {removed}");
            }
            check(&fixture.folder, &format!("{}.{}", fixture.name, format.name()), &shown);
        }
    }
}

fn show(translation: &Translation<'_>, kind: ResponseKind, body: &[u8]) -> String {
    let (end, observed) = relay(translation, kind, std::iter::once(body));
    let end = end.map_or_else(|error| format!("no answer: {error}"), |bytes| String::from_utf8(bytes).unwrap());
    format!("{}\n--\n{}\n{}", end.trim_end(), show_observed(&observed), show_losses(&observed.losses))
}

fn show_observed(observed: &Observed) -> String {
    let usage = observed.usage.map_or("none".to_owned(), show_usage);
    let flag = |flag: bool, word: &str| if flag { format!(", {word}") } else { String::new() };
    format!(
        "usage: {usage}{}{}{}",
        flag(observed.terminal, "terminal"),
        flag(observed.finished, "finished"),
        flag(observed.failed, "failed"),
    )
}

fn show_usage(usage: Usage) -> String {
    let Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out } = usage;
    let figures = [
        ("cache_read", cache_read),
        ("cache_write_5m", cache_write_5m),
        ("cache_write_1h", cache_write_1h),
        ("reasoning", reasoning),
        ("audio_in", audio_in),
        ("audio_out", audio_out),
    ];
    let others =
        figures.into_iter().filter(|(_, figure)| *figure > 0).map(|(name, figure)| format!(" {name} {figure}"));
    format!("input {input} output {output}{}", others.collect::<String>())
}
