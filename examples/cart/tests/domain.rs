//! What a cart decides and what its listing shows: the domain alone, without the program around it.

use cart::cart::{
    AddItem, Cart, CartError, ItemAdded, ItemRemoved, MAX_PIECES, PaymentRequested, Place, Placed,
    RemoveItem, RequestPayment,
};
use cart::listings::{COLLECTION, CartListings, Status};
use sourced_testing::{given, scenario};

fn tea(quantity: u32) -> ItemAdded {
    ItemAdded {
        product_id: "tea".into(),
        name: "Tea".into(),
        price: 250,
        quantity,
    }
}

fn add_tea(quantity: u32) -> AddItem {
    AddItem {
        product_id: "tea".into(),
        name: "Tea".into(),
        price: 250,
        quantity,
    }
}

fn remove_tea() -> RemoveItem {
    RemoveItem {
        product_id: "tea".into(),
    }
}

#[test]
fn an_open_cart_takes_products_and_gives_them_back() {
    given::<Cart>(()).when(add_tea(2)).then(tea(2));
    given::<Cart>(tea(2)).when(remove_tea()).then(ItemRemoved {
        product_id: "tea".into(),
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let full = tea(MAX_PIECES);
    given::<Cart>(())
        .when(add_tea(0))
        .then_refused(CartError::NothingToAdd);
    given::<Cart>(full)
        .when(add_tea(2))
        .then_refused(CartError::TooMany(u64::from(MAX_PIECES) + 2));
    given::<Cart>(())
        .when(remove_tea())
        .then_refused(CartError::NotInCart("tea".into()));
    given::<Cart>(()).when(Place).then_refused(CartError::Empty);
}

#[test]
fn nothing_changes_once_the_order_is_placed() {
    let placed = || given::<Cart>((tea(2), Placed { total: 500 }));
    placed()
        .when(add_tea(1))
        .then_refused(CartError::AlreadyPlaced);
    placed()
        .when(remove_tea())
        .then_refused(CartError::AlreadyPlaced);
    placed().when(Place).then_refused(CartError::AlreadyPlaced);
}

#[tokio::test]
async fn whoever_orders_must_pay() {
    let amount = 500;
    scenario![Cart, CartListings]
        .stream("cart-1")
        .given(tea(2))
        .when(Place)
        .then_new_messages((
            Placed { total: amount },
            RequestPayment { amount },
            PaymentRequested { amount },
        ))
        .then_app(async |app| {
            let listing: Option<CartListings> = app.document(COLLECTION, "cart-1").await.unwrap();
            let listing = listing.unwrap();
            assert_eq!(listing.status, Status::AwaitingPayment);
            assert_eq!(listing.total, 500);
        })
        .await;
}
