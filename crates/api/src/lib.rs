#![doc = include_str!("../README.md")]

mod auth;
mod binding;
mod channels;
mod document;
mod envelope;
mod error;
mod euis;
mod gateway;
mod groups;
mod json;
mod meter;
mod openapi;
mod parameters;
mod portalapi;
mod refer;
mod router;
mod running;
mod sensor_type;
mod settings;
mod sim;
mod state;
mod statuses;
mod v1;
mod window;

pub use document::document;
pub use envelope::Answered;
pub use error::{CODES, FRAMEWORK, PublicCode};
pub use gateway::{Begun, ClientAddress, gateway_headers};
pub use meter::Meter;
pub use router::{paths, router};
pub use settings::{PortalLogin, Settings};
pub use state::ApiState;
