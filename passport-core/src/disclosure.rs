//! Small numbers in counts: which are told, and which could single somebody out.
//!
//! The rule is the one that NHS Digital used for Hospital Episode Statistics until 2018 (*Disclosure
//! control methodology for HES and ECDS*) and that the Office for National Statistics describes for
//! tables: counts from 1 to just below a least cell are suppressed (*primary* suppression), zeros are
//! told, and further cells are suppressed until nothing that is suppressed follows from what is told
//! (*secondary* suppression). Rounding, which NHS Digital uses since, would make counts this small
//! say nothing.

use serde::Serialize;

/// A count that is told, or none where it is suppressed.
pub type Cell = Option<usize>;

/// A whole and its parts, of which everybody is in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// How many there are.
    pub total: Cell,
    /// How many are in each part.
    pub parts: Vec<Cell>,
}

/// What may be told of a whole and its parts.
///
/// A lone suppressed part would be the total less the others, and suppressed parts that come to
/// less than `least` would be told together: the smallest part that is left is suppressed too,
/// until neither is so. Where none is left, the total is suppressed.
#[must_use]
pub fn partition(counts: &[usize], least: usize) -> Partition {
    let small = |n: usize| n > 0 && n < least;
    let total: usize = counts.iter().sum();
    let mut hidden: Vec<bool> = counts.iter().map(|n| small(*n)).collect();
    let mut total_told = !small(total);
    while total_told {
        let suppressed = || counts.iter().zip(&hidden).filter(|(_, h)| **h).map(|(n, _)| *n);
        let (cells, sum) = (suppressed().count(), suppressed().sum::<usize>());
        if cells == 0 || (cells > 1 && sum >= least) {
            break;
        }
        let told = counts
            .iter()
            .enumerate()
            .filter(|(place, n)| **n > 0 && !hidden.get(*place).copied().unwrap_or_default());
        match told.min_by_key(|(_, n)| **n).map(|(place, _)| place) {
            Some(place) => {
                if let Some(hide) = hidden.get_mut(place) {
                    *hide = true;
                }
            }
            None => total_told = false,
        }
    }
    let parts = counts.iter().zip(hidden).map(|(n, hide)| (!hide).then_some(*n));
    Partition { total: total_told.then_some(total), parts: parts.collect() }
}

/// What may be told of a count among all: neither so few that they could be known, nor so nearly
/// all that the others could.
#[must_use]
pub fn among(count: usize, all: usize, least: usize) -> Cell {
    let small = |n: usize| n > 0 && n < least;
    (!small(count) && !small(all.saturating_sub(count)) && !small(all)).then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_are_suppressed_and_do_not_follow_from_the_rest() {
        let parts = |counts: &[usize]| partition(counts, 5);
        assert_eq!(
            parts(&[10, 0, 7]),
            Partition { total: Some(17), parts: vec![Some(10), Some(0), Some(7)] }
        );
        // 3 alone would be 20 less 10 less 7: the smallest other goes too.
        assert_eq!(parts(&[10, 3, 7]).parts, [Some(10), None, None]);
        // Two that come to less than 5 together say who they are.
        assert_eq!(parts(&[10, 1, 2, 8]).parts, [Some(10), None, None, None]);
        assert_eq!(parts(&[10, 3, 4]).parts, [Some(10), None, None]);
        // Nothing is left to go with it: the total goes.
        assert_eq!(parts(&[0, 3]), Partition { total: None, parts: vec![Some(0), None] });
        assert_eq!(parts(&[0, 0]), Partition { total: Some(0), parts: vec![Some(0), Some(0)] });
    }

    #[test]
    fn no_suppressed_part_follows_from_what_is_told() {
        for a in 0..9 {
            for b in 0..9 {
                for c in 0..9 {
                    let told = partition(&[a, b, c], 5);
                    let hidden: Vec<usize> = [a, b, c]
                        .into_iter()
                        .zip(&told.parts)
                        .filter(|(_, part)| part.is_none())
                        .map(|(n, _)| n)
                        .collect();
                    assert!(
                        [a, b, c]
                            .iter()
                            .zip(&told.parts)
                            .all(|(n, p)| p.is_none_or(|p| p == *n && (p == 0 || p >= 5)))
                    );
                    let safe = hidden.len() != 1
                        && (hidden.is_empty() || hidden.iter().sum::<usize>() >= 5);
                    assert!(told.total.is_none() || safe, "{a} {b} {c}: {told:?}");
                }
            }
        }
    }

    #[test]
    fn nearly_all_is_as_telling_as_nearly_none() {
        assert_eq!([among(0, 40, 5), among(4, 40, 5), among(38, 40, 5)], [Some(0), None, None]);
        assert_eq!(
            [among(20, 40, 5), among(40, 40, 5), among(4, 4, 5)],
            [Some(20), Some(40), None]
        );
    }
}
