//! A program that was built without JavaScript.

use super::{Answer, Call, Error};

pub(super) fn check(_source: &str) -> Result<(), Error> {
    Err(Error::NotBuilt)
}

pub(super) fn run(_source: &str, _call: Call<'_>) -> Result<Answer, Error> {
    Err(Error::NotBuilt)
}
