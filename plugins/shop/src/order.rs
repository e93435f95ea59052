//! The parts of an order that its services read, checked as they are read.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest id of an order, a customer or a product, in bytes.
const ID_MAX: usize = 128;

/// The most items of one order.
const ITEMS_MAX: usize = 100;

/// The most pieces of one item.
const QUANTITY_MAX: i64 = 1_000_000_000;

/// An order's id: 1 to 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(String);

/// So many pieces of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Which product: 1 to 128 bytes.
    pub product_id: String,
    /// How many: 1 to 10^9.
    pub quantity: i64,
}

/// The items of an order: 1 to 100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Item>", into = "Vec<Item>")]
pub struct Items(Vec<Item>);

/// Whether a text can be an id: 1 to 128 bytes.
pub fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.len())
}

// === impl OrderId ===

impl OrderId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for OrderId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        if is_id(&id) { Ok(Self(id)) } else { Err("an order's id has 1 to 128 bytes") }
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.0
    }
}

// === impl Items ===

impl Items {
    /// How many pieces of each product; one that stands in several items has their sum.
    pub fn by_product(&self) -> BTreeMap<&str, i64> {
        let mut sums = BTreeMap::new();
        for item in &self.0 {
            *sums.entry(item.product_id.as_str()).or_default() += item.quantity;
        }
        sums
    }
}

impl TryFrom<Vec<Item>> for Items {
    type Error = &'static str;

    fn try_from(items: Vec<Item>) -> Result<Self, Self::Error> {
        if !(1..=ITEMS_MAX).contains(&items.len()) {
            return Err("an order has 1 to 100 items");
        }
        if items.iter().any(|item| !is_id(&item.product_id)) {
            return Err("a productId has 1 to 128 bytes");
        }
        if items.iter().any(|item| !(1..=QUANTITY_MAX).contains(&item.quantity)) {
            return Err("a quantity is 1 to 1000000000");
        }
        Ok(Self(items))
    }
}

impl From<Items> for Vec<Item> {
    fn from(items: Items) -> Self {
        items.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_product_in_several_items_is_summed_up() {
        let item = |product, quantity| json!({ "productId": product, "quantity": quantity });
        let items = json!([item("p2", 1), item("p1", 2), item("p2", 3)]);
        let items: Items = serde_json::from_value(items).expect("items");
        assert_eq!(items.by_product().into_iter().collect::<Vec<_>>(), [("p1", 2), ("p2", 4)]);
    }

    #[test]
    fn what_is_no_list_of_items_is_refused() {
        let item = |product: &str, quantity: Value| json!([{ "productId": product, "quantity": quantity }]);
        let wrong = [
            (json!([]), "1 to 100 items"),
            (json!(vec![json!({ "productId": "p1", "quantity": 1 }); 101]), "1 to 100 items"),
            (item("", json!(1)), "productId"),
            (item(&"p".repeat(129), json!(1)), "productId"),
            (item("p1", json!(0)), "quantity"),
            (item("p1", json!(-1)), "quantity"),
            (item("p1", json!(1_000_000_001)), "quantity"),
            (item("p1", json!(1.5)), "expected i64"),
            (json!([{ "productId": "p1" }]), "quantity"),
            (json!([{ "quantity": 1 }]), "productId"),
        ];
        for (items, why) in wrong {
            let refused = serde_json::from_value::<Items>(items.clone()).expect_err("refused").to_string();
            assert!(refused.contains(why), "{items}: {refused}");
        }
    }

    #[test]
    fn an_id_is_neither_empty_nor_long() {
        assert_eq!(serde_json::from_value::<OrderId>(json!("123")).expect("an id").as_str(), "123");
        for wrong in [json!(""), json!("x".repeat(129)), json!(5), json!(null)] {
            assert!(serde_json::from_value::<OrderId>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
