//! What projectors have written: the documents of `#[sync]` methods, and the rows of tables.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sourced::Payload;
use sourced::backend::{RowQuery, UnitCommit};
use sourced::table::TableProjector;

use crate::block_on::block_on;
use crate::diff::{self, LEGEND};
use crate::rows::Rows;
use crate::then::Then;

impl<R: TableProjector> Then<R> {
    /// The table of the projector has these rows now, and no others. What was given before is in them, too.
    ///
    /// ```
    /// use sourced::prelude::*;
    /// use sourced_testing::given;
    ///
    /// #[event("stock.moved")]
    /// struct Moved {
    ///     sku: String,
    ///     by: i64,
    /// }
    ///
    /// #[derive(Projection)]
    /// struct Stock {
    ///     #[key]
    ///     sku: String,
    ///     units: i64,
    /// }
    ///
    /// #[projector]
    /// impl Stock {
    ///     #[event]
    ///     fn moved(row: Option<Self>, event: &Moved) -> Option<Self> {
    ///         let units = row.map_or(0, |row| row.units) + event.by;
    ///         (units > 0).then(|| Self { sku: event.sku.clone(), units })
    ///     }
    /// }
    ///
    /// let tea = |by| Moved { sku: "tea".into(), by };
    /// given::<Stock>([tea(2)])
    ///     .when([tea(3)])
    ///     .then_rows([Stock { sku: "tea".into(), units: 5 }]);
    /// given::<Stock>([tea(2), tea(-2)]).projected().then_rows([]);
    /// ```
    ///
    /// # Panics
    /// When there are others, with the differences column by column; when an event does not fit its row; or when two rows
    /// of the expectation have the same key.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "an assertion need not be followed by another"
    )]
    #[track_caller]
    pub fn then_rows(mut self, expected: impl IntoIterator<Item = R>) -> Self {
        self.sync();
        let table = self.case.table();
        let expected = table.map_or_else(
            || Err("the projector has no table".to_owned()),
            |table| Ok((table.clone(), Rows::expected(table.clone(), expected)?)),
        );
        let compared = expected.and_then(|(table, expected)| {
            let backend = &self.case.services.backend;
            let came = block_on(backend.rows(&table, &RowQuery::default()));
            expected.compare(&came.and_then(Result::ok).unwrap_or_default())
        });
        if let Err(text) = compared {
            panic!("{text}");
        }
        self
    }
}

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
            assert!(self.case.table().is_none(), "{error}");
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
