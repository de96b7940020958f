//! Who gets in, and what is served.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tonic::Code;

use crate::support::{
    database::Database,
    plane::{ADMIN_TOKEN, NODE_TOKEN, Plane},
    vm::{Vm, resolve},
};

on_each_store! {
    grpc_without_the_node_token_is_refused,
    a_session_begins_with_hello,
    http_without_the_admin_token_is_refused,
    health_and_metrics_need_no_token,
    unknown_paths_and_methods_are_errors_of_the_api,
    the_openapi_document_describes_what_is_served,
}

async fn grpc_without_the_node_token_is_refused(database: Database) {
    let plane = Plane::start(&database).await;
    for token in [None, Some(""), Some("wrong"), Some(&NODE_TOKEN[1..]), Some(ADMIN_TOKEN)] {
        let session = Vm::open(&plane, token).await.err().expect("the session is refused");
        assert_eq!(session.code(), Code::Unauthenticated, "session with {token:?}");
        let resolved = resolve(&plane, &[0; 32], token).await.expect_err("the question is refused");
        assert_eq!(resolved.code(), Code::Unauthenticated, "resolve with {token:?}");
    }
    assert!(Vm::open(&plane, Some(NODE_TOKEN)).await.is_ok());
}

async fn a_session_begins_with_hello(database: Database) {
    let plane = Plane::start(&database).await;
    let mut hasty = Vm::open(&plane, Some(NODE_TOKEN)).await.expect("the session opens");
    hasty.send_records(1, Vec::new()).await;
    assert_eq!(hasty.ended_by().await.code(), Code::InvalidArgument);

    let mut repeating = Vm::connect(&plane, "vm-1").await;
    repeating.send(tollgate_proto::v1::up::Kind::Hello(tollgate_proto::v1::Hello::default())).await;
    assert_eq!(repeating.ended_by().await.code(), Code::InvalidArgument);
}

async fn http_without_the_admin_token_is_refused(database: Database) {
    let plane = Plane::start(&database).await;
    for path in ["usage", "keys", "models", "snapshot", "openapi.json"] {
        let path = format!("/api/v1/{path}");
        for token in [None, Some(""), Some("wrong"), Some(NODE_TOKEN)] {
            let mut request = plane.anonymous(Method::GET, &path);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let response = request.send().await.expect("the HTTP API answers");
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path} with {token:?}");
            let body: Value = response.json().await.expect("the answer is JSON");
            assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string(), "{body}");
        }
        assert_eq!(plane.try_get(&path).await.0, StatusCode::OK, "{path} with the token");
    }
}

async fn health_and_metrics_need_no_token(database: Database) {
    let plane = Plane::start(&database).await;
    let response = plane.anonymous(Method::GET, "/health").send().await.expect("the HTTP API answers");
    assert_eq!(response.status(), StatusCode::OK);
    let health: Value = response.json().await.expect("health is JSON");
    assert_eq!(health["status"], "ok");

    let response = plane.anonymous(Method::GET, "/metrics").send().await.expect("the HTTP API answers");
    assert_eq!(response.status(), StatusCode::OK);
    let page = response.text().await.expect("the page is text");
    assert!(page.ends_with("# EOF\n"), "{page}");
    assert!(page.contains("tollgate_sessions 0"), "{page}");
}

async fn unknown_paths_and_methods_are_errors_of_the_api(database: Database) {
    let plane = Plane::start(&database).await;
    let (status, body) = plane.try_get("/api/v2/usage").await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::NOT_FOUND, &Value::from("not_found")));
    let response = plane.request(Method::PUT, "/api/v1/keys").send().await.expect("the HTTP API answers");
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}

async fn the_openapi_document_describes_what_is_served(database: Database) {
    let plane = Plane::start(&database).await;
    let document = plane.get("/api/v1/openapi.json").await;
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")), "{document}");
    // https://spec.openapis.org/oas/v3.1.0#response-object: a response without a description is none.
    let operations = document["paths"].as_object().expect("paths").values().flat_map(|path| path.as_object());
    for operation in operations.flat_map(|path| path.values()) {
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.values().all(|response| response["description"].is_string()), "{operation}");
        assert!(responses.contains_key("401"), "{operation}");
    }
    assert!(document["paths"]["/api/v1/usage"]["get"]["responses"]["200"]["content"]["text/csv"].is_object());
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    for (path, method) in [
        ("/api/v1/usage", "get"),
        ("/api/v1/keys", "get"),
        ("/api/v1/keys", "post"),
        ("/api/v1/keys/{id}", "delete"),
        ("/api/v1/models", "get"),
        ("/api/v1/snapshot", "get"),
    ] {
        let responses = &document["paths"][path][method]["responses"];
        assert!(responses.as_object().is_some_and(|responses| !responses.is_empty()), "{method} {path}");
    }
    let scheme = document["security"][0].as_object().and_then(|security| security.keys().next()).expect("a scheme");
    assert_eq!(document["components"]["securitySchemes"][scheme]["scheme"], "bearer");
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("references stay in the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
