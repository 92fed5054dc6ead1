#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod bits;
mod block;
mod chunk;
mod column;
mod decimal;
mod error;
mod ints;
mod layout;
mod mixed;
mod numbers;
mod open_rows;
mod presence;
mod seal;
mod summary;
mod transpose;
mod value_ref;
mod varint;

pub use chunk::Chunk;
pub use column::Column;
pub use error::Error;
pub use open_rows::OpenRows;
pub use seal::{ROWS_MAX, seal};
pub use summary::Summary;
pub use value_ref::ValueRef;
