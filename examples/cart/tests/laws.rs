//! A cart keeps the laws of actors.

use cart::cart::Cart;

sourced_testing::laws!(Cart);
