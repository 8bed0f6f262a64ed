::core::compile_error! {
    "a `Projection` cannot be generic: it has one table\n\nhelp: remove the generic parameters, and name concrete types"
}
::core::compile_error! {
    "\"Lines\" cannot be the name of a table\n\nhelp: names are small ASCII letters, digits and `_`, 48 at most, and do not start with a digit"
}
#[allow(dead_code)]
#[derive(Debug)]
pub struct LineColumns {
    product: ::sourced::__private::Column<Line<'static>, String>,
    n_added: ::sourced::__private::Column<Line<'static>, u32>,
}
#[automatically_derived]
impl ::sourced::__private::Row for Line<'static> {
    type Key = ();
    type Columns = LineColumns;
    const TABLE: &'static str = "";
    const COLUMNS: Self::Columns = LineColumns {
        product: ::sourced::__private::Column::new(0),
        n_added: ::sourced::__private::Column::new(0),
    };
    fn describe(_: &mut ::sourced::__private::Describe) {
        ::core::unreachable!()
    }
    fn key(&self) -> Self::Key {
        ::core::unreachable!()
    }
    fn key_values(
        _: &Self::Key,
        _: &mut ::sourced::__private::ToRow,
    ) -> ::core::result::Result<(), ::sourced::__private::ColumnError> {
        ::core::unreachable!()
    }
    fn write(
        &self,
        _: &mut ::sourced::__private::ToRow,
    ) -> ::core::result::Result<(), ::sourced::__private::ColumnError> {
        ::core::unreachable!()
    }
    fn read(
        _: &mut ::sourced::__private::FromRow,
    ) -> ::core::result::Result<Self, ::sourced::__private::ColumnError> {
        ::core::unreachable!()
    }
}
#[doc(hidden)]
#[allow(unused_macros)]
macro_rules! __sourced_key_of_Line {
    ($($event:tt)*) => {
        ::sourced::__private::key! { () $($event)* }
    };
}
#[doc(hidden)]
#[allow(unused_imports)]
pub(crate) use __sourced_key_of_Line as Line;
