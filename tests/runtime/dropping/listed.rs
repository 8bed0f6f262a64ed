//! The public async functions of the crates, read from their sources: so that none is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{ImplItem, Item, ReturnType, Signature, TraitItem, Type, Visibility};

/// What is published, and has async functions.
const CRATES: [&str; 4] = [
    "sourced",
    "sourced-sqlite",
    "sourced-postgres",
    "sourced-testing",
];

/// Where the functions are tests themselves.
const TESTS: &str = "sourced-testing/src/conformance";

/// All of them, as `Type::function`, or `function` where it has no type.
pub fn all() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = BTreeSet::new();
    for krate in CRATES {
        for file in sources(&root.join(krate).join("src")) {
            let is_of_tests = file.strip_prefix(&root).unwrap().starts_with(TESTS);
            if !is_of_tests {
                let file = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
                note(&file.items, &mut found);
            }
        }
    }
    found
}

fn note(items: &[Item], found: &mut BTreeSet<String>) {
    for item in items {
        match item {
            Item::Fn(item) if is_public(&item.vis) && is_async(&item.sig) => {
                found.insert(item.sig.ident.to_string());
            }
            Item::Impl(item) if is_awaited(item) => {
                found.insert(format!("{}::await", name_of(&item.self_ty)));
            }
            Item::Impl(item) if item.trait_.is_none() => {
                let of = name_of(&item.self_ty);
                for item in &item.items {
                    if let ImplItem::Fn(item) = item
                        && is_public(&item.vis)
                        && is_async(&item.sig)
                    {
                        found.insert(format!("{of}::{}", item.sig.ident));
                    }
                }
            }
            Item::Trait(item) if is_public(&item.vis) => {
                for of_trait in &item.items {
                    if let TraitItem::Fn(function) = of_trait
                        && is_async(&function.sig)
                    {
                        found.insert(format!("{}::{}", item.ident, function.sig.ident));
                    }
                }
            }
            Item::Mod(item) if !is_of_tests(&item.attrs) => {
                if let Some((_, items)) = &item.content {
                    note(items, found);
                }
            }
            _ => {}
        }
    }
}

/// Whether it makes a type one that can be awaited.
fn is_awaited(item: &syn::ItemImpl) -> bool {
    item.trait_.as_ref().is_some_and(|(of, _)| {
        let of = of.segments.last().unwrap();
        of.ident == "Future" || of.ident == "IntoFuture"
    })
}

fn is_of_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether it is awaited, or gives something that is.
fn is_async(signature: &Signature) -> bool {
    const AWAITED: [&str; 5] = ["Future", "BoxFuture", "BoxStream", "Stream", "Task"];
    signature.asyncness.is_some()
        || match &signature.output {
            ReturnType::Default => false,
            ReturnType::Type(_, given) => {
                let given = quote::ToTokens::to_token_stream(given).to_string();
                let mut words = given.split(|c: char| !c.is_alphanumeric());
                words.any(|word| AWAITED.contains(&word))
            }
        }
}

fn name_of(of: &Type) -> String {
    match of {
        Type::Path(path) => path.path.segments.last().unwrap().ident.to_string(),
        Type::TraitObject(of) => match of.bounds.first() {
            Some(syn::TypeParamBound::Trait(bound)) => {
                bound.path.segments.last().unwrap().ident.to_string()
            }
            _ => panic!("an impl of an unknown type"),
        },
        _ => panic!("an impl of an unknown type"),
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap() {
        let path = path.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
