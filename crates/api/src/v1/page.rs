use std::sync::Arc;

use model::{Device, DeviceKind};
use serde::Serialize;
use store::DeviceFilter;

use crate::{auth::Caller, error::Refusal, parameters::Parameters};

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// The first is 1.
    number: usize,
    len: usize,
}

/// A list and how many there are on all its pages.
#[derive(Debug, Serialize)]
pub(super) struct Paged<T> {
    page: Count,
    list: Vec<T>,
}

#[derive(Debug, Serialize)]
struct Count {
    count: String,
}

impl Page {
    const LEN_DEFAULT: usize = 20;
    const LEN_MAX: usize = 500;

    /// What `offset`, the number of the page, and `length` say; both are moved into their bounds.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let bounded = |number: Option<i64>, default: usize, max: usize| {
            number.map_or(default, |number| usize::try_from(number.max(1)).unwrap_or(max).min(max))
        };
        Ok(Self {
            number: bounded(parameters.whole("offset")?, 1, usize::MAX / Self::LEN_MAX),
            len: bounded(parameters.whole("length")?, Self::LEN_DEFAULT, Self::LEN_MAX),
        })
    }

    /// As [`Page::read`], if the call says anything about pages.
    pub(super) fn find(parameters: &Parameters) -> Result<Option<Self>, Refusal> {
        let is_asked = ["offset", "length"].iter().any(|name| parameters.find_filled(name).is_some());
        if is_asked { Self::read(parameters).map(Some) } else { Ok(None) }
    }

    /// What of a list is on this page.
    pub(super) fn of<T>(self, items: &[T]) -> &[T] {
        let start = (self.number - 1).saturating_mul(self.len).min(items.len());
        &items[start..items.len().min(start + self.len)]
    }
}

/// The devices of a kind that a page shows, and how many there are in all.
pub(super) async fn devices(
    caller: &Caller,
    parameters: &Parameters,
    kind: DeviceKind,
) -> Result<(Vec<Arc<Device>>, usize), Refusal> {
    let page = Page::read(parameters)?;
    let all = caller.list_devices(DeviceFilter { kind: Some(kind), group: None }).await?;
    Ok((page.of(&all).to_vec(), all.len()))
}

impl<T> Paged<T> {
    pub(super) fn new(list: Vec<T>, count: usize) -> Self {
        Self { page: Count { count: count.to_string() }, list }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_count_from_one_and_end_where_the_list_does() {
        let items = [1, 2, 3, 4, 5];
        let page = |number, len| Page { number, len }.of(&items);
        assert_eq!(page(1, 2), [1, 2]);
        assert_eq!(page(3, 2), [5]);
        assert_eq!(page(4, 2), [] as [i32; 0]);
        assert_eq!(page(usize::MAX, 500), [] as [i32; 0]);
    }

    proptest! {
        #[test]
        fn pages_together_are_the_list(len in 0_usize..60, of in 1_usize..30) {
            let items: Vec<usize> = (0..len).collect();
            let pages = (1..=len / of + 1).flat_map(|number| Page { number, len: of }.of(&items).to_vec());
            prop_assert_eq!(pages.collect::<Vec<_>>(), items);
        }
    }
}
