//! What the macros accept, and what they say about each mistake of a newcomer: a file per mistake, named after it.
//!
//! `TRYBUILD=overwrite cargo test -p sourced-tests --test ui` writes the texts anew; read them before you keep them.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

const FOLDERS: [&str; 5] = ["actor", "projector", "projection", "handler", "message"];

#[test]
fn macros_accept() {
    let cases = trybuild::TestCases::new();
    for what in FOLDERS {
        cases.pass(format!("ui/{what}/pass/*.rs"));
    }
}

/// Apart from what is accepted: cases that all fail are handed to one `cargo check`, and not to one each.
#[test]
fn macros_explain() {
    let cases = trybuild::TestCases::new();
    for what in FOLDERS {
        cases.compile_fail(format!("ui/{what}/fail/*.rs"));
    }
}

/// Mistakes that only types show, and of which the compiler tells more often than three times.
const FLOODS: [(&str, usize); 13] = [
    // Each trait of a struct, or of an actor, that is there twice. No macro sees what else is in a module.
    ("actor/method_and_plain_struct_of_one_name", 11),
    ("actor/method_and_struct_define_one_event", 13),
    ("actor/own_enum_of_the_same_name", 4),
    ("actor/second_block", 20),
    ("actor/two_actors_define_one_command", 31),
    ("actor/two_actors_define_one_name", 9),
    // Each trait that a struct of the user's lacks.
    ("actor/event_takes_a_plain_struct", 4),
    ("actor/field_without_derives", 7),
    ("message/was_is_no_message", 5),
    ("projection/after_sync_of_a_row", 8),
    ("projection/derive_forgotten", 7),
    ("projection/not_derived", 5),
    ("projection/rc_in_a_row", 10),
];

/// The texts of the compiler, by folder and name.
fn texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for what in FOLDERS {
        let folder = format!("{}/ui/{what}/fail", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "stderr")
            {
                let name = path.file_stem().unwrap().to_string_lossy();
                texts.push((
                    format!("{what}/{name}"),
                    std::fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    texts
}

#[test]
fn a_mistake_is_one_error() {
    let mut numbers = Vec::new();
    for (case, text) in texts() {
        let n_errors = text
            .lines()
            .filter(|line| line.starts_with("error"))
            .count();
        // Some show several mistakes at once, to see that all are told.
        let flood = FLOODS.iter().find(|(name, _)| *name == case);
        let most = flood.map_or(4, |(_, most)| *most);
        assert!(n_errors <= most, "{case}: {n_errors} errors");
        numbers.push(n_errors);
    }
    numbers.sort_unstable();
    let n_ones = numbers.iter().filter(|number| **number == 1).count();
    assert_eq!(numbers[numbers.len() / 2], 1);
    assert!(
        n_ones * 10 >= numbers.len() * 8,
        "{n_ones} of {}",
        numbers.len()
    );
}

#[test]
fn errors_are_told_in_the_file_that_has_the_mistake() {
    for (case, text) in texts() {
        let lines: Vec<&str> = text.lines().collect();
        let errors = (0..lines.len()).filter(|at| lines[*at].starts_with("error"));
        for at in errors {
            let place = lines[at..]
                .iter()
                .find_map(|line| line.trim_start().strip_prefix("--> "));
            assert!(
                place.is_some_and(|place| place.starts_with("ui/")),
                "{case}: {}",
                lines[at]
            );
        }
    }
}

#[test]
fn every_error_of_ours_says_what_to_type() {
    let (mut n_cases, mut n_errors) = (0, 0);
    for (case, text) in texts() {
        n_cases += 1;
        let lines: Vec<&str> = text.lines().collect();
        // A misspelt attribute is the compiler's to explain, and it does.
        let is_ours = |line: &str| {
            line.starts_with("error: ")
                && line.contains('`')
                && !line.starts_with("error: cannot find")
                && !line.starts_with("error: type ")
                && !line.starts_with("error: unused")
        };
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_ours(line)) {
            let help = lines.get(at + 2).copied().unwrap_or_default();
            assert!(help.trim_start().starts_with("help: "), "{case}: {line}");
            assert!(!line.ends_with('.'), "{case}: {line}");
            n_errors += 1;
        }
    }
    assert!(n_cases >= 230, "only {n_cases} cases were found");
    assert!(n_errors > 180, "only {n_errors} errors were found");
}
