//! The plain reference passes the suite that defines the contract.

use std::sync::Arc;

use store::{Reference, Store};

async fn fresh() -> (Arc<dyn Store>, ()) {
    (Arc::new(Reference::new()), ())
}

store::conformance_suite!(fresh());
