use super::hex;

#[test]
fn every_byte_has_its_two_digits() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let expected: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex(&all), expected);
    assert_eq!(hex(&[]), "");
}
