//! All invariants together: whatever is asked for in whatever order, the answers are those of a small model.

use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::TestRunner;

use crate::cases;
use crate::conformance::Harness;
use crate::conformance::model::{Operation, operations, play};

/// After so many shorter stories, the shortest so far is told.
const MAX_SHORTER: usize = 2_000;

pub async fn random_operations_are_answered_as_by_the_model<H: Harness>(harness: &H) {
    let (config, seed) = cases::config(harness.seed());
    let mut runner = TestRunner::new(config);
    for _ in 0..harness.sequences() {
        let mut tree = operations().new_tree(&mut runner).unwrap();
        if let Err(story) = play(harness, &tree.current()).await {
            let story = shortest(harness, &mut tree, story).await;
            panic!("{story}\n\nThe same again: PROPTEST_RNG_SEED={seed}");
        }
    }
}

async fn shortest<H: Harness>(
    harness: &H,
    tree: &mut impl ValueTree<Value = Vec<Operation>>,
    mut story: String,
) -> String {
    let mut operations = tree.current();
    let mut is_shorter = tree.simplify();
    for _ in 0..MAX_SHORTER {
        if !is_shorter {
            break;
        }
        let fewer = tree.current();
        is_shorter = match play(harness, &fewer).await {
            Ok(()) => tree.complicate(),
            Err(shorter) => {
                (story, operations) = (shorter, fewer);
                tree.simplify()
            }
        };
    }
    // Proptest leaves out operations first and makes them simpler then, when more of them could be left out.
    for nth in (0..operations.len()).rev() {
        let mut fewer = operations.clone();
        fewer.remove(nth);
        if let Err(shorter) = play(harness, &fewer).await {
            (story, operations) = (shorter, fewer);
        }
    }
    story
}
