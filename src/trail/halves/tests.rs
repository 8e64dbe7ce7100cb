use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn numbers_are_written_as_everybody_writes_them(number in prop_oneof![any::<u64>(), 0..2000_u64]) {
        let mut digits = [0; 20];
        prop_assert_eq!(decimal(number, &mut digits), number.to_string());
    }
}

#[test]
fn the_extremes_of_a_number_fit() {
    assert_eq!(decimal(0, &mut [0; 20]), "0");
    assert_eq!(decimal(u64::MAX, &mut [0; 20]), u64::MAX.to_string());
}
