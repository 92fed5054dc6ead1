use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};

use crate::fault::Fault;

/// What a form says: names with texts, in the order of the form.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The most fields looked at.
    const COUNT_MAX: usize = 500;

    fn parse(form: &[u8]) -> Self {
        let fields = form_urlencoded::parse(form).take(Self::COUNT_MAX);
        Self(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a field, empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The value of a field, if the form has it.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }
}

/// The fields of a posted form.
impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let form = Bytes::from_request(request, state).await.map_err(|_| Fault::Invalid(|texts| texts.fault_form))?;
        Ok(Self::parse(&form))
    }
}

/// What the query of an address says.
#[derive(Debug)]
pub(crate) struct Asked(pub(crate) Fields);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_may_come_several_times_or_not_at_all() {
        let fields = Fields::parse(b"scope=read&scope=write&name=D%C3%A4ch+1");
        assert_eq!(fields.all("scope").collect::<Vec<_>>(), ["read", "write"]);
        assert_eq!((fields.get("name"), fields.get("none"), fields.has("none")), ("Däch 1", "", false));
    }

    proptest! {
        #[test]
        fn no_form_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Fields::parse(&bytes).0.len() <= Fields::COUNT_MAX);
        }
    }
}
