//! All actors of the holidays keep the laws, with an agency that always answers.

use std::sync::Arc;

use holiday::agency::Agency;
use holiday::{several, single};

mod holiday_in_one_stream {
    use super::*;
    sourced_testing::laws!(single::Holiday, resources: [Arc::new(Agency::default())]);
}

mod trip {
    use super::*;
    sourced_testing::laws!(several::Trip);
}

mod reservation {
    use super::*;
    sourced_testing::laws!(several::Reservation, resources: [Arc::new(Agency::default())]);
}
