//! Work on several threads whose results are taken in order, a few at a time.

use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::Result;
use rayon::prelude::*;

/// Items that are worked on at once. Their own work may use more threads.
const GROUP: usize = 4;

/// Calls `make` for each item on the threads of rayon's pool, and `take` with the results on this thread, in the order of the
/// items. Both work at the same time.
///
/// Memory: the results of a dozen items.
///
/// # Errors
/// The first of `make` or `take`, in the order of the items; nothing is taken after it.
pub fn in_order<T: Sync, R: Send>(items: &[T], make: impl Fn(&T) -> Result<R> + Sync, mut take: impl FnMut(R) -> Result<()>) -> Result<()> {
    let (sender, results) = sync_channel::<Vec<Result<R>>>(1);
    let make = &make;
    thread::scope(|scope| {
        scope.spawn(move || {
            for group in items.chunks(GROUP) {
                if sender.send(group.par_iter().map(make).collect()).is_err() {
                    // Taking failed: its error is returned below.
                    return;
                }
            }
        });
        results.into_iter().flatten().try_for_each(|result| take(result?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn results_come_in_order_until_the_first_error() {
        let items: Vec<u32> = (0..500).collect();
        let check = |made: u32, taken: u32| {
            let make = |&item: &u32| if item == made { bail!("made {item}") } else { Ok(item * 2) };
            let mut results = Vec::new();
            let end = in_order(&items, make, |result| {
                if result == taken * 2 {
                    bail!("taken {result}");
                }
                results.push(result);
                Ok(())
            });
            (results, end.map_err(|error| error.to_string()))
        };
        let doubled = |count: u32| (0..count).map(|item| item * 2).collect::<Vec<_>>();
        assert_eq!(check(1000, 1000), (doubled(500), Ok(())));
        assert_eq!(check(77, 1000), (doubled(77), Err("made 77".to_owned())));
        assert_eq!(check(99, 33), (doubled(33), Err("taken 66".to_owned())));
    }
}
