//! The suite that defines the contract; every backend runs it.
