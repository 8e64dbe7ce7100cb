pub(crate) const CHILD: &str = "--child";
pub(crate) fn child(_: &str, _: &[String]) {}
pub(crate) fn run(_: bool, _: &[String]) {}
