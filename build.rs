fn main() {
    // The migrations are part of the binary; the compiler doesn't see them change.
    println!("cargo:rerun-if-changed=migrations");
}
