"""What a person may ask for: everything that is held of them, and that it be gone and stay gone."""
