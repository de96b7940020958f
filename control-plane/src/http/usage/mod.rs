//! `/api/v1/usage`: what was used and what it cost, record by record or summed, as JSON or CSV.
//!
//! The question, the rows of an answer, and how rows are written are apart, so that each column is named once.

mod answer;
mod question;
mod table;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use answer::{GroupRow, RecordRow};
use question::Question;

use super::{Error, error::ErrorBody};
use crate::{
    app::App,
    domain::usage::{Dimension, Filter, Grouping},
};

/// Either `records` or `groups`.
#[derive(Serialize, ToSchema)]
pub(super) struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Vec<RecordRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupRow>>,
    /// Where the next rows are; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What was used and what it cost. Absent tokens and costs are unknown, which is not zero.
#[utoipa::path(get, path = "/api/v1/usage", params(Question),
    responses(
        (status = 200, description = "Records or groups; as CSV, one line each.",
            content((Usage = "application/json"), (String = "text/csv")),
            headers(("x-next-cursor" = String, description = "Of CSV: `next_cursor`; absent at the end."))),
        (status = 400, description = "A parameter says what is not allowed.", body = ErrorBody)))]
pub(super) async fn usage(
    State(app): State<App>,
    headers: HeaderMap,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Error> {
    let Query(question) = question?;
    let csv = question.wants_csv(&headers)?;
    let filter = question.filter()?;
    match question.grouping()? {
        None => records(&app, &question, &filter, csv).await,
        Some(grouping) => groups(&app, &question, &filter, &grouping, csv).await,
    }
}

async fn records(app: &App, question: &Question, filter: &Filter, csv: bool) -> Result<Response, Error> {
    let cursor = question.records_cursor()?;
    let page = app.store.records(filter, cursor.as_ref(), question.limit()?).await?;
    let rows: Vec<RecordRow> = page.records.into_iter().map(RecordRow::from).collect();
    let next_cursor = page.next.map(question::show_records_cursor);
    if csv {
        return Ok(table::csv(&rows, |_| true, next_cursor));
    }
    Ok(Json(Usage { records: Some(rows), groups: None, next_cursor }).into_response())
}

async fn groups(
    app: &App,
    question: &Question,
    filter: &Filter,
    grouping: &Grouping,
    csv: bool,
) -> Result<Response, Error> {
    let cursor = question.groups_cursor(grouping)?;
    let page = app.store.groups(filter, grouping, cursor.as_deref(), question.limit()?).await?;
    let rows: Vec<GroupRow> = page.groups.iter().map(|group| GroupRow::new(group, grouping)).collect();
    let next_cursor = page.next.map(|values| question::show_groups_cursor(values, grouping));
    if csv {
        let shown = |column: &str| Dimension::from_name(column).is_none_or(|it| grouping.dimensions.contains(&it));
        return Ok(table::csv(&rows, shown, next_cursor));
    }
    Ok(Json(Usage { records: None, groups: Some(rows), next_cursor }).into_response())
}
