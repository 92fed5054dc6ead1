//! How an app signs in that knows an account and a password instead of an access key: the calls that
//! Home Assistant's integration makes, below `/portalapi`.

mod delay;
mod networks;
pub(crate) mod organization;
mod token;
pub(crate) mod user;

pub(crate) use delay::Delays;
pub(crate) use networks::only_from_named_networks;
