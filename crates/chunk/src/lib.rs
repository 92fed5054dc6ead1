#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod chunk;
mod column;
mod error;
mod open_rows;
mod plain;
mod seal;
mod summary;
mod value_ref;
mod varint;

pub use chunk::Chunk;
pub use column::Column;
pub use error::Error;
pub use open_rows::OpenRows;
pub use seal::{ROWS_MAX, seal};
pub use summary::Summary;
pub use value_ref::ValueRef;
