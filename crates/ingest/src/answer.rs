use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{Accepted, Refusal};

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            stored: usize,
            duplicate: bool,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            kept: bool,
            warnings: Vec<String>,
        }

        let Self { stored, duplicate, kept, warnings } = self;
        let status = if kept { StatusCode::ACCEPTED } else { StatusCode::OK };
        (status, Json(Body { stored, duplicate, kept, warnings })).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(json!({ "error": self.to_string() }))).into_response();
        let extra = match self.status() {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, r#"Basic realm="ingest", charset="UTF-8""#)),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "5")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
