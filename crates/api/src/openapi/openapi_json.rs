use std::sync::LazyLock;

use axum::{
    body::Bytes,
    http::header,
    response::{IntoResponse, Response},
};

use crate::document::document;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

/// The OpenAPI document of the public API, for everybody.
pub(crate) async fn openapi_json() -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], DOCUMENT.clone()).into_response()
}
