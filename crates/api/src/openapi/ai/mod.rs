//! Below `/openapi/ai`.

pub(crate) mod view_suggestion_by_measurements;
