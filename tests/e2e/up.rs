//! `tollgate up`: everything by one command.

use std::net::TcpListener;

use reqwest::Method;
use serde_json::Value;
use tollgate_tests::{Answer, Setup, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_says_how_to_call_it_and_stops_whole() {
    let stack = Setup::prepare(|_| ()).await.stopped();
    let process = stack.start_up();
    let line = eventually(async || {
        let said = process.log();
        said.lines().find_map(|line| line.trim().strip_prefix("curl ").map(str::to_owned))
    });
    let line = line.await.unwrap_or_else(|| panic!("no line to paste: {}", process.log()));

    // The line, word by word: URL, -H header, -H header, -d body.
    let words: Vec<&str> = line.split('\'').map(str::trim).collect();
    let [first, authorization, "-H", content_type, "-d", body, ""] = words.as_slice() else {
        panic!("not as expected: {words:?}")
    };
    let url = first.trim_end_matches("-H").trim();
    let mut request = reqwest::Client::new().request(Method::POST, url).body((*body).to_owned());
    for header in [authorization, content_type] {
        let (name, value) = header.split_once(": ").expect("a header");
        request = request.header(name, value);
    }
    let answer = Answer::read(request.send().await.expect("an answer")).await.expect("a body");
    assert_eq!((answer.status, answer.content().as_str()), (200, "You said: Hello"), "{}", answer.text());
    assert_eq!(stack.api().wait_for_records(1).await[0]["outcome"], "success");

    assert!(process.terminate().await, "it does not end well");
    for address in [stack.gateway(), stack.envoy_admin(), stack.grpc()] {
        assert!(TcpListener::bind(address).is_ok(), "{address} is still taken");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_named() {
    let stack = Setup::prepare(|_| ()).await.stopped();
    for (address, flag) in
        [(stack.gateway(), "--listen"), (stack.envoy_admin(), "--envoy-admin"), (stack.grpc(), "--grpc")]
    {
        let taken = TcpListener::bind(address).expect("the port is free");
        let mut process = stack.start_up();
        assert!(!process.ended_well().await);
        let said = process.log();
        assert!(said.contains(&address.to_string()) && said.contains(flag), "{said}");
        drop(taken);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_in_the_file_is_explained_with_its_place() {
    let stack = Setup::prepare(|config| config["models"]["gpt-4o"]["targets"][0]["provider"] = Value::from("opeanai"));
    let stack = stack.await.stopped();
    let mut process = stack.start_up();
    assert!(!process.ended_well().await);
    let said = process.log();
    assert!(said.contains("tollgate.yaml:1:") && said.contains("opeanai") && said.contains("openai"), "{said}");
}
