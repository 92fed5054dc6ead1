/// The name that a mistyped one was most likely meant to be, if any is near.
pub(crate) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = typed.chars().count().div_ceil(3).max(2);
    let near = known.map(|name| (distance(typed, name), name)).min()?;
    (near.0 <= far).then_some(near.1)
}

/// How many letters have to be changed, added or removed to make one of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(!a.eq_ignore_ascii_case(b));
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_changed_letters() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("listen", "lisen"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("S2101", "s2101"), 0);
    }

    #[test]
    fn nothing_is_near_to_something_else() {
        assert_eq!(nearest("S2110", ["S2101", "S2120", "A1101"].into_iter()), Some("S2120"));
        assert_eq!(nearest("toaster", ["S2101", "S2120"].into_iter()), None);
        assert_eq!(nearest("a", [].into_iter()), None);
    }
}
