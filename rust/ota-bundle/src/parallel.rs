//! The same work for many items on a few threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// More threads than this gain nothing: storage is the limit then.
const MAX_THREADS: usize = 16;

/// Does `work` for each item of `order` on up to `threads` threads (the caller's is one of them), taking the items in
/// this order, and gives the results by item: `results[i]` is that of item `i`; `order` names each of `0..len` once.
///
/// Each thread has one `state`, for buffers that are used again. The first error raises the flag that each `work` is
/// handed, starts no further item, and is returned once all threads have stopped.
pub(crate) fn for_each<S, T: Send, E: Send>(
    threads: usize,
    order: &[usize],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &AtomicBool) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failed = Mutex::new(None);
    let run = || {
        let mut done = Vec::new();
        let mut state = state();
        while !stop.load(Ordering::Relaxed) {
            let Some(&item) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            match work(&mut state, item, &stop) {
                Ok(result) => done.push((item, result)),
                Err(error) => {
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    // A thread that was told to stop may fail because of it; that is not the reason.
                    if !stop.swap(true, Ordering::Relaxed) {
                        *failed = Some(error);
                    }
                    break;
                }
            }
        }
        done
    };
    let helpers = threads.min(MAX_THREADS).min(order.len()).saturating_sub(1);
    let mut done = std::thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    done.sort_unstable_by_key(|(item, _)| *item);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// The items `0..sizes.len()`, largest first, so that no thread is left with a large one at the end.
pub(crate) fn largest_first(sizes: impl Iterator<Item = u64>) -> Vec<usize> {
    let mut order: Vec<(u64, usize)> = sizes.enumerate().map(|(at, size)| (size, at)).collect();
    order.sort_unstable_by(|a, b| b.cmp(a));
    order.into_iter().map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_by_item_whatever_the_order_and_the_threads() {
        let order = largest_first([3, 9, 1, 9, 5].into_iter());
        assert_eq!(order, [3, 1, 4, 0, 2]);
        for threads in [0, 1, 2, 50] {
            let results = for_each(threads, &order, || (), |(), item, _| Ok::<_, ()>(item * 10));
            assert_eq!(results, Ok(vec![0, 10, 20, 30, 40]));
        }
    }

    #[test]
    fn the_first_error_stops_the_rest() {
        let order: Vec<usize> = (0..1000).collect();
        let started = AtomicUsize::new(0);
        let result = for_each(
            2,
            &order,
            || (),
            |(), item, stop| {
                started.fetch_add(1, Ordering::Relaxed);
                if item == 3 {
                    return Err(item);
                }
                while item > 3 && !stop.load(Ordering::Relaxed) {}
                Ok(())
            },
        );
        assert_eq!(result, Err(3));
        assert!(started.into_inner() <= 5);
    }
}
