//! What `#[sync]` methods have written.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sourced::Payload;
use sourced::backend::UnitCommit;

use crate::block_on::block_on;
use crate::diff::{self, LEGEND};
use crate::then::Then;

#[expect(
    clippy::return_self_not_must_use,
    reason = "an assertion need not be followed by another"
)]
impl<R> Then<R> {
    /// `#[sync]` methods have written this document.
    ///
    /// # Panics
    /// When the document is another one, there is none, or a `#[sync]` method failed.
    #[track_caller]
    pub fn then_document<T: Serialize>(
        mut self,
        collection: &str,
        key: impl AsRef<str>,
        expected: &T,
    ) -> Self {
        let key = key.as_ref();
        let name = format!("`{key}` of `{collection}`");
        let expected = match serde_json::to_value(expected) {
            Ok(expected) => expected,
            Err(error) => panic!("the expected document cannot be told: {error}"),
        };
        let came = self.document(collection, key);
        let Some(came) = came else {
            let keys = self.documents_of(collection);
            let keys: Vec<String> = keys.iter().map(|(key, _)| format!("`{key}`")).collect();
            let there = if keys.is_empty() {
                "nothing".to_owned()
            } else {
                keys.join(", ")
            };
            panic!("there is no document {name}: `{collection}` holds {there}");
        };
        if let Some(differences) = diff::values(&expected, &came) {
            panic!("the document {name} is not what was expected {LEGEND}\n\n{differences}");
        }
        self
    }

    /// There is no such document, once `#[sync]` methods have run.
    ///
    /// # Panics
    /// When there is one, or a `#[sync]` method failed.
    #[track_caller]
    pub fn then_no_document(mut self, collection: &str, key: impl AsRef<str>) -> Self {
        let key = key.as_ref();
        if let Some(came) = self.document(collection, key) {
            panic!("there is a document `{key}` of `{collection}`: {came}");
        }
        self
    }

    /// Looks at all documents of a collection with their keys, once `#[sync]` methods have run.
    ///
    /// # Panics
    /// When one of them is not a `T`, or a `#[sync]` method failed.
    #[track_caller]
    pub fn then_documents<T: DeserializeOwned>(
        mut self,
        collection: &str,
        look: impl FnOnce(&[(String, T)]),
    ) -> Self {
        self.sync();
        let mut documents = Vec::new();
        for (key, value) in self.documents_of(collection) {
            match serde_json::from_value(value) {
                Ok(document) => documents.push((key, document)),
                Err(error) => panic!("`{key}` of `{collection}` is of another shape: {error}"),
            }
        }
        look(&documents);
        self
    }

    #[track_caller]
    fn document(&mut self, collection: &str, key: &str) -> Option<Value> {
        self.sync();
        let documents = self.documents_of(collection);
        documents
            .into_iter()
            .find_map(|(other, value)| (other == key).then_some(value))
    }

    /// Runs the work for the transaction, once.
    #[track_caller]
    fn sync(&mut self) {
        if let Some(no) = self.unexpected_no() {
            panic!("{no}");
        }
        if std::mem::replace(&mut self.is_synced, true) {
            return;
        }
        let unit = UnitCommit {
            syncs: self.handled.syncs.clone(),
            ..UnitCommit::default()
        };
        if let Some(Err(error)) = block_on(self.case.services.backend.commit_unit(unit)) {
            panic!(
                "{error}\n\nhelp: the test keeps documents in memory; SQL is for `scenario!`, which runs on any backend"
            );
        }
    }

    fn documents_of(&self, collection: &str) -> Vec<(String, Value)> {
        let all = block_on(
            self.case
                .services
                .backend
                .documents(collection, None, usize::MAX),
        );
        let all = all.and_then(Result::ok).unwrap_or_default();
        let read = |value: Payload| value.decode().unwrap_or(Value::Null);
        all.into_iter()
            .map(|document| (document.key, read(document.value)))
            .collect()
    }
}
