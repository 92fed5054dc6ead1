//! What a call asks, wherever it says so: query, form or JSON.

mod body;
mod path;
mod typed;
mod unknown;

pub(crate) use path::{PathEui, PathGroup};

use std::sync::atomic::AtomicBool;

use axum::{
    body::HttpBody,
    extract::{FromRequest, Request},
};

use crate::{ApiState, error::Refusal};

/// The parameters of a call, from its body and its query together.
///
/// **Shape**: names with texts, a list as one name several times, a member of an object as
/// `position[lon]`; numbers as the text that stands for them. A body comes before the query, so that where a parameter is to be one thing and both
/// say it, the body is heard.
///
/// It remembers which of them were asked for; when it goes, the others are noted as ones that the call does not take.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    given: Vec<Given>,
}

#[derive(Debug)]
struct Given {
    name: String,
    value: String,
    is_read: AtomicBool,
}

impl Parameters {
    /// Most parameters a call may give; the items of a list count one each.
    const COUNT_MAX: usize = 1_000;

    fn add(&mut self, name: &str, value: impl Into<String>) -> Result<(), Refusal> {
        if self.given.len() >= Self::COUNT_MAX {
            return Err(Refusal::Parameters(format!("give at most {} parameters", Self::COUNT_MAX).into()));
        }
        self.given.push(Given { name: name.to_owned(), value: value.into(), is_read: AtomicBool::new(false) });
        Ok(())
    }

    /// Adds `a=1&b[]=2&b[1]=3&c[d]=4`: percent-encoded, lists by repetition or by brackets that are
    /// empty or have a number in them, members of an object by brackets with their name.
    fn add_form(&mut self, form: &[u8]) -> Result<(), Refusal> {
        for (name, value) in form_urlencoded::parse(form) {
            let bare = match name.find('[') {
                Some(bracket) if is_index(&name[bracket..]) => &name[..bracket],
                _ => &name[..],
            };
            self.add(bare, value)?;
        }
        Ok(())
    }
}

/// Whether brackets stand for the place in a list.
fn is_index(brackets: &str) -> bool {
    let between = brackets.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    between.is_some_and(|between| between.bytes().all(|byte| byte.is_ascii_digit()))
}

impl FromRequest<ApiState> for Parameters {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &ApiState) -> Result<Self, Refusal> {
        let mut parameters = Self::default();
        let (parts, body) = request.into_parts();
        if !body.is_end_stream() {
            let body = body::read(&parts.headers, body).await?;
            parameters.add_body(&parts.headers, &body)?;
        }
        if let Some(query) = parts.uri.query() {
            parameters.add_form(query.as_bytes())?;
        }
        Ok(parameters)
    }
}
